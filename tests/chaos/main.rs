//! Chaos: clients at work while processes, servers and networks fail, and whether what they were told can be true.
//!
//! `cargo xtask chaos` runs this. Two processes of the debug binary share MySQL, Redis and a bus, each through fault proxies of its own;
//! clients ask for what their seeds say, note every answer, and repeat with the same key, on either process, what nobody
//! answered; a nemesis kills, freezes and cuts. Then everything heals, the events drain, and the checks of
//! `tests/support/storm` and `tests/support/invariants.rs` judge. On `SQLite` there is one process, nothing to cut,
//! and a log in place of the bus.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a run that cannot have what it needs ends, and a program on the command line prints"
)]

mod arrivals;
mod backends;
mod bounds;
mod bus;
mod clients;
mod controls;
mod nemesis;
mod rival;
mod run;
mod service;
mod verdict;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// What to put the service through.
#[derive(Parser, Debug, Clone)]
#[command(name = "cargo xtask chaos")]
pub(crate) struct Options {
    /// How long things fail.
    #[arg(long, default_value_t = 75, value_parser = clap::value_parser!(u64).range(5..=7_200))]
    seconds: u64,
    /// What clients ask for and what fails follows from it; how they meet does not.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The stack behind the service.
    #[arg(long, value_enum, default_value_t = Stack::Mysql)]
    database: Stack,
    /// Clients at the same time.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=256))]
    clients: u16,
    /// Breaks the service on purpose, in each way that is known, and fails unless every one is found.
    #[arg(long)]
    controls: bool,
    /// Breaks the service in this way alone.
    #[arg(long)]
    sabotage: Option<String>,
}

/// What is behind the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stack {
    /// Two processes on MySQL, Redis and a bus.
    Mysql,
    /// One process on a file.
    Sqlite,
}

impl Options {
    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    // Whoever installed it first has installed the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = if options.controls { controls::all(&options).await } else { run::once(&options).await };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("chaos: {why}");
            ExitCode::FAILURE
        }
    }
}
