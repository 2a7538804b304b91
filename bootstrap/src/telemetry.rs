//! The log: lines for people on a developer's machine, JSON everywhere else.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Environment;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_FILTER: &str = "info";

/// Starts logging. A second call changes nothing: tests start several servers in one process.
pub(crate) fn start(environment: Environment) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let lines = tracing_subscriber::fmt::layer().with_ansi(std::io::stdout().is_terminal());
    let started = if environment.is_private() {
        tracing_subscriber::registry().with(filter).with(lines.compact().with_target(false)).try_init()
    } else {
        tracing_subscriber::registry().with(filter).with(lines.json().flatten_event(true)).try_init()
    };
    drop(started);
}
