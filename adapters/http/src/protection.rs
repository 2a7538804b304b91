//! Headers that tell browsers to be careful with what we answer.

use poem::http::HeaderValue;
use poem::http::header::{self, HeaderName};
use poem::{Endpoint, Middleware, Request, Response, Result};

use crate::origin;

/// What every answer says unless it says otherwise itself.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// What is said to whoever came by https: to come no other way for a year (OWASP ASVS 5, 3.4.1). Browsers must not believe
/// it of an answer that came without (RFC 6797, 7.2).
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds the headers.
pub(crate) struct Protected;

impl<E: Endpoint<Output = Response>> Middleware<E> for Protected {
    type Output = ProtectedEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        ProtectedEndpoint(inner)
    }
}

pub(crate) struct ProtectedEndpoint<E>(E);

impl<E: Endpoint<Output = Response>> Endpoint for ProtectedEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let is_secure = origin::is_secure(&request);
        let mut response = self.0.call(request).await?;
        if is_secure {
            response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
        }
        for (name, value) in HEADERS {
            response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
        }
        Ok(response)
    }
}
