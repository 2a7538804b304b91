//! What was asked and answered, and whether that agrees with what happened.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use serde_json::Value;
use support::app::Answer;
use tokio::time::Instant;

use super::commands::Command;
use super::left::{Event, ItemLeft, Left};

/// A command, when it was given, and what was answered.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) command: Command,
    pub(super) key: Option<String>,
    pub(super) sent: Instant,
    pub(super) answered: Instant,
    /// The correlation id, by which events know the request.
    pub(super) request: String,
    pub(super) status: u16,
    /// Whether it says when to come back.
    pub(super) says_when: bool,
    pub(super) is_replayed: bool,
    /// The code of the first refusal.
    pub(super) code: String,
    pub(super) body: Value,
}

impl Entry {
    pub(super) fn of(command: Command, key: Option<&str>, sent: Instant, answer: Answer) -> Self {
        let header =
            |name: &str| answer.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
        let code = answer.body["errors"][0]["code"].as_str().or(answer.body["code"].as_str()).unwrap_or_default();
        Self {
            command,
            key: key.map(ToOwned::to_owned),
            sent,
            answered: Instant::now(),
            request: header("correlation-id"),
            status: answer.status.as_u16(),
            says_when: answer.headers.contains_key("retry-after"),
            is_replayed: header("idempotent-replayed") == "true",
            code: code.to_owned(),
            body: answer.body,
        }
    }

    fn succeeded(&self) -> bool {
        self.status < 300
    }

    /// Whether this very request did something, and not one before it.
    fn acted(&self) -> bool {
        self.succeeded() && !self.is_replayed
    }

    /// Whether the answer is the one that every repetition gets.
    fn is_final(&self) -> bool {
        self.status < 500 && !matches!(self.status, 403 | 408 | 409 | 429)
    }

    fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_default().to_owned()
    }
}

/// What all clients asked.
#[derive(Default)]
pub(super) struct History(Mutex<Vec<Entry>>);

impl History {
    pub(super) fn add(&self, entry: Entry) {
        self.0.lock().expect("nobody panicked with it").push(entry);
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.0.lock().expect("nobody panicked with it").clone()
    }
}

/// Everything in the history that does not agree with itself, with the events, or with what is left.
pub(super) fn faults(entries: &[Entry], left: &Left) -> Vec<String> {
    let mut faults = Vec::new();
    nothing_fails(entries, &mut faults);
    each_key_acts_once(entries, &mut faults);
    who_is_acknowledged_is_there(entries, left, &mut faults);
    who_is_acknowledged_is_told_of(entries, left, &mut faults);
    fates_were_asked_for(entries, left, &mut faults);
    damaged_and_lost_items_stay_behind(entries, left, &mut faults);
    counts_were_true_once(entries, left, &mut faults);
    faults
}

fn nothing_fails(entries: &[Entry], faults: &mut Vec<String>) {
    let failed = |it: &&Entry| it.status >= 500 && !(it.status == 503 && it.says_when);
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

/// What is left is what was made and not deleted, each acknowledged: nothing else, and nothing less.
fn who_is_acknowledged_is_there(entries: &[Entry], left: &Left, faults: &mut Vec<String>) {
    let mut items = BTreeSet::new();
    let mut batches = BTreeSet::new();
    let mut transports = BTreeSet::new();
    let mut centers = BTreeSet::new();
    for entry in entries.iter().filter(|it| it.acted()) {
        let is_new = match &entry.command {
            Command::Register => items.insert(entry.text("tracking_number")),
            Command::OpenBatch => batches.insert(entry.text("alias")),
            Command::Plan { .. } => transports.insert(entry.text("uuid").replace('-', "")),
            Command::OpenCenter { code } => centers.insert(code.clone()),
            _ => true,
        };
        if !is_new {
            faults.push(format!("it is made twice: {entry:?}"));
        }
    }
    for entry in entries.iter().filter(|it| it.acted()) {
        let was_there = match &entry.command {
            Command::DeleteItem { item } => items.remove(item),
            Command::DeleteBatch { alias } => batches.remove(alias),
            Command::DeleteTransport { transport } => transports.remove(&transport.replace('-', "")),
            Command::CloseCenter { code, .. } => centers.remove(code),
            _ => true,
        };
        if !was_there {
            faults.push(format!("it goes twice: {entry:?}"));
        }
    }
    let left_items = left.items.keys().cloned().collect();
    for (what, acknowledged, left) in [
        ("items", &items, &left_items),
        ("batches", &batches, &left.batches),
        ("transports", &transports, &left.transports),
        ("centers", &centers, &left.centers),
    ] {
        let odd: Vec<_> = acknowledged.symmetric_difference(left).collect();
        if !odd.is_empty() {
            faults.push(format!("{what} that are there and should not be, or the other way round: {odd:?}"));
        }
    }
}

/// The event that a command announces, and what it names: each of them has one, unless it was so already.
fn announces(command: &Command) -> Option<(&'static str, Vec<(&str, &str)>)> {
    match command {
        Command::Pack { alias, items } => {
            Some(("ItemAddedToBatch", items.iter().map(|it| (it.as_str(), alias.as_str())).collect()))
        }
        Command::Unpack { alias, items } => {
            Some(("ItemRemovedFromBatch", items.iter().map(|it| (it.as_str(), alias.as_str())).collect()))
        }
        Command::Load { transport, aliases } => {
            Some(("BatchAddedToTransport", aliases.iter().map(|it| (it.as_str(), transport.as_str())).collect()))
        }
        Command::Start { transport, .. } => Some(("TransportStarted", vec![("", transport)])),
        Command::Complete { transport } => Some(("TransportComplete", vec![("", transport)])),
        _ => None,
    }
}

/// What an event names, in the same words.
fn named(event: &Event) -> (String, String) {
    match event.name.as_str() {
        "ItemAddedToBatch" | "ItemRemovedFromBatch" => {
            (event.tells("item_tracking_number").to_owned(), event.tells("batch_alias").to_owned())
        }
        _ => (event.tells("batch_alias").to_owned(), event.tells("transport_uuid").to_owned()),
    }
}

/// What was acknowledged was told, all of it in one go; what was refused was not, and nothing was told that nobody asked for.
fn who_is_acknowledged_is_told_of(entries: &[Entry], left: &Left, faults: &mut Vec<String>) {
    let mut told: HashMap<&str, Vec<&Event>> = HashMap::new();
    for event in &left.events {
        told.entry(&event.request).or_default().push(event);
    }
    for entry in entries {
        let events = told.remove(entry.request.as_str()).unwrap_or_default();
        let Some((name, wanted)) = announces(&entry.command).filter(|_| entry.acted()) else {
            if !events.is_empty() {
                faults.push(format!("something was announced: {entry:?} {events:?}"));
            }
            continue;
        };
        let wanted: BTreeSet<_> = wanted.into_iter().map(|(what, of)| (what.to_owned(), of.replace('-', ""))).collect();
        let wanted: BTreeSet<_> = match &entry.command {
            // An alias may have a dash, and stays as it is.
            Command::Pack { alias, .. } | Command::Unpack { alias, .. } => {
                wanted.into_iter().map(|(what, _)| (what, alias.clone())).collect()
            }
            _ => wanted,
        };
        let found: BTreeSet<_> = events.iter().map(|it| named(it)).collect();
        if events.iter().any(|it| it.name != name) || found.len() != events.len() || !found.is_subset(&wanted) {
            faults.push(format!("what was announced is not what was asked: {entry:?} {events:?}"));
        }
        let missing = wanted.difference(&found);
        let position = events.first().map(|it| it.position);
        let silent = missing.filter(|it| !was_so_already(name, it, position, left));
        faults.extend(silent.map(|it| format!("nobody was told of {it:?}: {entry:?}")));
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

/// What an item became by hand, somebody asked for; and what was delivered stays so.
fn fates_were_asked_for(entries: &[Entry], left: &Left, faults: &mut Vec<String>) {
    let mut asked = BTreeSet::new();
    for entry in entries.iter().filter(|it| it.acted()) {
        if let Command::SetStatus { item, status } = &entry.command {
            asked.insert((item.as_str(), *status));
        }
    }
    for (number, ItemLeft { status, .. }) in &left.items {
        let by_hand = matches!(status.as_str(), "COMPLETED" | "DAMAGED" | "LOST");
        if by_hand && !asked.contains(&(number.as_str(), status.as_str())) {
            faults.push(format!("nobody asked for {number} to be {status}"));
        }
        if status != "COMPLETED" && asked.contains(&(number.as_str(), "COMPLETED")) {
            faults.push(format!("{number} was delivered, and is {status}"));
        }
    }
}

/// What was damaged or lost before the only transport it was on was completed, and stayed so, was not moved by it.
fn damaged_and_lost_items_stay_behind(entries: &[Entry], left: &Left, faults: &mut Vec<String>) {
    let completions: HashMap<String, Instant> = entries
        .iter()
        .filter(|it| it.acted())
        .filter_map(|it| match &it.command {
            Command::Complete { transport } => Some((transport.replace('-', ""), it.sent)),
            _ => None,
        })
        .collect();
    for (number, item) in &left.items {
        let changes: Vec<_> = entries
            .iter()
            .filter(|it| it.acted())
            .filter(|it| matches!(&it.command, Command::SetStatus { item, .. } if item == number))
            .collect();
        let [only] = changes[..] else { continue };
        let of_it = left.events.iter().filter(|it| it.tells("item_tracking_number") == number);
        let batches: BTreeSet<_> = of_it.map(|it| it.tells("batch_alias")).collect();
        let on = |it: &&Event| it.name == "BatchAddedToTransport" && batches.contains(it.tells("batch_alias"));
        let arrivals = left.events.iter().filter(on).filter_map(|it| completions.get(it.tells("transport_uuid")));
        let is_out = matches!(item.status.as_str(), "DAMAGED" | "LOST");
        if is_out && arrivals.into_iter().all(|completed| only.answered < *completed) && item.center.is_some() {
            faults.push(format!("{number} was {} and still moved", item.status));
        }
    }
}

/// From when to when something may have begun and ended: within the requests that did it.
struct Stay<'h> {
    begins: &'h Entry,
    ends: Option<&'h Entry>,
}

/// How many batches a transport carries, and how many items a batch holds, was so at some moment while it was asked.
fn counts_were_true_once(entries: &[Entry], left: &Left, faults: &mut Vec<String>) {
    let by_request: HashMap<_, _> = entries.iter().map(|it| (it.request.as_str(), it)).collect();
    let deleted: HashMap<_, _> = entries
        .iter()
        .filter(|it| it.acted())
        .filter_map(|it| match &it.command {
            Command::DeleteItem { item } => Some((item.as_str(), it)),
            _ => None,
        })
        .collect();
    let mut stays: HashMap<String, BTreeMap<String, Vec<Stay<'_>>>> = HashMap::new();
    for event in &left.events {
        let Some(of) = by_request.get(event.request.as_str()) else { continue };
        let (what, place) = named(event);
        let here = stays.entry(place).or_default().entry(what.clone()).or_default();
        match event.name.as_str() {
            "ItemRemovedFromBatch" => {
                if let Some(last) = here.last_mut() {
                    last.ends = Some(of);
                }
            }
            "ItemAddedToBatch" | "BatchAddedToTransport" => {
                here.push(Stay { begins: of, ends: deleted.get(what.as_str()).copied() });
            }
            _ => {}
        }
    }
    for entry in entries.iter().filter(|it| it.succeeded()) {
        let (place, count) = match &entry.command {
            Command::SeeTransport { transport } => (transport.replace('-', ""), &entry.body["batch_count"]),
            Command::SeeItemsOf { alias } => (alias.clone(), &entry.body["count"]),
            _ => continue,
        };
        let count = usize::try_from(count.as_u64().expect("a count")).expect("a small one");
        let none = BTreeMap::new();
        let here = stays.get(&place).unwrap_or(&none);
        let surely =
            |it: &Stay<'_>| it.begins.answered <= entry.sent && it.ends.is_none_or(|ends| ends.sent >= entry.answered);
        let perhaps =
            |it: &Stay<'_>| it.begins.sent <= entry.answered && it.ends.is_none_or(|ends| ends.answered >= entry.sent);
        let least = here.values().filter(|it| it.iter().any(surely)).count();
        let most = here.values().filter(|it| it.iter().any(perhaps)).count();
        if !(least..=most).contains(&count) {
            faults.push(format!("{least} to {most} are there, and {count} are said to be: {entry:?}"));
        }
    }
}
