//! No request is waited for endlessly, and what changes something is finished even if nobody waits.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Either;
use poem::http::Method;
use poem::{Endpoint, Middleware, Request, Response, Result};
use tracing::Instrument as _;

use crate::lifecycle::Lifecycle;
use crate::problem::{Problem, Recipient};

/// Answers 503 after a while. A request that changes something runs in a task of its own, so that
/// neither the deadline nor a client that leaves cuts it off half-way.
pub(crate) struct Deadline {
    pub(crate) after: Duration,
    pub(crate) lifecycle: Lifecycle,
}

impl<E: Endpoint<Output = Response> + 'static> Middleware<E> for Deadline {
    type Output = DeadlineEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        DeadlineEndpoint { inner: Arc::new(inner), after: self.after, lifecycle: self.lifecycle.clone() }
    }
}

pub(crate) struct DeadlineEndpoint<E> {
    inner: Arc<E>,
    after: Duration,
    lifecycle: Lifecycle,
}

impl<E: Endpoint<Output = Response> + 'static> Endpoint for DeadlineEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let recipient = Recipient::of(&request);
        let answer = if changes_something(request.method()) {
            Either::Left(self.detached(request))
        } else {
            Either::Right(self.inner.call(request))
        };
        match tokio::time::timeout(self.after, answer).await {
            Ok(answer) => answer,
            Err(_) => Ok(Problem::unavailable("the request took too long").into_answer(&recipient)),
        }
    }
}

impl<E: Endpoint<Output = Response> + 'static> DeadlineEndpoint<E> {
    async fn detached(&self, request: Request) -> Result<Response> {
        let (inner, running) = (Arc::clone(&self.inner), self.lifecycle.begin());
        let recipient = Recipient::of(&request);
        let task = async move {
            let answer = inner.call(request).await;
            drop(running);
            answer
        };
        match tokio::spawn(task.in_current_span()).await {
            Ok(answer) => answer,
            Err(error) => Ok(Problem::unavailable(error).into_answer(&recipient)),
        }
    }
}

fn changes_something(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
