//! The log: lines for people on a developer's machine, Elastic Common Schema everywhere else.

mod ecs;
mod masking;
mod reports;
mod requests;
#[cfg(test)]
#[path = "../../tests/operations/schema.rs"]
mod schema;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::Arc;

use kernel_domain::BoxError;
use slack_adapter::Webhook;
use telemetry_adapter::{SPANS, Traces};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, Environment};
use ecs::Ecs;
use reports::{Reporting, Reports};

pub(crate) use requests::Requests;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_LEVEL: LevelFilter = LevelFilter::INFO;

/// What tells others of this process, until it is [ended](Self::end).
pub(crate) struct Telemetry {
    traces: Option<Traces>,
    reporting: Option<Reporting>,
}

/// Starts logging, reporting errors to the channel, unless it is a developer's machine, and telling of traces where somebody
/// collects them. A second call changes nothing: tests start several servers in one process.
///
/// # Errors
/// If the process has no standard output, or nobody can be told.
pub(crate) fn start(config: &Config) -> Result<Telemetry, BoxError> {
    // Whoever reaches a collector or a channel by TLS needs a provider, and it is the same for all.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let traces = config.traces.as_ref().map(Traces::start).transpose()?;

    // By target and level only: a filter that looks at spans costs each request more than its line in the log does.
    let filter = chosen().unwrap_or_else(|| Targets::new().with_default(DEFAULT_LEVEL));
    let filter = if traces.is_some() { filter.with_target(SPANS, LevelFilter::DEBUG) } else { filter };
    // Each line is one write to the file itself: nobody waits for a lock that others hold while they write.
    let output = Arc::new(File::from(io::stdout().as_fd().try_clone_to_owned()?));
    let environment = config.environment;
    let channel = config.slack_webhook.clone().filter(|_| environment != Environment::Local);
    let channel = channel.map(Webhook::to).transpose().map_err(io::Error::other)?;
    let (reports, reporting) = channel.map(|channel| Reports::to(channel, environment.name(), reports::REST)).unzip();
    let registry = tracing_subscriber::registry().with(traces.as_ref().map(Traces::layer::<Registry>));
    let registry = registry.with(filter).with(reports);
    let started = if environment.is_private() {
        let lines = tracing_subscriber::fmt::layer().with_ansi(io::stdout().is_terminal()).with_writer(output);
        registry.with(lines.compact().with_target(false)).try_init()
    } else {
        registry.with(Ecs::to(output)).try_init()
    };
    drop(started);
    Ok(Telemetry { traces, reporting })
}

impl Telemetry {
    /// Tells the last steps of traces and the last errors, which takes a few seconds at most.
    pub(crate) async fn end(self) {
        let traces = async {
            if let Some(traces) = self.traces {
                // It blocks a thread, it does not panic, and that it was cancelled means that the process stops.
                let _ = tokio::task::spawn_blocking(move || traces.end()).await;
            }
        };
        let reports = async {
            if let Some(reporting) = self.reporting {
                reporting.end().await;
            }
        };
        tokio::join!(traces, reports);
    }
}

#[expect(clippy::disallowed_methods, reason = "the variable is that of every program that logs with tracing")]
fn chosen() -> Option<Targets> {
    std::env::var("RUST_LOG").ok()?.parse().ok()
}
