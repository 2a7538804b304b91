//! Whether items became what they may become.

use std::collections::{BTreeMap, BTreeSet};

use super::commands::Command;
use super::history::Operation;

/// Whether an item may become `to` by hand when it is `from`.
fn is_an_edge(from: &str, to: &str) -> bool {
    matches!(
        (from, to),
        ("CREATED" | "DAMAGED" | "LOST", "MOVING")
            | ("CREATED" | "MOVING", "DAMAGED" | "LOST")
            | ("MOVING" | "DAMAGED" | "LOST", "COMPLETED")
    ) || from == to
}

/// What was acknowledged last that an item is, with nothing else going on, may become what is acknowledged next. A batch makes
/// what was only registered move, and lets it be as it was.
pub(super) fn statuses_move_along_the_edges(operations: &[Operation<'_>], faults: &mut Vec<String>) {
    let mut statuses: BTreeMap<String, Vec<(&str, &Operation<'_>)>> = BTreeMap::new();
    let mut packed = BTreeSet::new();
    for operation in operations.iter().filter(|it| it.may_have_acted()) {
        match operation.command {
            Command::Register { .. } => {
                if let Some(made) = operation.acknowledged() {
                    statuses.entry(made.text("tracking_number")).or_default().push(("CREATED", operation));
                }
            }
            Command::SetStatus { item, status } => {
                statuses.entry(item.clone()).or_default().push((*status, operation));
            }
            Command::Pack { items, .. } => packed.extend(items),
            _ => {}
        }
    }
    let is_before = |one: &Operation<'_>, other: &Operation<'_>| {
        one.acknowledged().is_some_and(|told| Some(told.answered) <= other.sent())
    };
    for (item, mut statuses) in statuses {
        statuses.sort_by_key(|(_, it)| it.sent());
        for (at, pair) in statuses.windows(2).enumerate() {
            let [(from, earlier), (to, later)] = *pair else { continue };
            let nothing_else = statuses[..at].iter().all(|(_, it)| is_before(it, earlier))
                && statuses.get(at + 2).is_none_or(|(_, it)| is_before(later, it));
            if !nothing_else || !is_before(earlier, later) || later.acknowledged().is_none() {
                continue;
            }
            let by_its_batch = if from == "CREATED" && packed.contains(&item) { "MOVING" } else { from };
            if ![from, by_its_batch].iter().any(|it| is_an_edge(it, to)) {
                faults.push(format!("{item} went from {from} to {to}: {earlier:?} {later:?}"));
            }
        }
    }
}
