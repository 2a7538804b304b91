//! Whether this process lives, and whether it can serve.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use kernel_domain::BoxError;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Endpoint, Request, Response, Result};
use serde_json::{Map, Value, json};

use crate::lifecycle::Lifecycle;

/// A backend that does not answer within this is as good as down.
const DEADLINE: Duration = Duration::from_secs(2);

/// A backend that can be asked whether it works.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Touches the backend; an error says what is wrong, for our logs.
    async fn check(&self) -> Result<(), BoxError>;

    /// Whether nothing can be served without it. What can be done without is named when it is
    /// down, but requests are still sent here: the other instances have no more of it.
    fn is_needed(&self) -> bool {
        true
    }
}

/// Whether `path` is asked by machines every few seconds: not worth a line in the log.
pub(crate) fn is_check(path: &str) -> bool {
    matches!(path.trim_end_matches('/'), "/healthcheck" | "/api/healthcheck" | "/api/readiness")
}

/// Answers as long as the process lives, and touches nothing.
pub(crate) struct Liveness;

impl Endpoint for Liveness {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        Ok(Response::builder().content_type("application/json").body("{}"))
    }
}

/// Answers whether requests should be sent here: every needed backend works, and no end is near.
pub(crate) struct Readiness {
    pub(crate) probes: Vec<(&'static str, Arc<dyn Probe>)>,
    pub(crate) lifecycle: Lifecycle,
}

impl Endpoint for Readiness {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        let checks = join_all(self.probes.iter().map(|(name, probe)| check(name, &**probe))).await;
        let draining = self.lifecycle.is_draining();
        let served = self.probes.iter().zip(&checks).all(|((_, probe), (_, works))| *works || !probe.is_needed());
        let complete = checks.iter().all(|(_, works)| *works);
        let ready = !draining && served;
        let status = match (draining, served, complete) {
            (true, ..) => "draining",
            (false, false, _) => "not ready",
            (false, true, false) => "degraded",
            (false, true, true) => "ready",
        };
        let checks: Map<String, Value> = checks
            .into_iter()
            .map(|(name, works)| (name.to_owned(), if works { "ok" } else { "failed" }.into()))
            .collect();
        let body = json!({ "status": status, "checks": checks }).to_string();
        let mut answer = Response::builder().content_type("application/json").body(body);
        if !ready {
            answer.set_status(StatusCode::SERVICE_UNAVAILABLE);
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Ok(answer)
    }
}

async fn check<'n>(name: &'n str, probe: &dyn Probe) -> (&'n str, bool) {
    let cause = match tokio::time::timeout(DEADLINE, probe.check()).await {
        Ok(Ok(())) => return (name, true),
        Ok(Err(cause)) => cause,
        Err(late) => late.into(),
    };
    tracing::warn!(backend = name, cause = %cause, "a backend does not work");
    (name, false)
}
