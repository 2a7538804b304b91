//! No request is waited for endlessly, and what changes something goes on even if nobody waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::Either;
use poem::http::Method;
use poem::{Endpoint, Middleware, Request, Response, Result};
use tokio::time::{Instant, sleep_until};
use tracing::Instrument as _;

use crate::lifecycle::Lifecycle;
use crate::problem::{Problem, Recipient};

/// Answers 503 after a while. A request that changes something runs in a task of its own, so that
/// neither the deadline nor a client that leaves cuts it off half-way.
pub(crate) struct Deadline {
    pub(crate) after: Duration,
    pub(crate) lifecycle: Lifecycle,
}

/// Until when a request is waited for. While its body arrives it is the client who takes the time, and the body's own
/// deadline counts; what is done with it then has as long as if it had come at once.
#[derive(Clone)]
pub(crate) struct Patience {
    work: Duration,
    until: Arc<Mutex<Instant>>,
}

impl Patience {
    fn of(work: Duration) -> Self {
        Self { work, until: Arc::new(Mutex::new(Instant::now() + work)) }
    }

    /// A body begins to arrive, for which somebody else waits at most so long.
    pub(crate) fn for_body(request: &Request, at_most: Duration) {
        if let Some(patience) = request.data::<Self>() {
            patience.extend(at_most + patience.work);
        }
    }

    /// The body is there.
    pub(crate) fn for_work(request: &Request) {
        if let Some(patience) = request.data::<Self>() {
            patience.extend(patience.work);
        }
    }

    fn extend(&self, by: Duration) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + by;
    }

    fn until(&self) -> Instant {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is over, however often it was extended meanwhile. It may have been cut short, too: so it is looked at
    /// again as soon as the work alone may have taken all its time.
    async fn is_over(&self) {
        loop {
            let (now, until) = (Instant::now(), self.until());
            if until <= now {
                return;
            }
            sleep_until(until.min(now + self.work)).await;
        }
    }
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

    async fn call(&self, mut request: Request) -> Result<Response> {
        let recipient = Recipient::of(&request);
        let patience = Patience::of(self.after);
        request.set_data(patience.clone());
        let answer = if changes_something(request.method()) {
            // In a box, for most requests change nothing: the room that a future takes is copied with each of them.
            Either::Left(Box::pin(self.detached(request)))
        } else {
            Either::Right(self.inner.as_ref().call(request))
        };
        tokio::select! {
            biased;
            answer = answer => answer,
            () = patience.is_over() => Ok(Problem::unavailable("the request took too long").into_answer(&recipient)),
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
