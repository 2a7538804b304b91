//! Whoever watches what is asked and what comes of it: counts requests, and follows them from process to process.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use poem::Request;
use poem::http::{HeaderMap, Method};

/// Hears of every request but those of health checks. It is told while somebody waits: it must be quick, and never fails.
pub trait Observer: Send + Sync {
    /// A request begins with these headers; whatever is done for it is done in `span`.
    fn began(&self, _span: &tracing::Span, _headers: &HeaderMap) {}

    /// A request has ended.
    fn ended(&self, _span: &tracing::Span, _ended: &Ended<'_>) {}

    /// A request was refused, since its caller asked too often under this scope.
    fn throttled(&self, _scope: &'static str) {}

    /// A request was refused, since too many others were being answered.
    fn shed(&self) {}
}

/// A request that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// What was to be done.
    pub method: &'a Method,
    /// The template of its path, like `/api/v1/shipping/batches/{alias}`; none where nothing is served.
    pub route: Option<&'a str>,
    /// What was answered; nothing to a client that left before.
    pub status: Option<u16>,
    /// How long it took.
    pub took: Duration,
}

/// Watches nothing.
pub(crate) struct Nobody;

impl Observer for Nobody {}

/// Which of our paths a request leads to, as soon as that is known. Shared by everybody who looks at the request.
#[derive(Clone, Default)]
pub(crate) struct Matched(Arc<OnceLock<Arc<str>>>);

impl Matched {
    /// Notes that `request` leads to the path of this template.
    pub(crate) fn note(request: &Request, template: &Arc<str>) {
        if let Some(Self(matched)) = request.data() {
            // Whoever matched first was right.
            let _ = matched.set(Arc::clone(template));
        }
    }

    /// The template, if the request leads anywhere.
    pub(crate) fn template(&self) -> Option<&str> {
        self.0.get().map(|it| &**it)
    }
}
