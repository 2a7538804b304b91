//! Pages from elsewhere that may read our answers (Fetch standard, CORS protocol).

use std::collections::BTreeSet;
use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LANGUAGE, LOCATION, ORIGIN, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use poem::http::{HeaderName, HeaderValue, Method};
use poem::middleware::{Cors, CorsEndpoint};
use poem::{Endpoint, EndpointExt as _, Middleware, Request, Response, Result};

use crate::{correlation, idempotency, throttle};

/// Seconds for which a browser remembers what it may ask; none remembers for longer than two hours.
const REMEMBERED: i32 = 7200;

/// Lets pages of these origins read our answers, and no others. Cookies mean nothing to us, so pages can do no more in
/// a browser than anybody can without one.
pub(crate) struct CrossOrigin {
    origins: Arc<BTreeSet<String>>,
    cors: Cors,
}

impl CrossOrigin {
    /// Each origin as browsers send it: `https://app.example.com`.
    pub(crate) fn from(origins: Vec<String>) -> Self {
        let [limit, remaining, reset] = throttle::HEADERS;
        let exposed: [HeaderName; 9] = [
            correlation::HEADER,
            idempotency::REPLAYED,
            limit,
            remaining,
            reset,
            CONTENT_LANGUAGE,
            LOCATION,
            RETRY_AFTER,
            WWW_AUTHENTICATE,
        ];
        let cors = Cors::new().allow_credentials(false).expose_headers(exposed).max_age(REMEMBERED);
        Self { origins: Arc::new(origins.into_iter().collect()), cors }
    }
}

impl<E: Endpoint<Output = Response> + 'static> Middleware<E> for CrossOrigin {
    type Output = CrossOriginEndpoint;

    fn transform(&self, inner: E) -> Self::Output {
        let inner = Arc::new(inner.boxed());
        CrossOriginEndpoint {
            origins: Arc::clone(&self.origins),
            shared: self.cors.transform(Arc::clone(&inner)),
            inner,
        }
    }
}

pub(crate) struct CrossOriginEndpoint {
    origins: Arc<BTreeSet<String>>,
    shared: CorsEndpoint<Inner>,
    inner: Inner,
}

/// Boxed, for both ways lead there, and what is under way at once should not be held twice.
type Inner = Arc<BoxEndpoint<'static>>;

impl CrossOriginEndpoint {
    fn is_shared_with(&self, request: &Request) -> bool {
        let is_listed = request.header(ORIGIN).is_some_and(|origin| self.origins.contains(origin));
        // A browser that asks what it may do names the method. Who does not is no browser, and gets the usual answer.
        let names_method = || {
            let method = request.header(ACCESS_CONTROL_REQUEST_METHOD);
            method.is_some_and(|it| it.parse::<Method>().is_ok())
        };
        is_listed && (request.method() != Method::OPTIONS || names_method())
    }
}

impl Endpoint for CrossOriginEndpoint {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if self.origins.is_empty() {
            return self.inner.as_ref().call(request).await;
        }
        let mut response = if self.is_shared_with(&request) {
            // In a box, for most requests come from no page: the room that a future takes is copied with each of them.
            Box::pin(self.shared.call(request)).await
        } else {
            self.inner.as_ref().call(request).await
        }?;
        response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
        Ok(response)
    }
}
