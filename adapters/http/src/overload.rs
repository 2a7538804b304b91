//! More requests than can be answered in time cost those that come last, and nobody else.
//!
//! A place is taken while we work. While a body arrives it is the client who takes the time, and others have the place: so
//! who sends slowly, or nothing at all, holds up nobody.

use std::sync::{Arc, Mutex, PoisonError};

use poem::{Endpoint, Middleware, Request, Response, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::health;
use crate::observer::Observer;
use crate::problem::{Problem, Recipient};

/// Bodies that may be arriving for every place that there is. Each is kept in memory, up to a megabyte of it, and takes no
/// work: there may be more of them than places, but they have an end.
pub(crate) const ARRIVING: usize = 4;

/// Answers so many requests at once. Whoever comes when all places are taken is told so at once: in a queue they would only
/// wait until they give up, and be answered then.
pub(crate) struct Bounded {
    pub(crate) at_once: usize,
    pub(crate) observer: Arc<dyn Observer>,
}

impl<E: Endpoint<Output = Response>> Middleware<E> for Bounded {
    type Output = BoundedEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        let of = |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        let (places, arriving) = (of(self.at_once), of(self.at_once.saturating_mul(ARRIVING)));
        BoundedEndpoint { inner, bounds: Arc::new(Bounds { places, arriving, observer: Arc::clone(&self.observer) }) }
    }
}

pub(crate) struct BoundedEndpoint<E> {
    inner: E,
    bounds: Arc<Bounds>,
}

/// How much there may be at once.
struct Bounds {
    /// Requests that are being answered.
    places: Arc<Semaphore>,
    /// Requests whose body is arriving.
    arriving: Arc<Semaphore>,
    observer: Arc<dyn Observer>,
}

impl Bounds {
    fn one_of(&self, semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(semaphore).try_acquire_owned().map_err(|_| {
            self.observer.shed();
            Problem::overloaded()
        })
    }
}

/// What a request takes up: one of the places, or one of the bodies that arrive. Given back with the request.
#[derive(Clone)]
pub(crate) struct Place {
    bounds: Arc<Bounds>,
    taken: Arc<Mutex<OwnedSemaphorePermit>>,
}

impl Place {
    /// The body of `request` begins to arrive: meanwhile others have its place.
    pub(crate) fn leave(request: &Request) -> Result<(), Problem> {
        request.data::<Self>().map_or(Ok(()), |place| place.exchange(&place.bounds.arriving))
    }

    /// The body of `request` is there, and the work begins, if there is a place for it.
    pub(crate) fn take_again(request: &Request) -> Result<(), Problem> {
        request.data::<Self>().map_or(Ok(()), |place| place.exchange(&place.bounds.places))
    }

    fn exchange(&self, semaphore: &Arc<Semaphore>) -> Result<(), Problem> {
        let permit = self.bounds.one_of(semaphore)?;
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = permit;
        Ok(())
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for BoundedEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        // Whoever asks whether we live is to hear that we do, most of all now.
        if health::is_check(request.uri().path()) {
            return self.inner.call(request).await;
        }
        match self.bounds.one_of(&self.bounds.places) {
            Ok(permit) => {
                let place = Place { bounds: Arc::clone(&self.bounds), taken: Arc::new(Mutex::new(permit)) };
                request.set_data(place);
                self.inner.call(request).await
            }
            Err(problem) => Ok(problem.into_answer(&Recipient::of(&request))),
        }
    }
}
