//! The load: wrk, which asks as fast as it is answered.

use std::process::Stdio;

use super::Options;
use super::questions::Question;
use super::server::Server;
use crate::docker::is_root;
use crate::process::{command, output, run};

const SCRIPT: &str = "xtask/src/bench/load.lua";

/// How a load was answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answers {
    pub(super) count: f64,
    pub(super) seconds: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// Installs wrk if it is missing and this user may.
pub(super) fn install() -> Result<(), String> {
    let mut search = command("sh", &["-c", "command -v wrk"]);
    if search.stdout(Stdio::null()).status().is_ok_and(|it| it.success()) {
        return Ok(());
    }
    if !is_root() {
        return Err("wrk is not installed (Debian's package is `wrk`)".into());
    }
    run(command("apt-get", &["update", "-q"]))?;
    run(command("apt-get", &["install", "-y", "-q", "--no-install-recommends", "wrk"]))
}

/// Asks for some seconds, from two threads. One answer that is no success makes all of them void.
///
/// As a batch job, wrk does not interrupt a server on the same processor as soon as there is an answer to read (sched(7)), as
/// no client elsewhere could.
pub(super) fn ask(
    server: &Server,
    question: &Question,
    credential: &str,
    options: &Options,
    seconds: u64,
) -> Result<Answers, String> {
    let Question { name, method, path, body, floor_path, .. } = question;
    let path = floor_path.filter(|_| server.name == "floor").unwrap_or(path);
    let mut wrk = command("chrt", &["--batch", "0", "wrk", "--threads", "2", "--script", SCRIPT]);
    wrk.args(["--connections", &options.connections.to_string(), "--duration", &seconds.to_string()]);
    wrk.args([&server.url(), "--", method, path, body, &options.items.to_string(), credential]);
    let said = output(wrk)?;
    let (answers, failures) = said.lines().find_map(read).ok_or_else(|| format!("wrk measured nothing: {said}"))?;
    if failures > 0.0 {
        let server = server.name;
        return Err(format!("{name}: {failures} of {} answers of {server} were no success", answers.count));
    }
    Ok(answers)
}

/// Reads `measured <answers> <microseconds> <failures> <p50> <p99>`.
fn read(line: &str) -> Option<(Answers, f64)> {
    let numbers: Vec<f64> = line.strip_prefix("measured ")?.split(' ').map_while(|it| it.parse().ok()).collect();
    let [count, took, failures, p50, p99] = numbers[..] else { return None };
    Some((Answers { count, seconds: took / 1e6, p50_ms: p50 / 1e3, p99_ms: p99 / 1e3 }, failures))
}

#[cfg(test)]
mod tests {
    use super::{Answers, read};

    #[test]
    fn only_the_line_of_the_script_is_read() {
        let answers = Answers { count: 8000.0, seconds: 4.0, p50_ms: 1.5, p99_ms: 12.0 };
        assert_eq!(read("measured 8000 4000000 3 1500 12000"), Some((answers, 3.0)));
        for other in ["Running 4s test @ http://127.0.0.1", "measured 8000 4000000", "measured a b c d e"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
