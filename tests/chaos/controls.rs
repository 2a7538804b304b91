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
    /// What is in the sentences that tell of it; whatever else goes wrong meanwhile does not count.
    noticed_as: &'static [&'static str],
}

/// What is wrong with the data, or with what was said of it: whoever writes over others shows in any of these.
const DATA: &[&str] = &["invariants: ", "history: ", "order: "];
/// What was asked once is done twice, or answered in two ways.
const TWICE: &[&str] = &["history: "];
const LOST: &[&str] = &["deliveries: it was announced, and never arrived"];

/// Each fence that can be taken away, and what it is behind: where two guard the same, both are taken away.
const CONTROLS: &[Control] = &[
    Control { name: "rows are read without FOR UPDATE", sabotage: "NoRowLocks", noticed_as: DATA },
    Control {
        name: "no lock, no version and no unique index keep an item out of a second open batch",
        sabotage: "NoRowLocks,UncheckedVersions,NoOpenIndex",
        noticed_as: DATA,
    },
    Control { name: "an event is kept after its change", sabotage: "EventsAfterCommit", noticed_as: DATA },
    Control { name: "an event is marked as sent before it is", sabotage: "SentBeforeSending", noticed_as: LOST },
    Control { name: "the relay polls by offset", sabotage: "PollByOffset", noticed_as: LOST },
    Control {
        name: "relays claim rows, not aggregates",
        sabotage: "RowsClaimedAlone",
        noticed_as: &[" arrived before "],
    },
    Control { name: "a relay that lost its lease settles all the same", sabotage: "NoFence", noticed_as: &["fence: "] },
    Control { name: "the idempotency key is kept after the change", sabotage: "KeyAfterCommit", noticed_as: TWICE },
    Control { name: "a command is tried again without its key", sabotage: "RetryWithoutKey", noticed_as: TWICE },
    Control {
        name: "states change whatever they are by then",
        sabotage: "NoRowLocks,UncheckedVersions",
        noticed_as: DATA,
    },
    Control { name: "one command is several transactions", sabotage: "CommandsInParts", noticed_as: DATA },
    Control {
        name: "what was read at REPEATABLE READ is written back",
        sabotage: "RepeatableRead,NoRowLocks,UncheckedVersions",
        noticed_as: DATA,
    },
    Control {
        name: "a view stays in Redis when it is true no more",
        sabotage: "NoEvictions",
        noticed_as: &["views: "],
    },
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
    for Control { name, sabotage, noticed_as } in CONTROLS {
        if let Some((checks, after)) = caught(options, sabotage, noticed_as).await? {
            println!("caught by {checks} within {} s: {name}", after.as_secs());
        } else {
            println!("MISSED: {name}");
            missed.push(*name);
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(format!("nothing noticed that {}", missed.join(", nor that "))) }
}

/// Which checks noticed, and within how many seconds of failures.
async fn caught(options: &Options, sabotage: &str, noticed_as: &[&str]) -> Result<Option<(String, Duration)>, String> {
    for seconds in [SHORT, LONGEST] {
        let options = Options { seconds, ..options.clone() };
        let (verdict, folder) = play(&options, Some(sabotage)).await?;
        let faults = verdict.faults.iter().map(|(check, fault)| (*check, format!("{check}: {fault}")));
        let noticed = faults.filter(|(_, fault)| noticed_as.iter().any(|it| fault.contains(it)));
        let noticed: Vec<_> = noticed.collect();
        if let Some((_, fault)) = noticed.first() {
            let fault: String = fault.chars().take(160).collect();
            println!("  {} of {} faults, like: {fault}", noticed.len(), verdict.faults.len());
            // What was broken on purpose needs no autopsy; that a folder stays is no harm.
            let _ = std::fs::remove_dir_all(folder);
            let checks: BTreeSet<_> = noticed.iter().map(|(check, _)| *check).collect();
            return Ok(Some((checks.into_iter().collect::<Vec<_>>().join(", "), options.time())));
        }
    }
    Ok(None)
}
