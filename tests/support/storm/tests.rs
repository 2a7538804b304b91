//! A story in which everything is well, and what is said of it when something is not: an offender is planted for each check.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::history::Entry;
use super::left::{Event, ItemLeft, Left, TransportLeft};
use super::{Command, Deliveries, disorder, faults, old_names};

const TRANSPORT: &str = "00000000000000000000000000000031";

/// What was asked and what is left, made up.
struct Story {
    begin: Instant,
    entries: Vec<Entry>,
    left: Left,
}

impl Story {
    /// Two items are registered and packed, their batch is loaded, and the transport leaves and arrives: one thing each second.
    fn of_a_trip() -> Self {
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

    fn moment(&self, milliseconds: u64) -> Instant {
        self.begin + Duration::from_millis(milliseconds)
    }

    /// A command that was given at the beginning of a second, and answered within it.
    fn done(&mut self, second: u64, command: Command, body: Value) -> &mut Entry {
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

    fn refused(&mut self, second: u64, command: Command, code: &str) -> &mut Entry {
        let entry = self.done(second, command, Value::Null);
        (entry.status, entry.code) = (Some(400), code.to_owned());
        entry
    }

    fn told(&mut self, second: u64, name: &str, aggregate: &str, version: u64, data: Value) {
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

    fn nobody_answers(&mut self, second: usize) {
        (self.entries[second].status, self.entries[second].body) = (None, Value::Null);
    }

    fn faults(&self) -> Vec<String> {
        faults(&self.entries, &self.left)
    }

    fn disorder(&self) -> Vec<String> {
        disorder(&self.entries, &self.left)
    }

    fn arrivals(&self) -> Vec<String> {
        self.left.events.iter().map(|it| it.id.clone()).collect()
    }
}

fn register(sku: &str) -> Command {
    Command::Register { sku: sku.to_owned() }
}

fn set_status(item: &str, status: &'static str) -> Command {
    Command::SetStatus { item: item.to_owned(), status }
}

fn rename(alias: &str, to: &str) -> Command {
    Command::RenameBatch { alias: alias.to_owned(), to: to.to_owned() }
}

/// The answer to a command that names a batch.
fn called(alias: &str) -> Value {
    json!({ "alias": alias })
}

fn pack(items: &[&str]) -> Command {
    Command::Pack { alias: "box".to_owned(), items: items.iter().map(ToString::to_string).collect() }
}

/// The answer to a command that names items.
fn packed(items: &[&str]) -> Value {
    items.iter().map(|it| json!({ "tracking_number": it })).collect()
}

/// The answer to a command that names a transport.
fn driven_by(driver: &str) -> Value {
    json!({ "driver": { "uuid": driver } })
}

#[test]
fn a_story_in_which_all_is_well_has_no_fault() {
    let story = Story::of_a_trip();

    assert_eq!(story.faults(), [] as [String; 0]);
    assert_eq!(story.disorder(), [] as [String; 0]);
    assert_eq!(Deliveries::of(&story.arrivals(), &story.left).faults, [] as [String; 0]);
}

#[test]
fn what_nobody_knows_may_be_so_or_not_but_wholly() {
    for second in 0..8 {
        let mut done = Story::of_a_trip();
        done.nobody_answers(second);
        assert_eq!(done.faults(), [] as [String; 0], "it was done: {second}");
        assert_eq!(done.disorder(), [] as [String; 0], "it was done: {second}");
    }
    let mut not_done = Story::of_a_trip();
    not_done.left.events.truncate(5);
    not_done.nobody_answers(7);
    assert_eq!(not_done.faults(), [] as [String; 0]);

    let mut in_part = Story::of_a_trip();
    in_part.nobody_answers(4);
    in_part.left.events.remove(0);
    assert_told(&in_part.faults(), "nobody was told of (\"shoe\"");
}

#[test]
fn the_answer_to_a_repetition_tells_of_the_attempt_before() {
    let mut story = Story::of_a_trip();
    story.nobody_answers(4);
    let again = story.done(8, pack(&["shoe", "hat"]), packed(&["shoe", "hat"]));
    (again.is_replayed, again.key) = (true, Some("key 4".to_owned()));

    assert_eq!(story.faults(), [] as [String; 0]);
    assert_eq!(story.disorder(), [] as [String; 0]);
}

#[test]
fn what_is_gone_went_once_however_often_somebody_asks_for_it_again() {
    let mut story = Story::of_a_trip();
    let delete = || Command::DeleteItem { item: "hat".to_owned() };

    story.done(8, delete(), Value::Null);
    story.left.items.remove("hat");
    story.done(9, Command::SeeItemsOf { alias: "box".to_owned() }, json!({ "count": 1, "results": [] }));
    story.done(10, delete(), Value::Null).status = None;

    assert_eq!(story.faults(), [] as [String; 0]);
}

#[test]
fn a_batch_is_the_same_whatever_it_is_called() {
    let mut story = Story::of_a_trip();
    // It was opened as a chest, was a crate when it was packed, and is a box since.
    story.entries[2].body = called("chest");
    for (second, alias, to) in [(2, "chest", "crate"), (4, "crate", "box")] {
        let mut renamed = story.entries[2].clone();
        (renamed.command, renamed.body, renamed.key) = (rename(alias, to), called(to), None);
        (renamed.sent, renamed.answered) = (story.moment(second * 1_000 + 600), story.moment(second * 1_000 + 900));
        "a call".clone_into(&mut renamed.request);
        story.entries.push(renamed);
    }
    story.entries[4].command =
        Command::Pack { alias: "crate".to_owned(), items: ["shoe", "hat"].map(ToOwned::to_owned).to_vec() };
    for event in &mut story.left.events[..2] {
        event.data["batch_alias"] = json!("crate");
    }

    assert_eq!(story.faults(), [] as [String; 0]);
    assert_eq!(story.disorder(), [] as [String; 0]);
}

#[test]
fn a_name_that_may_have_been_replaced_need_not_be_there_and_one_that_was_refused_is_nobodys() {
    let mut story = Story::of_a_trip();
    story.refused(8, rename("box", "chest"), "unique");
    story.done(9, rename("box", "crate"), called("crate"));
    story.done(10, rename("crate", "trunk"), Value::Null).status = None;
    story.left.batches = ["trunk".to_owned()].into();

    assert_eq!(story.faults(), [] as [String; 0]);
}

#[test]
fn what_may_have_become_of_an_item_in_between_excuses_what_comes_after() {
    let mut story = Story::of_a_trip();
    story.done(8, set_status("shoe", "DAMAGED"), Value::Null);
    story.done(9, set_status("shoe", "MOVING"), Value::Null).status = None;
    story.done(10, set_status("shoe", "LOST"), Value::Null);
    story.left.items.get_mut("shoe").unwrap().status = "LOST".to_owned();

    assert_eq!(story.faults(), [] as [String; 0]);
}

/// What becomes of the shoe after its trip: from when on in milliseconds, until when, and whether anybody knows.
type Changes = &'static [(u64, u64, &'static str, bool)];

const EXCUSED: &[(&str, Changes)] = &[
    ("its batch made it move", &[(8_000, 8_500, "COMPLETED", true)]),
    ("it did not happen", &[(8_000, 8_500, "DAMAGED", true), (9_000, 9_500, "LOST", false)]),
    ("both at once", &[(8_000, 9_200, "COMPLETED", true), (9_000, 9_500, "MOVING", true)]),
    (
        "one before goes on",
        &[(8_000, 9_200, "MOVING", true), (9_000, 9_500, "DAMAGED", true), (10_000, 10_500, "LOST", true)],
    ),
    (
        "one after was there already",
        &[(8_000, 8_500, "DAMAGED", true), (9_000, 10_200, "LOST", true), (10_000, 10_500, "MOVING", true)],
    ),
    (
        "one that ended last began early",
        &[
            (8_000, 8_500, "DAMAGED", true),
            (9_000, 9_500, "LOST", true),
            (10_000, 10_500, "LOST", true),
            (8_600, 20_000, "MOVING", true),
        ],
    ),
];

#[test]
fn a_status_that_may_have_come_about_in_another_order_is_no_fault() {
    for (why, changes) in EXCUSED {
        let mut story = Story::of_a_trip();
        for (at, (sent, answered, status, is_known)) in changes.iter().enumerate() {
            let moments = (story.moment(*sent), story.moment(*answered));
            let change = story.done(8 + at as u64, set_status("shoe", status), Value::Null);
            (change.sent, change.answered) = moments;
            change.status = change.status.filter(|_| *is_known);
        }
        // What it is in the end is for others to say.
        let steps: Vec<_> = story.faults().into_iter().filter(|it| it.contains(" went from ")).collect();
        assert_eq!(steps, [] as [String; 0], "{why}");
    }
}

#[track_caller]
fn assert_told(faults: &[String], what: &str) {
    assert!(faults.iter().any(|it| it.contains(what)), "{what} is not told: {faults:#?}");
}

/// What is done to the story, and what has to be said of it.
type Offender = (&'static str, fn(&mut Story));

const OFFENDERS: &[Offender] = &[
    ("it fails", |story| story.entries[0].status = Some(500)),
    ("it fails", |story| story.entries[0].status = Some(503)),
    ("acts more than once", |story| {
        let again = story.done(8, register("shoe"), json!({ "tracking_number": "shoe" }));
        again.key = Some("key 0".to_owned());
    }),
    ("has more than one answer", |story| {
        let again = story.done(8, register("shoe"), json!({ "tracking_number": "sock" }));
        (again.is_replayed, again.key) = (true, Some("key 0".to_owned()));
    }),
    ("it is made twice", |story| story.entries[1].body = json!({ "tracking_number": "shoe" })),
    ("items that were acknowledged are not there", |story| _ = story.left.items.remove("shoe")),
    ("batches that were acknowledged are not there", |story| story.left.batches.clear()),
    ("transports that were acknowledged are not there", |story| story.left.transports.clear()),
    ("centers are there that nobody made", |story| _ = story.left.centers.insert("C".to_owned())),
    ("items are there that nobody made", |story| {
        story.nobody_answers(0);
        story.left.items.insert("sock".to_owned(), story.left.items["shoe"].clone());
    }),
    // One creation that nobody knows of beside it, which must not excuse what is too much.
    ("items are still there whose deletion was acknowledged", |story| {
        story.done(8, register("sock"), Value::Null).status = None;
        story.done(9, Command::DeleteItem { item: "hat".to_owned() }, Value::Null);
    }),
    ("one registration of sock made [\"left sock\", \"right sock\"]", |story| {
        story.done(8, register("sock"), Value::Null).status = None;
        story.done(9, register("glove"), Value::Null).status = None;
        let sock = || ItemLeft { sku: "sock".to_owned(), status: "CREATED".to_owned(), center: None };
        story.left.items.extend(["left sock", "right sock"].map(|it| (it.to_owned(), sock())));
    }),
    ("shoe was to be DAMAGED, which nobody changed, and is Some(\"MOVING\")", |story| {
        story.done(8, set_status("shoe", "DAMAGED"), Value::Null);
    }),
    ("was to be C, which nobody changed, and is Some(\"B\")", |story| {
        let replan = Command::Replan { transport: TRANSPORT.to_owned(), destination: "C".to_owned(), driver: None };
        let replan = story.done(3, replan, Value::Null);
        (replan.key, replan.request) = (None, "a call".to_owned());
    }),
    ("was to be driven by eve, which nobody changed, and is by Some(\"adam\")", |story| {
        let driver = Some("eve".to_owned());
        let replan = Command::Replan { transport: TRANSPORT.to_owned(), destination: "B".to_owned(), driver };
        let replan = story.done(3, replan, driven_by("eve"));
        (replan.key, replan.request) = (None, "a call".to_owned());
        let left = story.left.transports.get_mut(TRANSPORT).unwrap();
        left.planned_driver = Some("adam".to_owned());
    }),
    ("the answer does not tell of what was asked", |story| {
        let driver = Some("eve".to_owned());
        let replan = Command::Replan { transport: TRANSPORT.to_owned(), destination: "B".to_owned(), driver };
        story.done(8, replan, driven_by("adam"));
    }),
    ("box still goes by its old name", |story| _ = story.done(8, rename("box", "crate"), called("crate"))),
    ("nothing goes by its new name, crate", |story| {
        story.done(8, rename("box", "crate"), called("crate"));
        story.left.batches = ["chest".to_owned()].into();
    }),
    ("the answer does not tell its new name", |story| {
        story.done(8, rename("box", "crate"), called("box"));
    }),
    ("shoe went from DAMAGED to LOST", |story| {
        story.done(8, set_status("shoe", "DAMAGED"), Value::Null);
        story.done(9, set_status("shoe", "LOST"), Value::Null);
    }),
    ("shoe went from COMPLETED to MOVING", |story| {
        story.done(8, set_status("shoe", "COMPLETED"), Value::Null);
        story.done(9, set_status("shoe", "MOVING"), Value::Null);
    }),
    ("sock went from CREATED to COMPLETED", |story| {
        story.done(8, register("sock"), json!({ "tracking_number": "sock" }));
        story.done(9, set_status("sock", "COMPLETED"), Value::Null);
    }),
    ("it goes twice", |story| {
        story.done(8, Command::DeleteItem { item: "glove".to_owned() }, Value::Null);
    }),
    ("something was announced", |story| {
        (story.entries[4].status, story.entries[4].code) = (Some(400), "refused".to_owned());
    }),
    ("it was announced by more than one attempt", |story| {
        story.nobody_answers(4);
        let again = story.done(8, pack(&["shoe", "hat"]), Value::Null);
        again.key = Some("key 4".to_owned());
        story.told(8, "ItemAddedToBatch", "hat", 3, json!({ "item_tracking_number": "hat", "batch_alias": "box" }));
    }),
    ("it was announced by an attempt that did nothing", |story| story.entries[4].is_replayed = true),
    ("what was announced is not what was asked", |story| story.entries[4].command = pack(&["shoe"])),
    ("nobody was told of (\"hat\"", |story| _ = story.left.events.remove(1)),
    ("nobody was told of (\"\"", |story| _ = story.left.events.pop()),
    ("the answer does not tell of what was asked", |story| story.entries[4].body = packed(&["shoe"])),
    ("the answer does not tell of what was asked", |story| story.entries[5].body = json!([])),
    ("the answer does not tell of what was asked", |story| story.entries[6].body = driven_by("adam")),
    ("the answer does not tell of what was asked", |story| story.entries[7].body = json!({ "driver": null })),
    ("nobody asked for", |story| story.left.events[0].request = "nobody's".to_owned()),
    ("nobody asked for shoe to be LOST", |story| {
        let lost = ItemLeft { sku: "1".to_owned(), status: "LOST".to_owned(), center: None };
        story.left.items.insert("shoe".to_owned(), lost);
    }),
    ("shoe was delivered, and is MOVING", |story| {
        story.done(8, set_status("shoe", "COMPLETED"), Value::Null);
    }),
    ("shoe was LOST and still moved", |story| {
        let lost = story.done(0, set_status("shoe", "LOST"), Value::Null);
        (lost.key, lost.request) = (None, "a call".to_owned());
        let lost = ItemLeft { sku: "1".to_owned(), status: "LOST".to_owned(), center: Some("B".to_owned()) };
        story.left.items.insert("shoe".to_owned(), lost);
    }),
    ("2 to 2 are there, and 1 are said to be", |story| {
        story.done(8, Command::SeeItemsOf { alias: "box".to_owned() }, json!({ "count": 1, "results": [] }));
    }),
    ("1 to 1 are there, and 0 are said to be", |story| {
        story.done(8, Command::SeeTransport { transport: TRANSPORT.to_owned() }, json!({ "batch_count": 0 }));
    }),
];

#[test]
fn every_offender_is_told() {
    for (what, offend) in OFFENDERS {
        let mut story = Story::of_a_trip();
        offend(&mut story);
        assert_told(&story.faults(), what);
    }
}

/// Offenders against the order of things.
const OUT_OF_ORDER: &[Offender] = &[
    // Lost update: the later version is of whoever was done before the other began.
    ("an earlier version", |story| {
        let (start, complete) = (story.left.events[3].version, story.left.events[4].version);
        (story.left.events[3].version, story.left.events[4].version) = (complete, start);
    }),
    ("before it left", |story| {
        story.done(8, pack(&["sock"]), Value::Null);
        story.told(8, "ItemAddedToBatch", "sock", 2, json!({ "item_tracking_number": "sock", "batch_alias": "box" }));
    }),
    // Stale reads.
    ("it was not seen yet", |story| {
        let seen = json!({ "batch_count": 1, "timestamp_departed": null, "timestamp_arrived": null });
        story.done(8, Command::SeeTransport { transport: TRANSPORT.to_owned() }, seen);
    }),
    ("it was not seen yet", |story| {
        story.done(8, Command::SeeItemsOf { alias: "box".to_owned() }, json!({ "count": 0, "results": [] }));
    }),
    ("it was not seen yet", |story| {
        story.refused(8, Command::Complete { transport: TRANSPORT.to_owned() }, "ShippingTransportNotDeparted");
    }),
    // What nobody could have seen yet.
    ("it was seen", |story| {
        let early = story.refused(8, pack(&["shoe"]), "ShippingBatchDeparted");
        (early.sent, early.answered) = (early.sent - Duration::from_secs(8), early.answered - Duration::from_secs(8));
    }),
    // Two readers who saw two changes in different orders (a long fork): no clock is needed to tell.
    ("it was not seen yet", |story| {
        let listed = |item: &str| json!({ "count": 1, "results": [{ "tracking_number": item }] });
        story.left.events[1].request = "request 9".to_owned();
        story.done(9, pack(&["hat"]), Value::Null);
        story.entries[4].command = pack(&["shoe"]);
        for (second, item) in [(10, "shoe"), (11, "hat")] {
            story.done(second, Command::SeeItemsOf { alias: "box".to_owned() }, listed(item));
        }
        let (begin, end) = (story.begin, story.moment(60_000));
        story.entries.iter_mut().for_each(|it| (it.sent, it.answered) = (begin, end));
    }),
];

#[test]
fn every_cycle_is_told_with_what_makes_it_one() {
    for (why, offend) in OUT_OF_ORDER {
        let mut story = Story::of_a_trip();
        offend(&mut story);
        assert_told(&story.disorder(), why);
    }
}

#[test]
fn what_arrives_twice_is_counted_and_what_does_not_arrive_or_too_early_is_told() {
    let story = Story::of_a_trip();
    let arrivals = story.arrivals();

    let twice = Deliveries::of(&[arrivals.clone(), arrivals.clone()].concat(), &story.left);
    assert_eq!((twice.faults.len(), twice.arrived, twice.duplicates), (0, 5, 5));
    assert_told(&Deliveries::of(&arrivals[1..], &story.left).faults, "never arrived");
    let made_up = [arrivals.clone(), vec!["made up".to_owned()]].concat();
    assert_told(&Deliveries::of(&made_up, &story.left).faults, "was never announced");
    let mut early = arrivals;
    early.swap(3, 4);
    assert_told(&Deliveries::of(&early, &story.left).faults, "arrived before");
}

/// Center A is opened, renamed in the first second and again in the third, and seen as `name` in that second.
fn seen_as(name: &str, second: u64) -> Story {
    let mut story = Story { begin: Instant::now(), entries: Vec::new(), left: Left::default() };
    story.done(0, Command::OpenCenter { code: "A".to_owned() }, Value::Null);
    for (second, name) in [(1, "1"), (3, "2")] {
        let (code, path) = ("A".to_owned(), "/a".to_owned());
        story.done(second, Command::RenameCenter { code, path, name: name.to_owned() }, Value::Null);
    }
    let centers = json!({ "results": [{ "center_code": "A", "name": name }] });
    story.done(second, Command::List { path: "/" }, centers);
    story
}

#[test]
fn an_old_name_that_is_still_shown_is_told_unless_nobody_could_evict_it() {
    let old = |story: &Story, unrest: &[_]| old_names(&story.entries, Duration::from_secs(1), unrest);

    for (name, second) in [("A", 0), ("A", 2), ("1", 2), ("1", 4), ("2", 3), ("2", 60)] {
        assert_eq!(old(&seen_as(name, second), &[]), [] as [String; 0], "{name} {second}");
    }
    for (name, second) in [("A", 3), ("A", 60), ("1", 5), ("1", 60)] {
        assert_told(&old(&seen_as(name, second), &[]), "is shown");
    }

    let mut at_once = seen_as("1", 60);
    at_once.entries[1].answered = at_once.moment(3_100);
    assert_eq!(old(&at_once, &[]), [] as [String; 0], "nobody knows which of two came last");
    let mut given_up = seen_as("1", 60);
    given_up.nobody_answers(2);
    assert_eq!(old(&given_up, &[]), [] as [String; 0], "nobody knows whether it was replaced");

    let story = seen_as("1", 5);
    let unrest = |from, to| [(story.moment(from), story.moment(to))];
    assert_eq!(old(&story, &unrest(3_400, 3_600)), [] as [String; 0]);
    assert_told(&old(&story, &unrest(1_000, 2_900)), "is shown");
    assert_told(&old(&story, &unrest(6_000, 7_000)), "is shown");
}
