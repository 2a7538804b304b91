//! Whether what was counted for a reader was so at some moment while they asked.

use std::collections::{BTreeMap, HashMap};

use super::commands::Command;
use super::faults::named;
use super::history::{Entry, Fate, Operation};
use super::left::Left;

/// From when to when something may have begun and ended: within the attempts that did it.
struct Stay<'h> {
    begins: &'h Entry,
    ends: Option<&'h Entry>,
}

impl Stay<'_> {
    /// It lasted all the while that somebody read.
    fn is_sure(&self, read: &Entry) -> bool {
        self.begins.has_acted_before(read.sent) && self.ends.is_none_or(|ends| ends.sent >= read.answered)
    }

    /// It may have been so at some moment while somebody read.
    fn is_possible(&self, read: &Entry) -> bool {
        self.begins.sent <= read.answered && !self.ends.is_some_and(|ends| ends.has_acted_before(read.sent))
    }
}

/// Who was where: by the place, what, and its stays there.
type Stays<'h> = HashMap<String, BTreeMap<String, Vec<Stay<'h>>>>;

/// How many batches a transport carries, and how many items a batch holds, was so at some moment while it was asked.
pub(super) fn counts_were_true_once(
    entries: &[Entry],
    operations: &[Operation<'_>],
    left: &Left,
    faults: &mut Vec<String>,
) {
    let stays = stays(entries, operations, left);
    for read in entries.iter().filter(|it| it.succeeded()) {
        let (place, count) = match &read.command {
            Command::SeeTransport { transport } => (transport.replace('-', ""), &read.body["batch_count"]),
            Command::SeeItemsOf { alias } => (alias.clone(), &read.body["count"]),
            _ => continue,
        };
        let Some(count) = count.as_u64().and_then(|it| usize::try_from(it).ok()) else {
            faults.push(format!("there is no count: {read:?}"));
            continue;
        };
        let none = BTreeMap::new();
        let here = stays.get(&place).unwrap_or(&none);
        let least = here.values().filter(|it| it.iter().any(|stay| stay.is_sure(read))).count();
        let most = here.values().filter(|it| it.iter().any(|stay| stay.is_possible(read))).count();
        if !(least..=most).contains(&count) {
            faults.push(format!("{least} to {most} are there, and {count} are said to be: {read:?}"));
        }
    }
}

fn stays<'h>(entries: &'h [Entry], operations: &[Operation<'h>], left: &Left) -> Stays<'h> {
    let by_request: HashMap<_, _> = entries.iter().map(|it| (it.request.as_str(), it)).collect();
    let deleted = deletions(operations, left);
    let mut stays = Stays::new();
    for event in &left.events {
        let Some(attempt) = by_request.get(event.request.as_str()) else { continue };
        let (what, place) = named(event);
        let here = stays.entry(place).or_default().entry(what.clone()).or_default();
        match event.name.as_str() {
            "ItemRemovedFromBatch" => {
                if let Some(last) = here.last_mut() {
                    last.ends = Some(attempt);
                }
            }
            "ItemAddedToBatch" | "BatchAddedToTransport" => {
                here.push(Stay { begins: attempt, ends: deleted.get(what.as_str()).copied() });
            }
            _ => {}
        }
    }
    stays
}

/// Who deleted what is gone: who was told so, or else the first of those who may have done it.
fn deletions<'h>(operations: &[Operation<'h>], left: &Left) -> HashMap<&'h str, &'h Entry> {
    let mut deletions: HashMap<&str, &Entry> = HashMap::new();
    for operation in operations {
        let Command::DeleteItem { item } = operation.command else { continue };
        if left.items.contains_key(item) {
            continue;
        }
        match (operation.fate, operation.attempts.first()) {
            (Fate::Acknowledged(told), _) => drop(deletions.insert(item, told)),
            (Fate::Unknown, Some(first)) => {
                let by = deletions.entry(item).or_insert(first);
                if by.is_unknown() && first.sent < by.sent {
                    *by = first;
                }
            }
            (Fate::Unknown, None) | (Fate::Refused, _) => {}
        }
    }
    deletions
}
