//! Who used the processors, from `/proc`.

use std::fs;
use std::ops::{Range, Sub};

use super::server::Server;

/// `/proc` counts in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor seconds: all so far, or those between two looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    pub(super) server: f64,
    pub(super) mysql: f64,
    /// Of what does not belong to the measurement.
    pub(super) others: f64,
}

impl Effort {
    /// So far, while `server` is measured and `idle` is not.
    pub(super) fn so_far(server: &Server, idle: &Server, mysql: u32) -> Result<Self, String> {
        // User and system time of a process, then those of its children that have ended: wrk is one of ours.
        let of = |process: &str, fields| ticks(&format!("/proc/{process}/stat"), ") ", fields);
        let (server, idle) = (of(&server.pid().to_string(), 11..13)?, of(&idle.pid().to_string(), 11..13)?);
        let (mysql, own) = (of(&mysql.to_string(), 11..13)?, of("self", 11..15)?);
        // User, nice and system.
        let everybody = ticks("/proc/stat", "cpu ", 0..3)?;
        Ok(Self { server, mysql, others: everybody - server - idle - mysql - own })
    }
}

impl Sub for Effort {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            server: self.server - before.server,
            mysql: self.mysql - before.mysql,
            others: self.others - before.others,
        }
    }
}

/// The sum of some of the fields behind a mark, in seconds.
fn ticks(file: &str, mark: &str, fields: Range<usize>) -> Result<f64, String> {
    let text = fs::read_to_string(file).map_err(|why| format!("{file} cannot be read: {why}"))?;
    sum(&text, mark, fields).ok_or_else(|| format!("{file} has no such fields: {text}"))
}

fn sum(text: &str, mark: &str, fields: Range<usize>) -> Option<f64> {
    let behind = text.lines().next()?.rsplit_once(mark)?.1;
    let ticks = behind.split_whitespace().skip(fields.start).take(fields.len()).map(|it| it.parse::<f64>().ok());
    Some(ticks.sum::<Option<f64>>()? / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn the_fields_behind_the_mark_are_added_up() {
        let process = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 9 0\n";
        assert_eq!(sum(process, ") ", 11..13), Some(2.0));
        assert_eq!(sum(process, ") ", 11..15), Some(2.15));
        assert_eq!(sum("cpu  100 200 300 400\ncpu0 1 2 3 4\n", "cpu ", 0..3), Some(6.0));
        assert_eq!(sum("cpu  100 none 300 400\n", "cpu ", 0..3), None);
    }
}
