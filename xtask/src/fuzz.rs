//! `cargo xtask fuzz`: looks for inputs that those parts cannot take which read what anybody sends.
//!
//! The targets are in `tests/fuzz`. libFuzzer makes inputs up, and keeps what reaches code that nothing reached before. It is
//! compiled from the sources that a crate brings along, and the flags that make code tell where it has been are known to
//! every compiler of Rust: neither `cargo-fuzz` nor a nightly is needed. It is also why no sanitizer looks on: we have no
//! unsafe code for one to watch.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{command, output, run, succeeds_within};

/// Has a folder of inputs for each target.
const CORPUS: &str = "tests/fuzz/corpus";

/// Code counts where it has been and tells what it compares. `--cfg fuzzing` is known to libraries: some leave out what
/// only stands in the way.
const INSTRUMENTED: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// An input that takes longer than so many seconds is found, like one that breaks a promise: most take microseconds.
const SLOW: u64 = 10;

/// Megabytes that the process of a target may take.
const MEMORY: u64 = 2048;

const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// What to look into, and for how long.
#[derive(clap::Args)]
pub(crate) struct Fuzz {
    /// For how long inputs of each target are made up.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// The targets, by the names of their folders in tests/fuzz/corpus; all of them unless some are named.
    targets: Vec<String>,
}

/// `cargo xtask fuzz`
pub(crate) fn fuzz(options: &Fuzz) -> Result<(), String> {
    let targets = targets(&options.targets)?;
    if !succeeds_within(ANSWER_DEADLINE, command("c++", &["--version"])) {
        return Err("libFuzzer is written in C++, and there is no compiler of it (`apt-get install g++`)".to_owned());
    }
    let fuzzer = build()?;
    let failures: Vec<String> =
        targets.iter().filter_map(|it| tried(&fuzzer, it, Duration::from_secs(options.seconds)).err()).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

/// Those that are asked for, if they are there.
fn targets(asked: &[String]) -> Result<Vec<String>, String> {
    let known: Vec<String> = names(Path::new(CORPUS))?.into_iter().collect();
    if let Some(unknown) = asked.iter().find(|it| !known.contains(it)) {
        return Err(format!("{unknown} is none of the targets {}", known.join(", ")));
    }
    Ok(if asked.is_empty() { known } else { asked.to_vec() })
}

fn names(folder: &Path) -> Result<BTreeSet<String>, String> {
    let entries = fs::read_dir(folder).map_err(|why| format!("{} cannot be read: {why}", folder.display()))?;
    Ok(entries.flatten().map(|it| it.file_name().to_string_lossy().into_owned()).collect())
}

fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

/// The program that has all targets in it.
fn build() -> Result<PathBuf, String> {
    let version = output(command("rustc", &["--version", "--verbose"]))?;
    let host =
        version.lines().find_map(|it| it.strip_prefix("host: ")).ok_or("rustc does not say what it builds for")?;
    // The platform is named so that build scripts and macros, which run in no fuzzer, are built without these flags.
    let mut cargo = command("cargo", &["build", "--package", "fuzz", "--bin", "fuzz", "--profile", "fuzz"]);
    cargo.args(["--target", host]).env("RUSTFLAGS", INSTRUMENTED).env_remove("CARGO_ENCODED_RUSTFLAGS");
    run(cargo)?;
    Ok(target_folder().join(host).join("fuzz/fuzz"))
}

/// Tries inputs on a target for so long; the error says which one it could not take.
fn tried(fuzzer: &Path, target: &str, time: Duration) -> Result<(), String> {
    let found = target_folder().join("fuzzing").join(target);
    let reached = found.join("corpus");
    fs::create_dir_all(&reached).map_err(|why| format!("{} cannot be made: {why}", reached.display()))?;
    let until = Instant::now() + time;
    loop {
        let left = until.saturating_duration_since(Instant::now()).as_secs();
        if left == 0 {
            return Ok(());
        }
        let before = names(&found)?;
        let mut tries = libfuzzer(fuzzer, target);
        // What is new goes to the first folder. The other one only says where to begin.
        tries.args([&reached, &Path::new(CORPUS).join(target)]).arg(format!("-artifact_prefix={}/", found.display()));
        tries.args([format!("-max_total_time={left}"), "-print_final_stats=1".to_owned()]);
        let Err(ended) = run(tries) else { return Ok(()) };
        let inputs: Vec<PathBuf> = names(&found)?.difference(&before).map(|it| found.join(it)).collect();
        if let Some(input) = inputs.iter().find(|it| !was_held_up(fuzzer, target, it)) {
            return Err(format!("{target} cannot take {}", input.display()));
        }
        if inputs.is_empty() {
            return Err(format!("{target} cannot be tried: {ended}"));
        }
    }
}

fn libfuzzer(fuzzer: &Path, target: &str) -> Command {
    let mut libfuzzer = command(&fuzzer.to_string_lossy(), &[]);
    libfuzzer.env("FUZZ_TARGET", target).args([format!("-timeout={SLOW}"), format!("-rss_limit_mb={MEMORY}")]);
    libfuzzer
}

/// Whether an input took long once and does not again: a machine may have been asleep, or busy, just then.
fn was_held_up(fuzzer: &Path, target: &str, input: &Path) -> bool {
    let is_slow = input.file_name().is_some_and(|it| it.to_string_lossy().starts_with("timeout-"));
    let mut again = libfuzzer(fuzzer, target);
    again.arg(input);
    is_slow && run(again).is_ok() && fs::remove_file(input).is_ok()
}
