//! `cargo xtask bench`: how much of what this machine could do is left when our server does it.
//!
//! The release binary is compared with `floor`, which sends the same statements and answers the same bytes, and
//! does nothing else. Both use one MySQL and take turns, so that whatever else the machine does meets both.
//! docs/performance.md says how to read the outcome. Three more measurements ask our server alone: `growth` fills the
//! database more and more, `timing` looks for what times tell of accounts, and `overload` asks for more than can be answered.

mod client;
mod database;
mod effort;
mod growth;
mod load;
mod overload;
mod programs;
mod questions;
mod report;
mod server;
mod throughput;
mod timing;

use crate::docker::{Docker, Sweeper, run_id};
use crate::images::SERVERS;
use crate::process::{command, output};
use database::Database;
use programs::Programs;
use questions::Question;

/// What to measure.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Bench {
    #[command(subcommand)]
    which: Option<Which>,
    #[command(flatten)]
    options: Options,
}

#[derive(clap::Subcommand)]
enum Which {
    /// How long answers take while the database grows from a thousand items to a million.
    Growth(growth::Options),
    /// Whether the time that an answer takes tells who has an account.
    Timing(timing::Options),
    /// How much is answered when three times as much is asked for as can be.
    Overload(overload::Options),
}

/// How to measure throughput.
#[derive(clap::Args)]
struct Options {
    /// Seconds until it is the other server's turn.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=20))]
    seconds: u64,
    /// Turns of each server.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// Questions at the same time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(2..=512))]
    connections: u16,
    /// Items in the database, and of everything else in proportion.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(150..=1_000_000))]
    items: u32,
    /// Puts this question alone, by its name in the table.
    #[arg(long, value_parser = questions::by_name)]
    only: Option<&'static Question>,
}

/// `cargo xtask bench`
pub(crate) fn bench(bench: &Bench) -> Result<(), String> {
    let docker = Docker::find()?;
    if bench.which.is_none() {
        load::install()?;
    }
    let image = SERVERS[0].image(&docker)?;
    let programs = Programs::build()?;
    let run = run_id();
    let sweeper = Sweeper::start(&run)?;
    let measured = Database::start(&image, &run).and_then(|database| match &bench.which {
        None => throughput::measure(&programs, &database, &bench.options),
        Some(Which::Growth(options)) => growth::measure(&programs, &database, options),
        Some(Which::Timing(options)) => timing::measure(&programs, &database, options),
        Some(Which::Overload(options)) => overload::measure(&programs, &database, options),
    });
    let swept = sweeper.sweep();
    measured.and(swept)
}

fn machine() -> String {
    let read = |file| std::fs::read_to_string(file).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let processor = processors.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{} cores of {}, Linux {}", throughput::cores(), processor.unwrap_or("unknown kind"), kernel.trim())
}

/// What was measured with.
fn versions(database: &Database) -> Result<String, String> {
    let compiler = output(command("rustc", &["--version"]))?;
    Ok(format!("{}, MySQL {}", compiler.trim(), database.version()?))
}
