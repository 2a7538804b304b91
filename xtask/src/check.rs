//! `cargo xtask check`: the gates that need no server.

use std::path::PathBuf;
use std::time::Duration;

use crate::is_ci;
use crate::process::{command, run, succeeds_within};
use crate::sbom::sbom;

const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// Every gate, and the architecture on its own.
pub(crate) fn check() -> Result<(), String> {
    gates()?;
    run(command("cargo", &["test", "--workspace", "--test", "architecture"]))
}

/// What is checked besides the tests.
///
/// Always the whole workspace: a part of it selects other features, and recompiles what it depends on.
pub(crate) fn gates() -> Result<(), String> {
    run(command("cargo", &["fmt", "--all", "--check"]))?;
    run(command("cargo", &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    let mut documentation = command("cargo", &["doc", "--workspace", "--no-deps"]);
    documentation.env("RUSTDOCFLAGS", "--deny warnings");
    run(documentation)?;
    sbom()?;
    dependencies()
}

/// Licences, bans and sources need nothing but the lock file; known vulnerabilities need their database.
fn dependencies() -> Result<(), String> {
    if !succeeds_within(ANSWER_DEADLINE, command("cargo", &["deny", "--version"])) {
        let missing = "cargo-deny is not installed (`cargo install --locked cargo-deny`)";
        if is_ci() {
            return Err(missing.into());
        }
        println!("not checked: licences, bans, sources and vulnerabilities of the dependencies: {missing}");
        return Ok(());
    }
    run(command("cargo", &["deny", "--locked", "check", "bans", "licenses", "sources"]))?;
    if has_advisories() {
        run(command("cargo", &["deny", "--offline", "check", "advisories"]))
    } else {
        println!("not checked: known vulnerabilities: no advisory database is here (`cargo deny fetch db` gets one)");
        Ok(())
    }
}

/// Whether a database has ever been fetched; asking for it leaves the folder behind, empty but for a lock.
fn has_advisories() -> bool {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let Some(databases) = home.and_then(|home| home.join("advisory-dbs").read_dir().ok()) else { return false };
    databases.flatten().any(|database| database.path().is_dir())
}
