//! Negative controls: the service is broken on purpose, in each way that is known, and has to be found out.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::run::play;
use crate::{Options, Stack};

/// A defect that somebody found out about the hard way.
struct Control {
    /// Which.
    name: &'static str,
    /// What the service is told to do wrong: names of the `Sabotage` of `persistence_adapter` and
    /// `cache_adapter`.
    sabotage: &'static str,
}

/// Each fence that can be taken away, and what it is behind: where two guard the same, both are taken away.
const CONTROLS: &[Control] = &[
    Control { name: "rows are read without FOR UPDATE", sabotage: "NoRowLocks" },
    Control {
        name: "no lock, no version and no unique index keep an item out of a second open batch",
        sabotage: "NoRowLocks,UncheckedVersions,NoOpenIndex",
    },
    Control { name: "an event is kept after its change", sabotage: "EventsAfterCommit" },
    Control { name: "an event is marked as sent before it is", sabotage: "SentBeforeSending" },
    Control { name: "the relay polls by offset", sabotage: "PollByOffset" },
    Control { name: "relays claim rows, not aggregates", sabotage: "RowsClaimedAlone" },
    Control { name: "a relay that lost its lease settles all the same", sabotage: "NoFence" },
    Control { name: "the idempotency key is kept after the change", sabotage: "KeyAfterCommit" },
    Control { name: "a command is tried again without its key", sabotage: "RetryWithoutKey" },
    Control { name: "states change whatever they are by then", sabotage: "NoRowLocks,UncheckedVersions" },
    Control { name: "one command is several transactions", sabotage: "CommandsInParts" },
    Control {
        name: "what was read at REPEATABLE READ is written back",
        sabotage: "RepeatableRead,NoRowLocks,UncheckedVersions",
    },
    Control { name: "a view stays in Redis when it is true no more", sabotage: "NoEvictions" },
];

/// Each control gets no longer than this.
const LONGEST: u64 = 60;
/// Most are found long before.
const SHORT: u64 = 20;

/// `cargo xtask chaos --controls`
pub(crate) async fn all(options: &Options) -> Result<(), String> {
    if options.database != Stack::Mysql {
        return Err("what is taken away here is what MySQL needs".to_owned());
    }
    let mut missed = Vec::new();
    for Control { name, sabotage } in CONTROLS {
        if let Some((checks, after)) = caught(options, sabotage).await? {
            println!("caught by {checks} within {} s: {name}", after.as_secs());
        } else {
            println!("MISSED: {name}");
            missed.push(*name);
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(format!("nothing noticed that {}", missed.join(", nor that "))) }
}

/// Which checks noticed, and within how many seconds of failures.
async fn caught(options: &Options, sabotage: &str) -> Result<Option<(String, Duration)>, String> {
    for seconds in [SHORT, LONGEST] {
        let options = Options { seconds, ..options.clone() };
        let (verdict, folder) = play(&options, Some(sabotage)).await?;
        let checks: BTreeSet<&str> = verdict.faults.iter().map(|(check, _)| *check).collect();
        if let Some((_, fault)) = verdict.faults.first() {
            let fault: String = fault.chars().take(160).collect();
            println!("  {} faults, like: {fault}", verdict.faults.len());
            // What was broken on purpose needs no autopsy; that a folder stays is no harm.
            let _ = std::fs::remove_dir_all(folder);
            let checks: Vec<_> = checks.into_iter().collect();
            return Ok(Some((checks.join(", "), options.time())));
        }
    }
    Ok(None)
}
