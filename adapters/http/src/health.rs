//! Whether this process lives, and whether it can serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use kernel_domain::BoxError;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Endpoint, Request, Response, Result};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::lifecycle::Lifecycle;

/// A backend that does not answer within this is as good as down.
const DEADLINE: Duration = Duration::from_secs(2);

/// How long what was found is believed: however many ask, each backend is asked once in that time.
const FRESH: Duration = Duration::from_secs(1);

/// What was found longer ago says nothing of now: whoever asks waits until somebody has looked. Longer than a backend may
/// take to answer, so that a finding is recent as long as somebody asks every second or two.
const STALE: Duration = Duration::from_secs(5);

/// For how long a backend that nothing can be served without may be away before requests are to be sent elsewhere. It is
/// away for every process at once: were each of them taken out at the first failure, a blip would leave nobody to answer.
const OUTAGE: Duration = Duration::from_secs(10);

/// Whoever asks is answered by then with what was found last, if that is recent, and whoever asks next with what is found
/// meanwhile: orchestrators give up after a second.
const QUICK: Duration = Duration::from_millis(250);

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

/// Answers whether requests should be sent here: every needed backend works or did just now, and no end is near.
pub(crate) struct Readiness {
    backends: Arc<Backends>,
    lifecycle: Lifecycle,
}

impl Readiness {
    pub(crate) fn of(probes: Vec<(&'static str, Arc<dyn Probe>)>, lifecycle: Lifecycle) -> Self {
        let backends = Backends { probes, found: watch::channel(None).0, is_looking: AtomicBool::new(false) };
        Self { backends: Arc::new(backends), lifecycle }
    }
}

impl Endpoint for Readiness {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        let known = Backends::known(&self.backends).await;
        let backends = || self.backends.probes.iter().zip(&known);
        let draining = self.lifecycle.is_draining();
        let served = backends().all(|((_, probe), state)| !state.is_out() || !probe.is_needed());
        let complete = known.iter().all(|state| state.works);
        let ready = !draining && served;
        let status = match (draining, served, complete) {
            (true, ..) => "draining",
            (false, false, _) => "not ready",
            (false, true, false) => "degraded",
            (false, true, true) => "ready",
        };
        let checks: Map<String, Value> = backends()
            .map(|((name, _), state)| ((*name).to_owned(), if state.works { "ok" } else { "failed" }.into()))
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

/// What has to work, and whether it did when it was looked at last.
struct Backends {
    probes: Vec<(&'static str, Arc<dyn Probe>)>,
    found: watch::Sender<Option<Found>>,
    is_looking: AtomicBool,
}

/// How each backend does, in their order.
#[derive(Clone)]
struct Found {
    at: Instant,
    states: Vec<State>,
}

/// How a backend does.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    works: bool,
    /// When it worked last, if it ever did.
    worked: Option<Instant>,
}

impl State {
    /// Whether it has been away for so long that it is not waited for.
    fn is_out(self) -> bool {
        !self.works && self.worked.is_none_or(|it| it.elapsed() >= OUTAGE)
    }
}

impl Backends {
    /// What is known, looked up again if it is old. What is not known yet, or too long ago, is waited for.
    async fn known(this: &Arc<Self>) -> Vec<State> {
        let mut last = this.found.borrow().clone();
        if let Some(Found { at, states }) = &last
            && at.elapsed() < FRESH
        {
            return states.clone();
        }
        let seen = last.as_ref().map(|it| it.at);
        last = last.filter(|it| it.at.elapsed() < STALE);
        let mut news = this.found.subscribe();
        let patience = if last.is_some() { QUICK } else { DEADLINE + QUICK };
        Self::look(this);
        let is_news = |found: &Option<Found>| found.as_ref().map(|it| it.at) > seen;
        let found = timeout(patience, news.wait_for(is_news)).await;
        let found = found.ok().and_then(Result::ok).and_then(|it| it.clone()).or(last);
        found.map_or_else(|| vec![State::default(); this.probes.len()], |it| it.states)
    }

    /// Looks at every backend, unless somebody is looking already. Nobody has to wait for the end of it.
    fn look(this: &Arc<Self>) {
        if this.is_looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let looking = Looking(Arc::clone(this));
        tokio::spawn(async move {
            let probes = &looking.0.probes;
            let works = join_all(probes.iter().map(|(name, probe)| check(name, &**probe))).await;
            let at = Instant::now();
            looking.0.found.send_modify(|found| {
                let before = found.take().map_or_else(|| vec![State::default(); works.len()], |it| it.states);
                let state = |(works, before): (bool, State)| State {
                    works,
                    worked: if works { Some(at) } else { before.worked },
                };
                *found = Some(Found { at, states: works.into_iter().zip(before).map(state).collect() });
            });
        });
    }
}

/// Somebody looks at the backends, for as long as this lives.
struct Looking(Arc<Backends>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.is_looking.store(false, Ordering::Release);
    }
}

async fn check(name: &str, probe: &dyn Probe) -> bool {
    let cause = match timeout(DEADLINE, probe.check()).await {
        Ok(Ok(())) => return true,
        Ok(Err(cause)) => cause,
        Err(late) => late.into(),
    };
    tracing::warn!(backend = name, cause = %cause, "a backend does not work");
    false
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use tokio::time::{advance, sleep};

    use super::*;

    /// Counts how often it is asked, and answers unless it is stuck.
    #[derive(Default)]
    struct Counting {
        checks: AtomicU32,
        is_stuck: AtomicBool,
    }

    #[async_trait]
    impl Probe for Counting {
        async fn check(&self) -> Result<(), BoxError> {
            self.checks.fetch_add(1, Ordering::Relaxed);
            if self.is_stuck.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    }

    fn readiness(probe: &Arc<Counting>) -> Readiness {
        let probe: Arc<dyn Probe> = probe.clone();
        Readiness::of(vec![("database", probe)], Lifecycle::default())
    }

    fn asking(probe: &Arc<Counting>) -> Arc<Backends> {
        readiness(probe).backends
    }

    /// Whether each backend works, as far as is known.
    async fn known(backends: &Arc<Backends>) -> Vec<bool> {
        Backends::known(backends).await.iter().map(|it| it.works).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_a_backend_is_asked_once_in_a_while() {
        let probe = Arc::new(Counting::default());
        let backends = asking(&probe);

        for checks in [1, 2] {
            let answers = join_all((0..50).map(|_| known(&backends))).await;
            assert!(answers.iter().all(|it| *it == [true]), "{answers:?}");
            assert_eq!(probe.checks.load(Ordering::Relaxed), checks);
            advance(FRESH).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_while_a_backend_is_stuck_hears_soon_what_was_found_last_and_then_that_it_failed() {
        let probe = Arc::new(Counting::default());
        let backends = asking(&probe);
        assert_eq!(known(&backends).await, [true]);
        probe.is_stuck.store(true, Ordering::Relaxed);
        advance(FRESH).await;

        let asked = Instant::now();
        assert_eq!(known(&backends).await, [true]);
        assert!((QUICK..2 * QUICK).contains(&asked.elapsed()), "{:?}", asked.elapsed());

        sleep(DEADLINE).await;
        assert_eq!(known(&backends).await, [false]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_found_long_ago_is_not_told_again() {
        let probe = Arc::new(Counting::default());
        let backends = asking(&probe);
        assert_eq!(known(&backends).await, [true]);
        probe.is_stuck.store(true, Ordering::Relaxed);
        sleep(STALE).await;

        let asked = Instant::now();
        assert_eq!(known(&backends).await, [false]);
        assert!((DEADLINE..DEADLINE + QUICK).contains(&asked.elapsed()), "{:?}", asked.elapsed());

        probe.is_stuck.store(false, Ordering::Relaxed);
        sleep(STALE).await;
        assert_eq!(known(&backends).await, [true]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_blip_of_what_is_needed_is_named_and_only_a_longer_outage_sends_requests_elsewhere() {
        let probe = Arc::new(Counting::default());
        let readiness = readiness(&probe);
        let ask = async || {
            let answer = readiness.get_response(Request::default()).await;
            (answer.status(), answer.into_body().into_string().await.unwrap_or_default())
        };
        assert_eq!(ask().await.0, StatusCode::OK);
        probe.is_stuck.store(true, Ordering::Relaxed);

        let (away, mut blip) = (Instant::now(), Vec::new());
        let outage = loop {
            let (status, body) = ask().await;
            if away.elapsed() >= OUTAGE {
                break (status, body);
            }
            assert_eq!(status, StatusCode::OK, "{body} after {:?}", away.elapsed());
            blip.push(body);
            sleep(FRESH).await;
        };

        let named = r#"{"checks":{"database":"failed"},"status":"degraded"}"#;
        assert!(blip.iter().any(|it| it == named), "{blip:?}");
        let gone = r#"{"checks":{"database":"failed"},"status":"not ready"}"#.to_owned();
        assert_eq!(outage, (StatusCode::SERVICE_UNAVAILABLE, gone));

        probe.is_stuck.store(false, Ordering::Relaxed);
        sleep(STALE).await;
        assert_eq!(ask().await.0, StatusCode::OK);
    }
}
