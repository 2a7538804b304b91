//! What was asked and what is left, made up.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::history::Entry;
use super::super::left::{Event, ItemLeft, Left, TransportLeft};
use super::super::{Command, disorder, faults};

pub(super) const TRANSPORT: &str = "00000000000000000000000000000031";

/// What was asked and what is left, made up.
pub(super) struct Story {
    pub(super) begin: Instant,
    pub(super) entries: Vec<Entry>,
    pub(super) left: Left,
}

impl Story {
    /// Two items are registered and packed, their batch is loaded, and the transport leaves and arrives: one thing each second.
    pub(super) fn of_a_trip() -> Self {
        let mut story = Self { begin: Instant::now(), entries: Vec::new(), left: Left::default() };
        let transport = || TRANSPORT.to_owned();
        for (second, item) in [(0, "shoe"), (1, "hat")] {
            story.done(second, register(item), json!({ "tracking_number": item }));
            let fares = ItemLeft { sku: item.to_owned(), status: "MOVING".to_owned(), center: Some("B".to_owned()) };
            story.left.items.insert(item.to_owned(), fares);
        }
        story.done(2, Command::OpenBatch, json!({ "alias": "box" }));
        story.left.batches.insert("box".to_owned());
        let plan = Command::Plan { source: "A".to_owned(), destination: "B".to_owned(), driver: None };
        story.done(3, plan, json!({ "uuid": TRANSPORT }));
        let to_b = TransportLeft { destination: "B".to_owned(), planned_driver: None };
        story.left.transports.insert(transport(), to_b);
        story.done(4, pack(&["shoe", "hat"]), packed(&["shoe", "hat"]));
        story.told(4, "ItemAddedToBatch", "shoe", 2, json!({ "item_tracking_number": "shoe", "batch_alias": "box" }));
        story.told(4, "ItemAddedToBatch", "hat", 2, json!({ "item_tracking_number": "hat", "batch_alias": "box" }));
        story.done(
            5,
            Command::Load { transport: transport(), aliases: vec!["box".to_owned()] },
            json!([{ "alias": "box" }]),
        );
        story.told(5, "BatchAddedToTransport", "box", 2, json!({ "transport_uuid": TRANSPORT, "batch_alias": "box" }));
        story.done(6, Command::Start { transport: transport(), driver: "eve".to_owned() }, driven_by("eve"));
        story.told(6, "TransportStarted", TRANSPORT, 2, json!({ "transport_uuid": TRANSPORT }));
        story.done(7, Command::Complete { transport: transport() }, driven_by("eve"));
        story.told(7, "TransportComplete", TRANSPORT, 3, json!({ "transport_uuid": TRANSPORT }));
        story
    }

    pub(super) fn moment(&self, milliseconds: u64) -> Instant {
        self.begin + Duration::from_millis(milliseconds)
    }

    /// A command that was given at the beginning of a second, and answered within it.
    pub(super) fn done(&mut self, second: u64, command: Command, body: Value) -> &mut Entry {
        let entry = Entry {
            key: Some(format!("key {second}")),
            sent: self.moment(second * 1_000),
            answered: self.moment(second * 1_000 + 500),
            request: format!("request {second}"),
            status: Some(200),
            says_when: false,
            is_replayed: false,
            code: String::new(),
            body,
            command,
        };
        self.entries.push(entry);
        self.entries.last_mut().unwrap()
    }

    pub(super) fn refused(&mut self, second: u64, command: Command, code: &str) -> &mut Entry {
        let entry = self.done(second, command, Value::Null);
        (entry.status, entry.code) = (Some(400), code.to_owned());
        entry
    }

    pub(super) fn told(&mut self, second: u64, name: &str, aggregate: &str, version: u64, data: Value) {
        let position = self.left.events.len() as u64;
        self.left.events.push(Event {
            id: format!("event {position}"),
            position,
            name: name.to_owned(),
            aggregate: (name.to_owned(), aggregate.to_owned()),
            version,
            request: format!("request {second}"),
            data,
        });
        let transports = self.left.events.iter_mut().filter(|it| it.name.starts_with("Transport"));
        transports.for_each(|it| it.aggregate.0 = "transport".to_owned());
    }

    pub(super) fn nobody_answers(&mut self, second: usize) {
        (self.entries[second].status, self.entries[second].body) = (None, Value::Null);
    }

    pub(super) fn faults(&self) -> Vec<String> {
        faults(&self.entries, &self.left)
    }

    pub(super) fn disorder(&self) -> Vec<String> {
        disorder(&self.entries, &self.left)
    }

    pub(super) fn arrivals(&self) -> Vec<String> {
        self.left.events.iter().map(|it| it.id.clone()).collect()
    }
}

pub(super) fn register(sku: &str) -> Command {
    Command::Register { sku: sku.to_owned() }
}

pub(super) fn set_status(item: &str, status: &'static str) -> Command {
    Command::SetStatus { item: item.to_owned(), status }
}

pub(super) fn rename(alias: &str, to: &str) -> Command {
    Command::RenameBatch { alias: alias.to_owned(), to: to.to_owned() }
}

/// The answer to a command that names a batch.
pub(super) fn called(alias: &str) -> Value {
    json!({ "alias": alias })
}

pub(super) fn pack(items: &[&str]) -> Command {
    Command::Pack { alias: "box".to_owned(), items: items.iter().map(ToString::to_string).collect() }
}

/// The answer to a command that names items.
pub(super) fn packed(items: &[&str]) -> Value {
    items.iter().map(|it| json!({ "tracking_number": it })).collect()
}

/// The answer to a command that names a transport.
pub(super) fn driven_by(driver: &str) -> Value {
    json!({ "driver": { "uuid": driver } })
}

#[track_caller]
pub(super) fn assert_told(faults: &[String], what: &str) {
    assert!(faults.iter().any(|it| it.contains(what)), "{what} is not told: {faults:#?}");
}
