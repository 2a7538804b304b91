//! Whether what was answered agrees with itself, with the events, and with what is left.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::commands::Command;
use super::counts::counts_were_true_once;
use super::history::{Entry, Fate, Operation};
use super::left::{Event, ItemLeft, Left, TransportLeft};
use super::renamed::{one_name_each, renamed_batches_go_by_their_new_names};
use super::statuses::statuses_move_along_the_edges;

/// Everything in the history that does not agree with itself, with the events, or with what is left.
pub fn faults(entries: &[Entry], left: &Left) -> Vec<String> {
    let mut faults = Vec::new();
    renamed_batches_go_by_their_new_names(entries, left, &mut faults);
    let (entries, left) = &one_name_each(entries, left);
    let operations = Operation::all(entries);
    nothing_fails(entries, &mut faults);
    each_key_acts_once(entries, &mut faults);
    who_is_acknowledged_is_there(&operations, left, &mut faults);
    who_is_acknowledged_is_told_of(&operations, left, &mut faults);
    answers_tell_of_what_was_asked(&operations, &mut faults);
    fates_were_asked_for(&operations, left, &mut faults);
    statuses_move_along_the_edges(&operations, &mut faults);
    nobody_undoes_what_one_alone_decided(&operations, left, &mut faults);
    each_registration_is_one_item(left, &mut faults);
    damaged_and_lost_items_stay_behind(&operations, left, &mut faults);
    counts_were_true_once(entries, &operations, left, &mut faults);
    faults
}

fn nothing_fails(entries: &[Entry], faults: &mut Vec<String>) {
    let failed = |it: &&Entry| it.status.is_some_and(|status| status >= 500 && !(status == 503 && it.says_when));
    faults.extend(entries.iter().filter(failed).map(|it| format!("it fails: {it:?}")));
}

/// One key has one effect, and one answer.
fn each_key_acts_once(entries: &[Entry], faults: &mut Vec<String>) {
    let mut answers: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().filter(|it| it.is_final()) {
        if let Some(key) = &entry.key {
            answers.entry(key).or_default().push(entry);
        }
    }
    for (key, answers) in answers {
        if answers.iter().filter(|it| !it.is_replayed).count() > 1 {
            faults.push(format!("{key} acts more than once: {answers:?}"));
        }
        // A refusal names the request that it answers.
        let told = |it: &Entry| {
            let mut body = it.body.clone();
            if let Some(fields) = body.as_object_mut() {
                fields.remove("correlation_id");
            }
            (it.status, body)
        };
        if answers.windows(2).any(|pair| told(pair[0]) != told(pair[1])) {
            faults.push(format!("{key} has more than one answer: {answers:?}"));
        }
    }
}

/// What must be there of one kind of thing.
#[derive(Default)]
struct Kept {
    there: BTreeSet<String>,
    /// What was deleted, as somebody was told.
    gone: BTreeSet<String>,
    /// What somebody may have deleted.
    perhaps_gone: BTreeSet<String>,
    /// How many may have been made without anybody knowing their names.
    perhaps_made: usize,
}

impl Kept {
    fn made(&mut self, operation: &Operation<'_>, name: impl Fn(&Entry) -> String, faults: &mut Vec<String>) {
        match operation.fate {
            Fate::Acknowledged(told) => {
                if !self.there.insert(name(told)) {
                    faults.push(format!("it is made twice: {operation:?}"));
                }
            }
            Fate::Unknown => self.perhaps_made += 1,
            Fate::Refused => {}
        }
    }

    fn gone(&mut self, operation: &Operation<'_>, name: &str, faults: &mut Vec<String>) {
        match operation.fate {
            Fate::Acknowledged(_) => {
                if !self.there.remove(name) {
                    faults.push(format!("it goes twice: {operation:?}"));
                }
                self.gone.insert(name.to_owned());
            }
            Fate::Unknown => _ = self.perhaps_gone.insert(name.to_owned()),
            Fate::Refused => {}
        }
    }

    fn compare(&self, what: &str, left: &BTreeSet<String>, faults: &mut Vec<String>) {
        let lost: Vec<_> = self.there.difference(left).filter(|it| !self.perhaps_gone.contains(*it)).collect();
        if !lost.is_empty() {
            faults.push(format!("{what} that were acknowledged are not there: {lost:?}"));
        }
        let kept: Vec<_> = left.intersection(&self.gone).collect();
        if !kept.is_empty() {
            faults.push(format!("{what} are still there whose deletion was acknowledged: {kept:?}"));
        }
        let more: Vec<_> = left.difference(&self.there).filter(|it| !self.gone.contains(*it)).collect();
        if more.len() > self.perhaps_made {
            faults.push(format!("{what} are there that nobody made, {} at most: {more:?}", self.perhaps_made));
        }
    }
}

/// What is left is what was made and not deleted, as far as anybody knows: nothing else, and nothing less.
fn who_is_acknowledged_is_there(operations: &[Operation<'_>], left: &Left, faults: &mut Vec<String>) {
    let [mut items, mut batches, mut transports, mut centers] = [(); 4].map(|()| Kept::default());
    for operation in operations {
        match operation.command {
            Command::Register { .. } => items.made(operation, |it| it.text("tracking_number"), faults),
            Command::OpenBatch => batches.made(operation, |it| it.text("alias"), faults),
            Command::Plan { .. } => transports.made(operation, |it| it.text("uuid").replace('-', ""), faults),
            Command::OpenCenter { code } => centers.made(operation, |_| code.clone(), faults),
            _ => {}
        }
    }
    for operation in operations {
        match operation.command {
            Command::DeleteItem { item } => items.gone(operation, item, faults),
            Command::DeleteBatch { alias } => batches.gone(operation, alias, faults),
            Command::DeleteTransport { transport } => transports.gone(operation, &transport.replace('-', ""), faults),
            Command::CloseCenter { code, .. } => centers.gone(operation, code, faults),
            _ => {}
        }
    }
    items.compare("items", &left.items.keys().cloned().collect(), faults);
    batches.compare("batches", &left.batches, faults);
    transports.compare("transports", &left.transports.keys().cloned().collect(), faults);
    centers.compare("centers", &left.centers, faults);
}

/// The event that a command announces, and what it names: each of them has one, unless it was so already.
fn announces(command: &Command) -> Option<(&'static str, BTreeSet<(String, String)>)> {
    let in_batch = |items: &[String], alias: &str| items.iter().map(|it| (it.clone(), alias.to_owned())).collect();
    let on_transport = |what: &str, transport: &str| (what.to_owned(), transport.replace('-', ""));
    match command {
        Command::Pack { alias, items } => Some(("ItemAddedToBatch", in_batch(items, alias))),
        Command::Unpack { alias, items } => Some(("ItemRemovedFromBatch", in_batch(items, alias))),
        Command::Load { transport, aliases } => {
            Some(("BatchAddedToTransport", aliases.iter().map(|it| on_transport(it, transport)).collect()))
        }
        Command::Start { transport, .. } => Some(("TransportStarted", [on_transport("", transport)].into())),
        Command::Complete { transport } => Some(("TransportComplete", [on_transport("", transport)].into())),
        _ => None,
    }
}

/// What an event names, in the same words.
pub(super) fn named(event: &Event) -> (String, String) {
    match event.name.as_str() {
        "ItemAddedToBatch" | "ItemRemovedFromBatch" => {
            (event.tells("item_tracking_number").to_owned(), event.tells("batch_alias").to_owned())
        }
        _ => (event.tells("batch_alias").to_owned(), event.tells("transport_uuid").to_owned()),
    }
}

/// What was acknowledged was told, all of it in one go; what was refused was not; what nobody knows was, or was not, but never
/// in part. And nothing was told that nobody asked for.
fn who_is_acknowledged_is_told_of(operations: &[Operation<'_>], left: &Left, faults: &mut Vec<String>) {
    let mut told: HashMap<&str, Vec<&Event>> = HashMap::new();
    for event in &left.events {
        told.entry(&event.request).or_default().push(event);
    }
    for operation in operations {
        let mut of_attempts: Vec<_> = operation
            .attempts
            .iter()
            .filter_map(|attempt| Some((*attempt, told.remove(attempt.request.as_str())?)))
            .collect();
        if of_attempts.len() > 1 {
            faults.push(format!("it was announced by more than one attempt: {of_attempts:?}"));
        }
        let (attempt, events) = of_attempts.pop().unzip();
        let events = events.unwrap_or_default();
        let may_act = |it: &Entry| it.is_unknown() || it.succeeded() && !it.is_replayed;
        let Some((name, wanted)) = announces(operation.command).filter(|_| operation.may_have_acted()) else {
            if !events.is_empty() {
                faults.push(format!("something was announced: {operation:?} {events:?}"));
            }
            continue;
        };
        if attempt.is_some_and(|it| !may_act(it)) {
            faults.push(format!("it was announced by an attempt that did nothing: {operation:?} {events:?}"));
        }
        if events.is_empty() && matches!(operation.fate, Fate::Unknown) {
            continue;
        }
        let found: BTreeSet<_> = events.iter().map(|it| named(it)).collect();
        if events.iter().any(|it| it.name != name) || found.len() != events.len() || !found.is_subset(&wanted) {
            faults.push(format!("what was announced is not what was asked: {operation:?} {events:?}"));
        }
        let position = events.first().map(|it| it.position);
        let silent = wanted.difference(&found).filter(|it| !was_so_already(name, it, position, left));
        faults.extend(silent.map(|it| format!("nobody was told of {it:?}: {operation:?}")));
    }
    faults.extend(told.into_values().map(|it| format!("nobody asked for {it:?}")));
}

/// Whether what `wanted` names needed no event: it was so before the others were announced, at some time if there are none.
fn was_so_already(name: &str, wanted: &(String, String), before: Option<u64>, left: &Left) -> bool {
    let told: Vec<_> = left.events.iter().filter(|it| named(it) == *wanted).collect();
    match (name, before) {
        ("ItemAddedToBatch", Some(before)) => {
            let last = told.iter().rfind(|it| it.position < before);
            last.is_some_and(|it| it.name == "ItemAddedToBatch")
        }
        ("ItemRemovedFromBatch", Some(before)) => {
            let last = told.iter().rfind(|it| it.position < before);
            last.is_none_or(|it| it.name == "ItemRemovedFromBatch")
        }
        ("ItemAddedToBatch" | "BatchAddedToTransport", _) => told.iter().any(|it| it.name == name),
        ("ItemRemovedFromBatch", None) => true,
        _ => false,
    }
}

/// What acknowledges a command tells of what was asked: of the driver, or of everything that was named. Something that was
/// named twice may be told of once or twice.
fn answers_tell_of_what_was_asked(operations: &[Operation<'_>], faults: &mut Vec<String>) {
    for operation in operations {
        let Some(told) = operation.acknowledged() else { continue };
        let driver = || told.body["driver"]["uuid"].as_str().unwrap_or_default().replace('-', "");
        let is_told = match operation.command {
            Command::Start { driver: asked, .. } | Command::Replan { driver: Some(asked), .. } => {
                driver() == asked.replace('-', "")
            }
            Command::Complete { .. } => !driver().is_empty(),
            Command::Pack { items, .. } | Command::Unpack { items, .. } => told.lists("tracking_number", items),
            Command::Load { aliases, .. } => told.lists("alias", aliases),
            _ => true,
        };
        if !is_told {
            faults.push(format!("the answer does not tell of what was asked: {operation:?}"));
        }
    }
}

/// What an item became by hand, somebody asked for; and what was delivered stays so.
fn fates_were_asked_for(operations: &[Operation<'_>], left: &Left, faults: &mut Vec<String>) {
    let mut asked = BTreeSet::new();
    let mut delivered = BTreeSet::new();
    for operation in operations {
        let Command::SetStatus { item, status } = operation.command else { continue };
        if operation.may_have_acted() {
            asked.insert((item.as_str(), *status));
        }
        if *status == "COMPLETED" && operation.acknowledged().is_some() {
            delivered.insert(item.as_str());
        }
    }
    for (number, ItemLeft { status, .. }) in &left.items {
        let by_hand = matches!(status.as_str(), "COMPLETED" | "DAMAGED" | "LOST");
        if by_hand && !asked.contains(&(number.as_str(), status.as_str())) {
            faults.push(format!("nobody asked for {number} to be {status}"));
        }
        if status != "COMPLETED" && delivered.contains(number.as_str()) {
            faults.push(format!("{number} was delivered, and is {status}"));
        }
    }
}

/// An item that one command alone said to be damaged or lost stays so, whatever is done with its batch; and a transport that
/// one command alone planned anew goes where that said, and is driven by whom that said until somebody starts it.
fn nobody_undoes_what_one_alone_decided(operations: &[Operation<'_>], left: &Left, faults: &mut Vec<String>) {
    let mut decisions: BTreeMap<String, Vec<&Operation<'_>>> = BTreeMap::new();
    for operation in operations.iter().filter(|it| it.may_have_acted()) {
        match operation.command {
            Command::SetStatus { item, .. } => decisions.entry(item.clone()).or_default().push(operation),
            Command::Replan { transport, .. } => {
                decisions.entry(transport.replace('-', "")).or_default().push(operation);
            }
            _ => {}
        }
    }
    for (what, decided) in decisions {
        let [only] = decided.as_slice() else { continue };
        if only.acknowledged().is_none() {
            continue;
        }
        let (asked, found) = match only.command {
            Command::SetStatus { status: status @ ("DAMAGED" | "LOST"), .. } => {
                (*status, left.items.get(&what).map(|it| it.status.as_str()))
            }
            Command::Replan { destination, driver, .. } => {
                let left = left.transports.get(&what);
                let drives = left.and_then(|it| it.planned_driver.clone());
                if let Some(asked) = driver.as_ref().map(|it| it.replace('-', ""))
                    && drives.as_ref().is_some_and(|it| *it != asked)
                {
                    faults.push(format!(
                        "{what} was to be driven by {asked}, which nobody changed, and is by {drives:?}"
                    ));
                }
                (destination.as_str(), left.map(|TransportLeft { destination, .. }| destination.as_str()))
            }
            _ => continue,
        };
        if found.is_some_and(|it| it != asked) {
            faults.push(format!("{what} was to be {asked}, which nobody changed, and is {found:?}"));
        }
    }
}

/// Every registration has a number of its own, and makes one item, however often it is tried.
fn each_registration_is_one_item(left: &Left, faults: &mut Vec<String>) {
    let mut by_sku: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (number, item) in &left.items {
        by_sku.entry(&item.sku).or_default().push(number);
    }
    let twice = by_sku.into_iter().filter(|(_, items)| items.len() > 1);
    faults.extend(twice.map(|(sku, items)| format!("one registration of {sku} made {items:?}")));
}

/// What was damaged or lost before the only transport it was on was completed, and stayed so, was not moved by it.
fn damaged_and_lost_items_stay_behind(operations: &[Operation<'_>], left: &Left, faults: &mut Vec<String>) {
    let mut completions = HashMap::new();
    let mut changes: HashMap<&str, Vec<&Operation<'_>>> = HashMap::new();
    for operation in operations.iter().filter(|it| it.may_have_acted()) {
        match operation.command {
            Command::Complete { transport } => {
                let first = completions.entry(transport.replace('-', "")).or_insert(operation.sent());
                *first = (*first).min(operation.sent());
            }
            Command::SetStatus { item, .. } => changes.entry(item).or_default().push(operation),
            _ => {}
        }
    }
    for (number, item) in &left.items {
        let Some([only]) = changes.get(number.as_str()).map(Vec::as_slice) else { continue };
        let Some(told) = only.acknowledged() else { continue };
        let of_it = left.events.iter().filter(|it| it.tells("item_tracking_number") == number);
        let batches: BTreeSet<_> = of_it.map(|it| it.tells("batch_alias")).collect();
        let on = |it: &&Event| it.name == "BatchAddedToTransport" && batches.contains(it.tells("batch_alias"));
        let mut arrivals = left.events.iter().filter(on).filter_map(|it| completions.get(it.tells("transport_uuid")));
        let is_out = matches!(item.status.as_str(), "DAMAGED" | "LOST");
        if is_out && arrivals.all(|asked| Some(told.answered) < *asked) && item.center.is_some() {
            faults.push(format!("{number} was {} and still moved", item.status));
        }
    }
}
