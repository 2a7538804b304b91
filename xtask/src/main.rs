//! The project's chores as one command: `cargo xtask test`, `check`, `chaos`, `fuzz`, `image`, `images`, `sbom` and `bench`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command line tool prints, reads its environment and waits for other programs"
)]

mod amazon;
mod bench;
mod chaos;
mod check;
mod docker;
mod fuzz;
mod image;
mod images;
mod process;
mod python;
mod sbom;
mod test;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Runs every check, then every test; with CI=true leaving anything out is a failure.
    Test {
        /// Only the tests whose names contain this, and no checks.
        only: Option<String>,
    },
    /// Format, lints, documentation, architecture and dependencies: what needs no server.
    Check,
    /// Lets processes, servers and networks fail while clients are at work, and looks for what cannot be true.
    Chaos(chaos::Chaos),
    /// Looks for inputs that cannot be taken by what reads whatever anybody sends.
    Fuzz(fuzz::Fuzz),
    /// Builds the container image of the product, from what this machine has.
    Image(image::Image),
    /// Finds or builds the database images that the tests start.
    Images,
    /// Writes down which packages the product is made of, in `CycloneDX`, to target/majestic.cdx.json.
    Sbom,
    /// Measures the release binary on MySQL: against the least a server could do, or alone.
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    match run(Chore::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::set_current_dir(&root).map_err(|why| format!("cannot enter {}: {why}", root.display()))?;
    match chore {
        Chore::Test { only } => test::test(only.as_deref()),
        Chore::Check => check::check(),
        Chore::Chaos(options) => chaos::chaos(&options),
        Chore::Fuzz(options) => fuzz::fuzz(&options),
        Chore::Image(options) => image::image(&options),
        Chore::Images => images::show(),
        Chore::Sbom => sbom::sbom(),
        Chore::Bench(bench) => bench::bench(&bench),
    }
}

/// Whether this is a run that may leave nothing out.
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|it| it == "true")
}
