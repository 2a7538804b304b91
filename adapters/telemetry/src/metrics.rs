//! Metrics in the text format of Prometheus.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder as _, Unit};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// What requests take is told apart at these seconds: from an answer out of memory to one that is as good as none.
const SECONDS: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Labels are a bounded set of words, whatever clients send: a method that is not among these is the last one.
const METHODS: [&str; 8] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "other"];

/// How requests ended, by the class of their status: the first is that of clients who left before there was one.
const CLASSES: [&str; 6] = ["left", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// Who tells: the recorder is ours alone.
const TOLD_HERE: Metadata<'static> = Metadata::new("majestic", Level::INFO, None);

/// A number that is told, with its labels and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counts,
    Stands,
    Spreads,
}

impl Metric {
    /// A number that only rises.
    const fn counts(name: &'static str, meaning: &'static str) -> Self {
        Self { name, meaning, kind: Kind::Counts }
    }

    /// A number that rises and falls.
    const fn stands(name: &'static str, meaning: &'static str) -> Self {
        Self { name, meaning, kind: Kind::Stands }
    }

    /// Requests by route, method and class of status.
    pub const REQUESTS: Self = Self {
        name: "majestic_http_request_duration_seconds",
        meaning: "what requests took, by route, method and class of status",
        kind: Kind::Spreads,
    };
    /// Requests refused because too many others were being answered.
    pub const SHED: Self = Self::counts("majestic_http_shed_total", "requests refused, too many others being answered");
    /// Requests refused by scope.
    pub const THROTTLED: Self =
        Self::counts("majestic_http_throttled_total", "requests refused, by scope of their rate");
    /// Connections by pool and state.
    pub const CONNECTIONS: Self =
        Self::stands("majestic_database_connections", "database connections, by pool and state (busy, idle, most)");
    /// Who waits for a connection now.
    pub const WAITING: Self =
        Self::stands("majestic_database_waiting", "tasks that wait for a database connection now, by pool");
    /// How often somebody waited.
    pub const WAITS: Self =
        Self::counts("majestic_database_waits_total", "times that no database connection was free at once, by pool");
    /// How often somebody waited in vain.
    pub const VAIN_WAITS: Self =
        Self::counts("majestic_database_refusals_total", "times that no database connection was to be had, by pool");
    /// Statements.
    pub const STATEMENTS: Self = Self::counts("majestic_database_statements_total", "statements that were sent");
    /// Changes that were tried again.
    pub const RETRIES: Self =
        Self::counts("majestic_retries_total", "times that a change which lost a race was tried again");
    /// Views that were found and not found.
    pub const VIEWS: Self =
        Self::counts("majestic_cache_views_total", "views that were asked for, by kind and outcome (hit, miss)");
    /// Breakers.
    pub const BREAKERS: Self =
        Self::stands("majestic_breaker_open", "1 while a backend is left alone that did not answer, by breaker");
    /// Events that wait.
    pub const BACKLOG: Self =
        Self::stands("majestic_outbox_waiting", "events that wait for their delivery, by subscriber");
    /// Events that wait for somebody to look at them.
    pub const PARKED: Self =
        Self::stands("majestic_outbox_parked", "events that were given up and wait for somebody, by subscriber");
    /// The age of the oldest event that waits.
    pub const LAG: Self =
        Self::stands("majestic_outbox_lag_seconds", "how long the oldest event has waited, by subscriber");
    /// Passwords.
    pub const PASSWORDS: Self =
        Self::stands("majestic_passwords", "passwords that are being hashed or wait for it, by state (busy, waiting)");
}

/// Every number there is.
pub const METRICS: [Metric; 15] = [
    Metric::REQUESTS,
    Metric::SHED,
    Metric::THROTTLED,
    Metric::CONNECTIONS,
    Metric::WAITING,
    Metric::WAITS,
    Metric::VAIN_WAITS,
    Metric::STATEMENTS,
    Metric::RETRIES,
    Metric::VIEWS,
    Metric::BREAKERS,
    Metric::BACKLOG,
    Metric::PARKED,
    Metric::LAG,
    Metric::PASSWORDS,
];

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be kept")]
pub struct MetricsUnavailable(#[from] BuildError);

/// The numbers of this process.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// By route. Looked up for each request: asking the recorder would cost a new key each time.
    requests: RwLock<HashMap<Box<str>, Arc<Requests>>>,
    throttled: RwLock<HashMap<&'static str, Counter>>,
    shed: Counter,
}

/// What the requests of one route took, by method and class of status.
#[derive(Default)]
struct Requests([[OnceLock<Histogram>; CLASSES.len()]; METHODS.len()]);

impl Metrics {
    /// Begins to count.
    pub fn start() -> Result<Self, MetricsUnavailable> {
        let recorder = PrometheusBuilder::new().set_buckets(&SECONDS)?.build_recorder();
        for Metric { name, meaning, kind } in METRICS {
            match kind {
                Kind::Counts => recorder.describe_counter(name.into(), None, meaning.into()),
                Kind::Stands => recorder.describe_gauge(name.into(), None, meaning.into()),
                Kind::Spreads => recorder.describe_histogram(name.into(), Some(Unit::Seconds), meaning.into()),
            }
        }
        let shed = recorder.register_counter(&Key::from_static_name(Metric::SHED.name), &TOLD_HERE);
        let handle = recorder.handle();
        Ok(Self { recorder, handle, requests: RwLock::default(), throttled: RwLock::default(), shed })
    }

    /// A request has ended: without a status, if its client left before.
    pub fn answered(&self, method: &str, route: Option<&str>, status: Option<u16>, took: Duration) {
        let route = route.unwrap_or("none");
        let known = self.requests.read().unwrap_or_else(PoisonError::into_inner).get(route).cloned();
        let Requests(series) = &*known.unwrap_or_else(|| self.known_from_now(route));
        let other = METHODS.len() - 1;
        let method = METHODS.iter().position(|it| *it == method).unwrap_or(other);
        let class = status.map_or(0, |it| usize::from(it / 100));
        if let Some(series) = series.get(method).and_then(|it| it.get(class)) {
            let histogram = series.get_or_init(|| self.histogram(route, METHODS[method], CLASSES[class]));
            histogram.record(took.as_secs_f64());
        }
    }

    fn known_from_now(&self, route: &str) -> Arc<Requests> {
        let mut requests = self.requests.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(requests.entry(route.into()).or_default())
    }

    fn histogram(&self, route: &str, method: &'static str, class: &'static str) -> Histogram {
        let labels =
            vec![Label::new("route", route.to_owned()), Label::new("method", method), Label::new("status", class)];
        let key = Key::from_parts(Metric::REQUESTS.name, labels);
        self.recorder.register_histogram(&key, &TOLD_HERE)
    }

    /// A request was refused under this scope.
    pub fn throttled(&self, scope: &'static str) {
        let known = self.throttled.read().unwrap_or_else(PoisonError::into_inner).get(scope).cloned();
        let counter = known.unwrap_or_else(|| {
            let key = Key::from_parts(Metric::THROTTLED.name, vec![Label::new("scope", scope)]);
            let counter = self.recorder.register_counter(&key, &TOLD_HERE);
            self.throttled.write().unwrap_or_else(PoisonError::into_inner).insert(scope, counter.clone());
            counter
        });
        counter.increment(1);
    }

    /// A request was refused because of the others.
    pub fn shed(&self) {
        self.shed.increment(1);
    }

    /// What somebody else counts has come so far.
    pub fn has_counted(&self, metric: Metric, labels: &[(&'static str, &str)], total: u64) {
        self.recorder.register_counter(&key(metric, labels), &TOLD_HERE).absolute(total);
    }

    /// What rises and falls is that now.
    #[expect(clippy::cast_precision_loss, reason = "there are never so many of anything")]
    pub fn stands_at(&self, metric: Metric, labels: &[(&'static str, &str)], value: u64) {
        self.recorder.register_gauge(&key(metric, labels), &TOLD_HERE).set(value as f64);
    }

    /// What rises and falls is not known now. It is told as `NaN`: the last value would look like one of now.
    pub fn is_unknown(&self, metric: Metric, labels: &[(&'static str, &str)]) {
        self.recorder.register_gauge(&key(metric, labels), &TOLD_HERE).set(f64::NAN);
    }

    /// Puts together what came in since the last time. Somebody has to do this now and then, or it takes memory.
    pub fn tidy(&self) {
        self.handle.run_upkeep();
    }

    /// All of it, for Prometheus.
    pub fn told(&self) -> String {
        self.handle.render()
    }
}

fn key(metric: Metric, labels: &[(&'static str, &str)]) -> Key {
    let labels = labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect::<Vec<_>>();
    Key::from_parts(metric.name, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_by_route_method_and_class_of_status() {
        let metrics = Metrics::start().expect("metrics");

        for status in [200, 204, 404] {
            metrics.answered("GET", Some("/api/v1/things/:id"), Some(status), Duration::from_millis(3));
        }
        metrics.answered("BREW", None, None, Duration::from_mins(1));

        let told = metrics.told();
        for line in [
            r#"majestic_http_request_duration_seconds_count{route="/api/v1/things/:id",method="GET",status="2xx"} 2"#,
            r#"majestic_http_request_duration_seconds_count{route="/api/v1/things/:id",method="GET",status="4xx"} 1"#,
            r#"majestic_http_request_duration_seconds_bucket{route="/api/v1/things/:id",method="GET",status="2xx",le="0.002"} 0"#,
            r#"majestic_http_request_duration_seconds_bucket{route="/api/v1/things/:id",method="GET",status="2xx",le="0.005"} 2"#,
            r#"majestic_http_request_duration_seconds_count{route="none",method="other",status="left"} 1"#,
        ] {
            assert!(told.contains(line), "{line} is missing in\n{told}");
        }
    }

    #[test]
    fn what_others_count_is_told_as_they_count_it() {
        let metrics = Metrics::start().expect("metrics");

        metrics.throttled("sms-request");
        metrics.shed();
        for total in [3, 5] {
            metrics.has_counted(Metric::VIEWS, &[("kind", "profile"), ("outcome", "hit")], total);
            metrics.stands_at(Metric::PARKED, &[("subscriber", "bus")], total);
        }

        let told = metrics.told();
        for line in [
            r#"majestic_http_throttled_total{scope="sms-request"} 1"#,
            "majestic_http_shed_total 1",
            r#"majestic_cache_views_total{kind="profile",outcome="hit"} 5"#,
            r#"majestic_outbox_parked{subscriber="bus"} 5"#,
            "# HELP majestic_outbox_parked",
        ] {
            assert!(told.contains(line), "{line} is missing in\n{told}");
        }
    }

    #[test]
    fn what_is_not_known_any_more_is_not_told_as_it_was() {
        let metrics = Metrics::start().expect("metrics");

        metrics.stands_at(Metric::PARKED, &[("subscriber", "bus")], 5);
        metrics.is_unknown(Metric::PARKED, &[("subscriber", "bus")]);

        let told = metrics.told();
        assert!(told.contains("majestic_outbox_parked{subscriber=\"bus\"} NaN\n"), "{told}");
    }
}
