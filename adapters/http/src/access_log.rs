//! One line per request: what was asked, by whom, what came of it, how long it took. No bodies, no queries, no credentials.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use poem::http::{Method, header};
use poem::{Endpoint, Middleware, Request, Response, Result};
use tracing::Span;

use crate::observer::{Ended, Matched, Observer};
use crate::{health, origin};

/// Characters of what a client calls itself that are worth a place in the log.
const LONGEST_USER_AGENT: usize = 200;

/// Logs every request but those of health checks, inside of the span that names the request, and tells whoever watches.
pub(crate) struct AccessLog(pub(crate) Arc<dyn Observer>);

impl<E: Endpoint<Output = Response>> Middleware<E> for AccessLog {
    type Output = AccessLogEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        AccessLogEndpoint { inner, observer: Arc::clone(&self.0) }
    }
}

pub(crate) struct AccessLogEndpoint<E> {
    inner: E,
    observer: Arc<dyn Observer>,
}

impl<E: Endpoint<Output = Response>> Endpoint for AccessLogEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        if health::is_check(request.uri().path()) {
            return self.inner.call(request).await;
        }
        let mut line = Line {
            began: Instant::now(),
            method: request.method().clone(),
            matched: Matched::default(),
            client: origin::client_address(&request),
            user_agent: request.header(header::USER_AGENT).map(shortened),
            status: None,
            observer: &*self.observer,
        };
        request.set_data(line.matched.clone());
        let answer = self.inner.call(request).await;
        line.status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        answer
    }
}

fn shortened(user_agent: &str) -> String {
    user_agent.chars().take(LONGEST_USER_AGENT).collect()
}

/// Written when it is dropped, so that a client that leaves early is in the log too: without a status.
struct Line<'o> {
    began: Instant,
    method: Method,
    matched: Matched,
    client: Option<IpAddr>,
    user_agent: Option<String>,
    status: Option<u16>,
    observer: &'o dyn Observer,
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let (route, status) = (self.matched.template(), self.status);
        let duration_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        tracing::info!(
            target: "access",
            status,
            duration_ns,
            route,
            client = self.client.map(display),
            user_agent = self.user_agent.as_deref(),
            "request"
        );
        self.observer.ended(&Span::current(), &Ended { method: &self.method, route, status, took });
    }
}
