//! The log: lines for people on a developer's machine, Elastic Common Schema everywhere else.

mod ecs;
mod masking;
mod reports;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::Arc;

use slack_adapter::{Webhook, WebhookUrl};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Environment;
use ecs::Ecs;
use reports::Reports;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_LEVEL: LevelFilter = LevelFilter::INFO;

/// Starts logging, and reporting errors to the channel, unless it is a developer's machine. A second call changes nothing: tests start several servers in one process.
///
/// # Errors
/// If the process has no standard output.
pub(crate) fn start(environment: Environment, channel: Option<&WebhookUrl>) -> io::Result<()> {
    // By target and level only: a filter that looks at spans costs each request more than its line in the log does.
    let filter = chosen().unwrap_or_else(|| Targets::new().with_default(DEFAULT_LEVEL));
    // Each line is one write to the file itself: nobody waits for a lock that others hold while they write.
    let output = Arc::new(File::from(io::stdout().as_fd().try_clone_to_owned()?));
    let channel = channel.filter(|_| environment != Environment::Local).cloned();
    let channel = channel.map(Webhook::to).transpose().map_err(io::Error::other)?;
    let reports = channel.map(|channel| Reports::to(channel, environment.name(), reports::REST));
    let registry = tracing_subscriber::registry().with(filter).with(reports);
    let started = if environment.is_private() {
        let lines = tracing_subscriber::fmt::layer().with_ansi(io::stdout().is_terminal()).with_writer(output);
        registry.with(lines.compact().with_target(false)).try_init()
    } else {
        registry.with(Ecs::to(output)).try_init()
    };
    drop(started);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the variable is that of every program that logs with tracing")]
fn chosen() -> Option<Targets> {
    std::env::var("RUST_LOG").ok()?.parse().ok()
}
