//! The MySQL server of a measurement.

use std::process::Command;
use std::time::Duration;

use super::server::free_port;
use crate::docker::Sweeper;
use crate::process::{becomes_true_within, command, output, succeeds_within};

/// A first start takes 5 s alone, and several times that on a busy machine.
const START_DEADLINE: Duration = Duration::from_mins(2);
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// The events of 20 s under full load.
const DELIVERY_DEADLINE: Duration = Duration::from_mins(5);

/// A server as it is delivered: what it has committed survives a crash.
pub(super) struct Database {
    container: String,
    port: u16,
    pub(super) pid: u32,
}

impl Database {
    /// Listens on loopback itself: a port that Docker publishes goes through a proxy, which halves throughput.
    pub(super) fn start(image: &str, run: &str) -> Result<Self, String> {
        let port = free_port()?;
        let mut start = command("docker", &["run", "--detach", "--network", "host", "--label"]);
        start.args([&Sweeper::label(run), "--env", "MYSQL_ALLOW_EMPTY_PASSWORD=yes", image]);
        start.args(["--bind-address=127.0.0.1", &format!("--port={port}"), "--mysqlx=OFF", "--skip-name-resolve"]);
        let container = output(start)?.trim().to_owned();
        let pid = output(command("docker", &["inspect", "--format", "{{.State.Pid}}", &container]))?;
        let pid = pid.trim().parse().map_err(|_| format!("docker knows no process of {container}"))?;

        let database = Self { container, port, pid };
        let answers = || succeeds_within(ANSWER_DEADLINE, database.client("SELECT 1"));
        if !becomes_true_within(START_DEADLINE, answers) {
            return Err("MySQL does not start".into());
        }
        database.renew()?;
        Ok(database)
    }

    /// The driver would look for a Unix socket otherwise, which may be somebody else's.
    pub(super) fn url(&self) -> String {
        format!("mysql://root@127.0.0.1:{}/majestic?prefer_socket=false", self.port)
    }

    /// Empties it altogether.
    pub(super) fn renew(&self) -> Result<(), String> {
        self.query("DROP DATABASE IF EXISTS majestic; CREATE DATABASE majestic").map(drop)
    }

    /// Lets it hold a million items in memory: with the 128 MiB that it is delivered with, the disk would be measured.
    pub(super) fn widen(&self) -> Result<(), String> {
        self.query("SET GLOBAL innodb_buffer_pool_size = 2 * 1024 * 1024 * 1024").map(drop)
    }

    /// Fills the tables.
    pub(super) fn seed(&self, items: u32) -> Result<(), String> {
        self.query(&format!("USE majestic; SET @items = {items};\n{}", include_str!("seed.sql"))).map(drop)
    }

    /// Sees to it that there are so many items in no batch, and that every event has been delivered: whoever did that
    /// last may still be at it.
    pub(super) fn loosen(&self, items: u64) -> Result<(), String> {
        let delivered =
            || self.query("SELECT COUNT(*) FROM majestic.outbox WHERE state = 'OPEN'").is_ok_and(|it| it.trim() == "0");
        if !becomes_true_within(DELIVERY_DEADLINE, delivered) {
            return Err("events are not delivered".into());
        }
        self.query(&format!("USE majestic; SET @loose = {items};\n{}", include_str!("loose.sql"))).map(drop)
    }

    /// How many statements there were so far, those that were only prepared included.
    pub(super) fn statements(&self) -> Result<f64, String> {
        let counters = self.query(
            "SELECT SUM(VARIABLE_VALUE) FROM performance_schema.global_status \
             WHERE VARIABLE_NAME IN ('Questions', 'Com_stmt_prepare')",
        )?;
        counters.trim().parse().map_err(|_| format!("MySQL does not count its statements: {counters}"))
    }

    /// What `ask` gives, and the prepared statements that were executed for it. What the pool, the relay and the chores
    /// ask on their own is left out, and so are the key that is shown, `BEGIN` and `COMMIT`, which nobody prepares, and
    /// the count of a long list, which each server takes now and then, beside the requests.
    pub(super) fn listen<T>(&self, ask: impl FnOnce() -> Result<T, String>) -> Result<(T, String), String> {
        const PREPARED: &str = "performance_schema.prepared_statements_instances";
        // Truncating it forgets how often they were executed, not the statements.
        self.query(&format!("TRUNCATE {PREPARED}"))?;
        let answer = ask()?;
        let statements = self.query(&format!(
            "SELECT SQL_TEXT, SUM(COUNT_EXECUTE) FROM {PREPARED} \
             WHERE COUNT_EXECUTE > 0 AND SQL_TEXT REGEXP 'shipping_' AND SQL_TEXT NOT LIKE 'SELECT COUNT(*)%' \
             GROUP BY SQL_TEXT ORDER BY SQL_TEXT"
        ))?;
        Ok((answer, statements))
    }

    pub(super) fn version(&self) -> Result<String, String> {
        Ok(self.query("SELECT VERSION()")?.trim().to_owned())
    }

    fn query(&self, statements: &str) -> Result<String, String> {
        output(self.client(statements))
    }

    /// MySQL's own client, which every image of it has.
    fn client(&self, statements: &str) -> Command {
        let mut client = command("docker", &["exec", &self.container, "mysql", "--host=127.0.0.1", "--user=root"]);
        client.args([&format!("--port={}", self.port), "--batch", "--skip-column-names", "--execute", statements]);
        client
    }
}
