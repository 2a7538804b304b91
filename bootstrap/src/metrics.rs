//! Metrics, served on a port of their own: numbers that are counted as things happen, and those that are looked up when
//! somebody asks.

use std::sync::Arc;
use std::time::Duration;

use cache_adapter::{ResilientThrottle, ViewCache};
use http_adapter::{Lifecycle, ServerSettings};
use kernel_application::Clock;
use passwords_adapter::Argon2id;
use persistence_adapter::{Backlog, Database};
use poem::http::StatusCode;
use poem::{Endpoint, Request, Response};
use telemetry_adapter::{Metric, Metrics};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{interval, timeout};

use crate::config::MetricsListen;
use crate::system::SystemPauses;
use crate::wiring::StartupError;

/// The media type of Prometheus' text format.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A database that does not tell by then how many events wait is not waited for: the other numbers matter most just then,
/// and these are told as unknown.
const DEADLINE: Duration = Duration::from_secs(1);

/// What a scrape that has begun may still take after a stop: its reader asks again.
const GRACE: Duration = Duration::from_secs(1);

/// How often what came in is put together.
const TIDY: Duration = Duration::from_secs(5);

/// What is looked at when somebody asks.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) database: Database,
    pub(crate) views: ViewCache,
    pub(crate) throttle: Option<Arc<ResilientThrottle>>,
    pub(crate) passwords: Arc<Argon2id>,
    /// Those before something is tried again.
    pub(crate) pauses: Arc<SystemPauses>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Who hears of events.
    pub(crate) subscribers: Vec<&'static str>,
}

impl Watched {
    async fn tell(&self, metrics: &Metrics) {
        for pool in self.database.pools() {
            let of = [("pool", pool.name)];
            for (state, connections) in [("busy", pool.busy), ("idle", pool.idle), ("most", pool.most)] {
                metrics.stands_at(Metric::CONNECTIONS, &[("pool", pool.name), ("state", state)], connections as u64);
            }
            metrics.stands_at(Metric::WAITING, &of, pool.waiting as u64);
            metrics.has_counted(Metric::WAITS, &of, pool.waits);
            metrics.has_counted(Metric::VAIN_WAITS, &of, pool.refusals);
        }
        metrics.has_counted(Metric::STATEMENTS, &[], self.database.statements());
        metrics.has_counted(Metric::RETRIES, &[], self.pauses.so_far());
        for view in self.views.uses() {
            let outcomes = [("hit", view.here), ("hit_shared", view.shared), ("miss", view.missed)];
            for (outcome, times) in outcomes {
                metrics.has_counted(Metric::VIEWS, &[("kind", view.kind), ("outcome", outcome)], times);
            }
        }
        let breakers =
            [("views", self.views.is_on_its_own()), ("throttle", self.throttle.as_ref().map(|it| it.is_on_its_own()))];
        for (breaker, is_open) in breakers {
            if let Some(is_open) = is_open {
                metrics.stands_at(Metric::BREAKERS, &[("breaker", breaker)], is_open.into());
            }
        }
        let passwords = self.passwords.load();
        for (state, some) in [("busy", passwords.busy), ("waiting", passwords.waiting)] {
            metrics.stands_at(Metric::PASSWORDS, &[("state", state)], some as u64);
        }
        self.tell_backlog(metrics).await;
    }

    async fn tell_backlog(&self, metrics: &Metrics) {
        let backlog = match timeout(DEADLINE, self.database.backlog()).await {
            Ok(Ok(backlog)) => backlog,
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "nobody knows how many events wait");
                return self.tell_no_backlog(metrics);
            }
            Err(_) => {
                tracing::warn!("nobody knows in time how many events wait");
                return self.tell_no_backlog(metrics);
            }
        };
        for Backlog { subscriber, waiting, parked, oldest } in backlog {
            let of = [("subscriber", subscriber.as_str())];
            let lag = oldest.map_or(0, |it| (self.clock.now() - it).num_seconds());
            metrics.stands_at(Metric::BACKLOG, &of, waiting);
            metrics.stands_at(Metric::PARKED, &of, parked);
            metrics.stands_at(Metric::LAG, &of, u64::try_from(lag).unwrap_or_default());
        }
    }

    fn tell_no_backlog(&self, metrics: &Metrics) {
        for &subscriber in &self.subscribers {
            for metric in [Metric::BACKLOG, Metric::PARKED, Metric::LAG] {
                metrics.is_unknown(metric, &[("subscriber", subscriber)]);
            }
        }
    }
}

/// The port to serve metrics on. One that nobody asked for may be taken: by another process on the machine, most likely.
pub(crate) async fn listener(listen: Option<MetricsListen>) -> Result<Option<TcpListener>, StartupError> {
    let Some(MetricsListen { address, is_chosen }) = listen else { return Ok(None) };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if is_chosen => Err(StartupError::Other(format!("METRICS_ADDR {address}: {error}").into())),
        Err(error) => {
            tracing::warn!(%address, error = &error as &dyn std::error::Error, "metrics are not served");
            Ok(None)
        }
    }
}

/// Serves metrics until `stop` says so. Where nobody can ask, they are counted all the same, and kept small.
pub(crate) async fn serve(
    listener: Option<TcpListener>,
    metrics: Arc<Metrics>,
    watched: Watched,
    stop: watch::Receiver<()>,
) {
    let page = Page { metrics: metrics.clone(), watched };
    let stopped = |mut stop: watch::Receiver<()>| async move {
        // An error means that the server is gone, which is what is waited for.
        let _ = stop.changed().await;
    };
    let serving = async {
        if let Some(listener) = listener {
            let settings = ServerSettings { connections: 100, grace: GRACE, ..ServerSettings::default() };
            http_adapter::serve(listener, page, stopped(stop.clone()), Lifecycle::default(), settings).await;
        } else {
            stopped(stop.clone()).await;
        }
    };
    let tidying = async {
        let mut ticks = interval(TIDY);
        loop {
            ticks.tick().await;
            metrics.tidy();
        }
    };
    tokio::select! {
        () = serving => {}
        () = tidying => {}
    }
}

struct Page {
    metrics: Arc<Metrics>,
    watched: Watched,
}

impl Endpoint for Page {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if request.uri().path().trim_end_matches('/') != "/metrics" {
            return Ok(Response::builder().status(StatusCode::NOT_FOUND).finish());
        }
        self.watched.tell(&self.metrics).await;
        Ok(Response::builder().content_type(MEDIA_TYPE).body(self.metrics.told()))
    }
}
