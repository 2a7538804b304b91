//! `cargo xtask chaos`: clients at work while processes, servers and networks fail.
//!
//! The program is `tests/chaos`; this builds it with the debug binary of the product, and finds the servers it needs.

use std::path::PathBuf;

use crate::amazon;
use crate::docker::{Docker, Sweeper, run_id};
use crate::images::SERVERS;
use crate::process::{command, run};

/// How long CI lets things fail.
const SECONDS_IN_CI: &str = "75";

/// Variables that name what it cannot do without: servers that may be killed, and a bus.
pub(crate) const NEEDED: [&str; 3] = ["TEST_MYSQL_IMAGE", "TEST_REDIS_IMAGE", amazon::IMAGE];

/// What to put the service through.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Chaos {
    /// `--seconds N`, `--seed S`, `--database mysql` or `sqlite`, `--clients N`, `--controls`, or `--help`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<String>,
}

/// `cargo xtask chaos`
pub(crate) fn chaos(chaos: &Chaos) -> Result<(), String> {
    // As the tests are built: whoever has run them has nothing to wait for.
    run(command("cargo", &["test", "--workspace", "--no-run"]))?;
    let docker = Docker::find()?;
    let servers = SERVERS.iter().filter(|it| NEEDED.contains(&it.image_variable));
    let images = servers.map(|it| Ok((it.image_variable, it.image(&docker)?)));
    let variables = images.collect::<Result<Vec<_>, String>>()?;
    let run = run_id();
    let sweeper = Sweeper::start(&run)?;
    let played = play(&chaos.options, &run, &variables);
    let swept = sweeper.sweep();
    played.and(swept)
}

/// The run that belongs to the tests, with what they have built.
pub(crate) fn in_ci(id: &str, variables: &[(&'static str, String)]) -> Result<(), String> {
    play(&["--seconds".to_owned(), SECONDS_IN_CI.to_owned()], id, variables)
}

fn play(options: &[String], id: &str, variables: &[(&'static str, String)]) -> Result<(), String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let mut chaos = command(&target.join("debug/chaos").to_string_lossy(), &[]);
    chaos.args(options).env("TEST_RUN_ID", id).envs(variables.iter().map(|(name, value)| (*name, value)));
    run(chaos)
}
