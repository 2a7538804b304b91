//! The programs under measurement, and how they are started.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::database::Database;
use crate::process::{command, output, run};

/// Who may do everything.
pub(super) const SUPERUSER: &str = "+821012345678";
/// Everybody's.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// The two programs to compare.
pub(super) struct Programs {
    majestic: PathBuf,
    floor: PathBuf,
    /// Any random digits, which will do for both keys.
    key: String,
}

impl Programs {
    pub(super) fn build() -> Result<Self, String> {
        run(command("cargo", &["build", "--release", "--package", "bootstrap", "--package", "floor"]))?;
        // This program stands in a folder beside theirs.
        let this = std::env::current_exe().map_err(|why| format!("this program has no path: {why}"))?;
        let target = this.ancestors().nth(2).ok_or("this program is in no target folder")?;
        let built = |name| target.join("release").join(name);
        let majestic = built("majestic");
        let key = output(command(&majestic.to_string_lossy(), &["generate-keypair"]))?.trim().to_owned();
        Ok(Self { majestic, floor: built("floor"), key })
    }

    /// As it runs in production.
    pub(super) fn majestic(&self, database: &Database, arguments: &[&str]) -> Command {
        let mut program = ends_with_us(&self.majestic);
        program.args(arguments).env("ENV", "prod").env("DATABASE_URL", database.url());
        program.env("TOKEN_ROOT_KEY", &self.key).env("SECRET_KEY", &self.key);
        program.env("MAJESTIC_PASSWORD", PASSWORD).env("THROTTLE_RATES", often());
        program.env("STORAGE_URL", format!("file:{}", std::env::temp_dir().join("majestic-bench").display()));
        program
    }

    /// Gives the database its tables, somebody who may do everything, and what `seed.sql` says.
    pub(super) fn fill(&self, database: &Database, items: u32) -> Result<(), String> {
        output(self.majestic(database, &["migrate"]))?;
        output(self.majestic(database, &["create-superuser", "--phonenumber", SUPERUSER]))?;
        println!("inserting {items} items");
        database.seed(items)
    }

    pub(super) fn floor(&self, database: &Database) -> Command {
        let mut program = ends_with_us(&self.floor);
        program.env("DATABASE_URL", database.url());
        program
    }
}

/// A load is what throttles are there to hold back.
fn often() -> String {
    let rates = [
        "anon-default",
        "auth-check",
        "sms-request",
        "sms-block",
        "sms-total",
        "wrong-tokens",
        "wrong-tokens-network",
        "user-default",
        "user-burst",
        "api-key",
    ];
    let rates = rates.map(|it| format!(r#""{it}":"1000000000/s""#));
    format!("{{{}}}", rates.join(","))
}

/// The program in a process that ends when this one does, however that happens.
fn ends_with_us(program: &Path) -> Command {
    let mut command = command("setpriv", &["--pdeathsig", "KILL"]);
    command.arg(program);
    command
}
