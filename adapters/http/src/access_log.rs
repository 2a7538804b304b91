//! One line per request: what was asked, what came of it, how long it took. No bodies, no credentials.

use std::time::Instant;

use poem::{Endpoint, Middleware, Request, Response, Result};

use crate::health;

/// Logs every request but those of health checks, inside of the span that names the request.
pub(crate) struct AccessLog;

impl<E: Endpoint<Output = Response>> Middleware<E> for AccessLog {
    type Output = AccessLogEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        AccessLogEndpoint(inner)
    }
}

pub(crate) struct AccessLogEndpoint<E>(E);

impl<E: Endpoint<Output = Response>> Endpoint for AccessLogEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if health::is_check(request.uri().path()) {
            return self.0.call(request).await;
        }
        let mut line = Line { began: Instant::now(), status: None };
        let answer = self.0.call(request).await;
        line.status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        answer
    }
}

/// Written when it is dropped, so that a client that leaves early is in the log too: without a status.
struct Line {
    began: Instant,
    status: Option<u16>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let duration_ns = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        tracing::info!(target: "access", status = self.status, duration_ns, "request");
    }
}
