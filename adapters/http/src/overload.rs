//! More requests than can be answered in time cost those that come last, and nobody else.

use std::sync::Arc;

use poem::{Endpoint, Middleware, Request, Response, Result};
use tokio::sync::Semaphore;

use crate::health;
use crate::observer::Observer;
use crate::problem::{Problem, Recipient};

/// Answers so many requests at once. Whoever comes when all places are taken is told so at once: in a queue they would only
/// wait until they give up, and be answered then.
pub(crate) struct Bounded {
    pub(crate) at_once: usize,
    pub(crate) observer: Arc<dyn Observer>,
}

impl<E: Endpoint<Output = Response>> Middleware<E> for Bounded {
    type Output = BoundedEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        let places = Semaphore::new(self.at_once.min(Semaphore::MAX_PERMITS));
        BoundedEndpoint { inner, places, observer: Arc::clone(&self.observer) }
    }
}

pub(crate) struct BoundedEndpoint<E> {
    inner: E,
    places: Semaphore,
    observer: Arc<dyn Observer>,
}

impl<E: Endpoint<Output = Response>> Endpoint for BoundedEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        // Whoever asks whether we live is to hear that we do, most of all now.
        if health::is_check(request.uri().path()) {
            return self.inner.call(request).await;
        }
        let Ok(_place) = self.places.try_acquire() else {
            self.observer.shed();
            return Ok(Problem::overloaded().into_answer(&Recipient::of(&request)));
        };
        self.inner.call(request).await
    }
}
