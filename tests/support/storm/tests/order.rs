//! The order in which changes were made, seen and announced.

use std::time::Duration;

use serde_json::{Value, json};

use super::Offender;
use super::story::{Story, TRANSPORT, assert_told, pack};
use crate::storm::Command;

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
