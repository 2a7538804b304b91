//! `majestic check`: whether this configuration and its backends would do, for whoever is about to deploy it.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cache_adapter::CacheUrl;
use futures_util::future::join_all;
use http_adapter::Probe;
use kernel_domain::BoxError;
use persistence_adapter::Database;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::config::{Config, Environment, InvalidConfig};
use crate::wiring::{Probes, StartupError, besides_pictures, build};

/// A backend that does not answer by then cannot be reached.
const DEADLINE: Duration = Duration::from_secs(5);

/// What `check` exits with when the configuration is not usable. Two is what a command line exits with that makes no sense.
const BAD_CONFIGURATION: u8 = 1;
/// What `check` exits with when a backend cannot be reached, or lacks what this release needs.
const BAD_BACKEND: u8 = 3;

/// What was found.
pub(crate) struct Findings {
    faults: Vec<String>,
    warnings: Vec<String>,
    backends: Vec<Backend>,
}

/// What was found of one backend.
struct Backend {
    name: String,
    problem: Option<String>,
    took: Duration,
}

/// Looks at everything, and changes nothing but for making the folders and the file of the embedded backends. The webhook of
/// Slack and the collector of traces are not asked: nothing is served worse without them.
pub(crate) async fn check(config: Result<Config, InvalidConfig>) -> Findings {
    let config = match config {
        Ok(config) => config,
        Err(InvalidConfig { faults }) => return Findings { faults, warnings: Vec::new(), backends: Vec::new() },
    };
    let warnings = warnings(&config);
    match look(&config).await {
        Ok(backends) => Findings { faults: Vec::new(), warnings, backends },
        Err(error) => Findings { faults: vec![causes(&error)], warnings, backends: Vec::new() },
    }
}

/// Looks at every backend, at the others even if one of them is needed to begin with and gone.
async fn look(config: &Config) -> Result<Vec<Backend>, StartupError> {
    let began = Instant::now();
    // Whose keys have to be asked for is the place for pictures.
    let problem: BoxError = match timeout(DEADLINE, build(config)).await {
        Ok(Ok(app)) => return Ok(backends(&app.database, &app.probes).await),
        Ok(Err(StartupError::Store(error))) => error.into(),
        Ok(Err(error)) => return Err(error),
        Err(late) => late.into(),
    };
    let storage = Backend::found("storage", began, Err(problem));
    let (database, probes) = besides_pictures(config)?;
    let mut backends = backends(&database, &probes).await;
    backends.push(storage);
    Ok(backends)
}

/// What is allowed, and seldom meant.
fn warnings(config: &Config) -> Vec<String> {
    if !matches!(config.environment, Environment::Stage | Environment::Prod) {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    if matches!(config.cache, CacheUrl::Memory) {
        warnings.push("CACHE_URL is memory: every instance counts requests for itself".to_owned());
    }
    if config.database_url.expose().starts_with("sqlite:") {
        warnings.push("DATABASE_URL is a file: one instance alone can use it, on the machine where it is".to_owned());
    }
    for variable in config.contexts.in_clear() {
        warnings.push(format!("{variable} is no https://: whoever is on the way reads profiles, and the key to them"));
    }
    if config.metrics.is_none() {
        warnings.push("METRICS_ADDR is none: nobody sees how it does".to_owned());
    }
    warnings
}

async fn backends(database: &Database, probes: &Probes) -> Vec<Backend> {
    let probes = probes.iter().map(|(name, probe)| probe_backend(name, probe));
    let (mut backends, schema) = tokio::join!(join_all(probes), schema(database));
    backends.push(schema);
    backends
}

async fn probe_backend(name: &str, probe: &Arc<dyn Probe>) -> Backend {
    let began = Instant::now();
    let outcome = timeout(DEADLINE, probe.check()).await;
    Backend::found(name, began, outcome.unwrap_or_else(|late| Err(late.into())))
}

async fn schema(database: &Database) -> Backend {
    let began = Instant::now();
    let outcome = match timeout(DEADLINE, database.pending_migrations()).await {
        Ok(Ok(pending)) if pending.is_empty() => Ok(()),
        Ok(Ok(pending)) => {
            Err(format!("it lacks {}: `majestic migrate` brings it up to date", pending.join(", ")).into())
        }
        Ok(Err(error)) => Err(error.into()),
        Err(late) => Err(late.into()),
    };
    Backend::found("schema", began, outcome)
}

impl Backend {
    fn found(name: &str, began: Instant, outcome: Result<(), BoxError>) -> Self {
        Self { name: name.to_owned(), problem: outcome.err().map(|it| causes(&*it)), took: began.elapsed() }
    }
}

/// An error, and what stands behind it.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |it| it.source()).map(ToString::to_string);
    causes.collect::<Vec<_>>().join(": ")
}

impl Findings {
    /// What a deploy gate looks at.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if !self.faults.is_empty() {
            return ExitCode::from(BAD_CONFIGURATION);
        }
        if self.backends.iter().any(|it| it.problem.is_some()) {
            ExitCode::from(BAD_BACKEND)
        } else {
            ExitCode::SUCCESS
        }
    }

    /// For people, a line for each thing.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |name: &str, said: &str| format!("{name:<16}{said}");
        let mut lines: Vec<_> = self.faults.iter().map(|it| line("configuration", it)).collect();
        if lines.is_empty() {
            lines.push(line("configuration", "ok"));
        }
        lines.extend(self.warnings.iter().map(|it| line("warning", it)));
        lines.extend(self.backends.iter().map(|it| match &it.problem {
            None => line(&it.name, &format!("ok, in {} ms", it.took.as_millis())),
            Some(problem) => line(&it.name, problem),
        }));
        lines
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let backends = self.backends.iter().map(|it| {
            json!({ "name": it.name, "ok": it.problem.is_none(), "problem": it.problem, "took_ms": it.took.as_millis() })
        });
        json!({
            "ok": self.faults.is_empty() && self.backends.iter().all(|it| it.problem.is_none()),
            "configuration": self.faults,
            "warnings": self.warnings,
            "backends": backends.collect::<Vec<_>>(),
        })
    }
}
