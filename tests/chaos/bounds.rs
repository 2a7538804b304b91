//! How long and how often things may happen in a run, and how much has to.
//!
//! They are what a busy machine with two cores reaches (docs/adr/0012-chaos.md).

use std::time::Duration;

/// How long events take once nothing fails: who died last has some of them for ten seconds, and what the bus did not take is
/// tried again after a while.
const EVENTS_LAST: Duration = Duration::from_secs(20);

/// How often events may arrive again for each thing that failed.
const DUPLICATES: usize = 10;

/// Whatever does less shows too little: seconds for each kill, and commands for each second.
const SECONDS_PER_KILL: u64 = 10;
const COMMANDS_PER_SECOND: u64 = 20;

/// What is wrong with how events arrived, though all of them did and in order: `drained` after the last of so many failures.
pub(crate) fn late_or_again(drained: Option<Duration>, duplicates: usize, failures: usize) -> Vec<String> {
    let late = match drained {
        None => Some("the outbox does not drain".to_owned()),
        Some(time) => (time > EVENTS_LAST).then(|| format!("events take {time:.1?} once nothing fails")),
    };
    let excused = DUPLICATES * failures;
    let again = (duplicates > excused).then(|| format!("{duplicates} events arrived again, {excused} at most may"));
    late.into_iter().chain(again).collect()
}

/// What happened too seldom in so many seconds.
pub(crate) fn too_little(seconds: u64, kills: usize, commands: usize) -> Vec<String> {
    let wanted = [("kills", kills, seconds / SECONDS_PER_KILL), ("commands", commands, seconds * COMMANDS_PER_SECOND)];
    let missed = wanted.into_iter().filter(|(_, times, least)| u64::try_from(*times).is_ok_and(|it| it < *least));
    missed
        .map(|(what, times, least)| format!("void: {times} {what} in {seconds} s, {least} at least are meant"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_come_late_or_again_and_again_are_told() {
        let told = |seconds, duplicates| late_or_again(Some(Duration::from_secs(seconds)), duplicates, 3).len();
        assert_eq!((told(20, 30), told(21, 30), told(20, 31), told(21, 31)), (0, 1, 1, 2));
        assert_eq!(late_or_again(None, 0, 3), ["the outbox does not drain"]);
    }

    #[test]
    fn a_run_in_which_too_little_happened_is_void() {
        let told = |kills, commands| too_little(75, kills, commands).len();
        assert_eq!((told(7, 1_500), told(6, 1_500), told(7, 1_499), told(0, 0)), (0, 1, 1, 2));
    }
}
