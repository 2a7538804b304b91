//! The correlation id: taken from the request or made, and given back with the answer.

use std::sync::Arc;

use kernel_application::Ids;
use kernel_domain::CorrelationId;
use poem::http::{HeaderName, HeaderValue};
use poem::{Endpoint, Middleware, Request, Response, Result};
use tracing::Instrument as _;

use crate::health;
use crate::observer::Observer;

/// The header that carries it, both ways.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("correlation-id");

/// Gives every request its correlation id, and every log line about it too.
pub(crate) struct Correlated {
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) observer: Arc<dyn Observer>,
}

impl<E: Endpoint<Output = Response>> Middleware<E> for Correlated {
    type Output = CorrelatedEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        CorrelatedEndpoint { inner, ids: Arc::clone(&self.ids), observer: Arc::clone(&self.observer) }
    }
}

pub(crate) struct CorrelatedEndpoint<E> {
    inner: E,
    ids: Arc<dyn Ids>,
    observer: Arc<dyn Observer>,
}

impl<E: Endpoint<Output = Response>> Endpoint for CorrelatedEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let given = request.header(HEADER).and_then(CorrelationId::parse);
        let id = given.unwrap_or_else(|| self.ids.uuid().into());
        request.set_data(id.clone());
        // The level of an error, so that no filter takes the id away from the lines that matter.
        let span = tracing::error_span!(
            "request",
            correlation_id = %id,
            method = %request.method(),
            path = request.uri().path(),
            user = tracing::field::Empty,
            api_key = tracing::field::Empty,
            trace = tracing::field::Empty,
            otel.kind = tracing::field::Empty,
        );

        // Before anything is done in it: until then it can be made to follow from what another process does.
        if !health::is_check(request.uri().path()) {
            self.observer.began(&span, request.headers());
        }
        let mut response = self.inner.call(request).instrument(span).await?;
        if let Ok(value) = HeaderValue::from_str(id.as_str()) {
            response.headers_mut().insert(HEADER, value);
        }
        Ok(response)
    }
}

/// The correlation id of `request`. Outside of [`Correlated`] there is none to find: the nil UUID.
pub(crate) fn of(request: &Request) -> CorrelationId {
    request.data::<CorrelationId>().cloned().unwrap_or_else(|| uuid::Uuid::nil().into())
}
