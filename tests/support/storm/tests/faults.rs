//! What becomes of things, one after the other.

use serde_json::{Value, json};

use super::Offender;
use super::story::{Story, TRANSPORT, assert_told, called, driven_by, pack, packed, register, rename, set_status};
use crate::storm::Command;
use crate::storm::left::ItemLeft;

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
