//! Requests, for whoever watches: counted, and followed from process to process.

use std::sync::Arc;

use http_adapter::{Ended, Observer};
use kernel_application::TraceParent;
use poem::http::HeaderMap;
use telemetry_adapter::{Metrics, follow, name, outcome};
use tracing::Span;

/// Tells metrics, and traces where somebody collects them, of requests.
pub(crate) struct Requests {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) are_traced: bool,
}

impl Observer for Requests {
    fn began(&self, span: &Span, headers: &HeaderMap) {
        if self.are_traced {
            span.record("otel.kind", "server");
            follow(span, parent_in(headers));
        }
    }

    fn ended(&self, span: &Span, ended: &Ended<'_>) {
        let Ended { method, route, status, took } = *ended;
        self.metrics.answered(method.as_str(), route, status, took);
        if self.are_traced {
            if let Some(route) = route {
                name(span, format!("{method} {route}"));
            }
            outcome(span, method.as_str(), route, status);
        }
    }

    fn throttled(&self, scope: &'static str) {
        self.metrics.throttled(scope);
    }

    fn shed(&self) {
        self.metrics.shed();
    }
}

/// The step of a trace that a request was made in: as W3C writes it, or as load balancers of AWS do.
fn parent_in(headers: &HeaderMap) -> Option<TraceParent> {
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let of_w3c = header("traceparent").and_then(TraceParent::parse);
    of_w3c.or_else(|| header("x-amzn-trace-id").and_then(TraceParent::parse_x_ray))
}
