//! What operators see, and how much this process takes on.

use std::net::SocketAddr;
use std::time::Duration;

use telemetry_adapter::TraceSettings;

use super::Environment;
use super::reader::Reader;

/// Where metrics are served if nobody says: here, for whoever sits at the machine.
const USUAL_METRICS: ([u8; 4], u16) = ([127, 0, 0, 1], 9464);

/// Requests that are answered at once: some seconds' worth for a database with 32 connections.
const USUAL_REQUESTS: usize = 512;

/// Where metrics are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricsListen {
    /// The address and port.
    pub address: SocketAddr,
    /// Whether somebody asked for it: then it has to be free.
    pub is_chosen: bool,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    pub(super) fn metrics(&mut self, environment: Environment) -> Option<MetricsListen> {
        let usual = MetricsListen { address: SocketAddr::from(USUAL_METRICS), is_chosen: false };
        // Tests run many processes at once, and none of them is looked at.
        let usual = (environment != Environment::Test).then_some(usual);
        self.parsed("METRICS_ADDR", usual, "an address and a port, or none", |raw| match raw {
            "none" => Some(None),
            raw => raw.parse().ok().map(|address| Some(MetricsListen { address, is_chosen: true })),
        })
    }

    pub(super) fn traces(&mut self) -> Option<TraceSettings> {
        let ratio = self.parsed("OTEL_TRACES_SAMPLER_ARG", 1.0, "a part from 0 to 1", |raw| {
            raw.parse().ok().filter(|it| (0.0..=1.0).contains(it))
        });
        let collector = |raw: &str| {
            let url = url::Url::parse(raw).ok()?;
            // It is shown in what is logged.
            let is_secret = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
            let is_server = matches!(url.scheme(), "http" | "https") && url.has_host();
            (is_server && !is_secret).then(|| Some(raw.to_owned()))
        };
        let rule =
            "http(s)://host[:port], where a collector takes OTLP over HTTP, without a user, a password or a query";
        let endpoint = self.parsed("OTEL_EXPORTER_OTLP_ENDPOINT", None, rule, collector)?;
        Some(TraceSettings { endpoint, ratio })
    }

    pub(super) fn requests(&mut self) -> usize {
        self.parsed("MAX_REQUESTS", USUAL_REQUESTS, "a number from 1 to 100000", |raw| {
            raw.parse().ok().filter(|it| (1..=100_000).contains(it))
        })
    }

    pub(super) fn request_timeout(&mut self) -> Duration {
        self.parsed("REQUEST_TIMEOUT_MS", Duration::from_secs(5), "milliseconds, from 100 to 60000", |raw| {
            raw.parse().ok().filter(|it| (100..=60_000).contains(it)).map(Duration::from_millis)
        })
    }

    /// On a developer's machine nobody balances any load.
    pub(super) fn drain(&mut self, private: bool) -> Duration {
        let usual = Duration::from_secs(if private { 0 } else { 5 });
        self.parsed("DRAIN_SECONDS", usual, "seconds, from 0 to 300", |raw| {
            raw.parse().ok().filter(|it| *it <= 300).map(Duration::from_secs)
        })
    }
}
