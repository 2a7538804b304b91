//! What is asked of shipping's tables after a storm finds what it looks for: an offender is planted for each promise.

use std::fmt::Write as _;

use support::invariants::{INVARIANTS, broken};
use support::sql::Sql;
use support::storm::{Event, ItemLeft, Left, TransportLeft};

use crate::databases::TestDatabase;

crate::every_database_promises![
    every_promise_finds_its_offenders_or_the_database_refuses_them,
    what_is_left_after_a_storm_is_read_as_it_is,
];

/// What becomes of an offender.
enum Fate {
    /// The promise finds it.
    Found,
    /// The database refuses it, and names this.
    Refused(&'static str),
}
use Fate::{Found, Refused};

/// An item in each place, each batch and each transport in another state; numbers are ids.
const SOUND: &[&str] = &[
    "INSERT INTO distribution_centers (id, center_code, name, created_at, version) VALUES \
        ({1}, 'A', 'A', {at:0}, 1), ({2}, 'B', 'B', {at:0}, 1)",
    "INSERT INTO shipping_items (id, tracking_number, sku, status, current_center_code, created_at, completed_at, version) \
        VALUES ({11}, 'packed', '', 'MOVING', NULL, {at:0}, NULL, 2), ({12}, 'on the road', '', 'MOVING', NULL, {at:0}, NULL, 2), \
        ({13}, 'there', '', 'MOVING', 'B', {at:0}, NULL, 3), ({14}, 'new', '', 'CREATED', NULL, {at:0}, NULL, 1)",
    "INSERT INTO shipping_transports (id, source_code, destination_code, driver_id, on_road_driver_id, state, created_at, \
        departed_at, arrived_at, version) VALUES ({31}, 'A', 'B', NULL, NULL, 'PLANNED', {at:0}, NULL, NULL, 1), \
        ({32}, 'A', 'B', {41}, {41}, 'IN_TRANSIT', {at:0}, {at:2}, NULL, 2), \
        ({33}, 'A', 'B', {42}, NULL, 'ARRIVED', {at:0}, {at:2}, {at:3}, 3)",
    "INSERT INTO shipping_batches (id, alias, state, transport_id, created_at, completed_at, version) VALUES \
        ({21}, 'open', 'OPEN', NULL, {at:0}, NULL, 1), ({22}, 'loaded', 'LOADED', {31}, {at:0}, NULL, 2), \
        ({23}, 'departed', 'DEPARTED', {32}, {at:0}, NULL, 3), ({24}, 'completed', 'COMPLETED', {33}, {at:0}, {at:3}, 4)",
    "INSERT INTO shipping_batch_items (item_id, batch_id, open_item_id, added_at) VALUES \
        ({11}, {21}, {11}, {at:1}), ({12}, {23}, {12}, {at:1}), ({13}, {24}, NULL, {at:1})",
    "{packed:11:open:2}",
    "{packed:12:departed:2}",
    "{packed:13:completed:2}",
    "{loaded:22:loaded:31:2}",
    "{loaded:23:departed:32:2}",
    "{loaded:24:completed:33:2}",
    "{TransportStarted:32:2}",
    "{TransportStarted:33:2}",
    "{TransportComplete:33:3}",
];

/// Offenders, each planted into the sound world alone.
const OFFENDERS: &[(&str, &str, Fate)] = &[
    (
        "one-open-batch",
        "INSERT INTO shipping_batch_items (item_id, batch_id, open_item_id, added_at) VALUES ({11}, {22}, {11}, {at:1})",
        Refused("open_item_id"),
    ),
    ("open-with-its-batch", "UPDATE shipping_batch_items SET open_item_id = NULL WHERE item_id = {11}", Found),
    ("open-with-its-batch", "UPDATE shipping_batch_items SET open_item_id = item_id WHERE item_id = {13}", Found),
    ("one-transport", "UPDATE shipping_batches SET transport_id = {31} WHERE id = {23}", Found),
    ("one-transport", "{loaded:22:loaded:32:3}", Found),
    (
        "one-transport",
        "UPDATE shipping_batches SET transport_id = {31} WHERE id = {21}",
        Refused("open_is_on_no_transport"),
    ),
    ("closed-at-departure", "{packed:14:departed:2}", Found),
    ("closed-at-departure", "{loaded:24:completed:33:5}", Found),
    ("forward", "DELETE FROM outbox WHERE name = 'TransportStarted' AND aggregate_id = {33}", Found),
    (
        "forward",
        "UPDATE outbox SET aggregate_version = 4 WHERE name = 'TransportStarted' AND aggregate_id = {33}",
        Found,
    ),
    (
        "known-states",
        "UPDATE shipping_transports SET state = 'LATE', on_road_driver_id = NULL WHERE id = {32}",
        Refused("state_is_known"),
    ),
    (
        "driver-and-load",
        "UPDATE shipping_transports SET driver_id = NULL WHERE id = {33}",
        Refused("departure_needs_a_driver"),
    ),
    ("driver-and-load", "UPDATE shipping_batches SET state = 'OPEN', transport_id = NULL WHERE id = {23}", Found),
    (
        "batches-travel-along",
        "UPDATE shipping_batches SET state = 'DEPARTED', completed_at = NULL WHERE id = {24}",
        Found,
    ),
    ("items-arrive", "UPDATE shipping_items SET current_center_code = NULL WHERE id = {13}", Found),
    ("items-arrive", "UPDATE shipping_items SET current_center_code = 'A' WHERE id = {13}", Found),
    ("nowhere-by-itself", "UPDATE shipping_items SET current_center_code = 'B' WHERE id = {12}", Found),
    (
        "arrival-is-stamped",
        "UPDATE shipping_transports SET arrived_at = {at:1} WHERE id = {33}",
        Refused("arrival_follows_departure"),
    ),
    (
        "arrival-is-stamped",
        "UPDATE shipping_transports SET arrived_at = {at:3} WHERE id = {32}",
        Refused("arrival_is_stamped"),
    ),
    ("once", "{TransportStarted:32:3}", Found),
    ("once", "{TransportStarted:32:2}", Refused("outbox")),
    (
        "leads-somewhere",
        "UPDATE shipping_transports SET destination_code = 'A' WHERE id = {31}",
        Refused("route_leads_somewhere"),
    ),
    ("centers-are-there", "DELETE FROM distribution_centers WHERE id = {1}", Found),
    ("status-and-place", "UPDATE shipping_items SET status = 'CREATED' WHERE id = {11}", Found),
    ("status-and-place", "UPDATE shipping_items SET status = 'CREATED' WHERE id = {13}", Found),
    ("delivery-is-stamped", "UPDATE shipping_items SET status = 'GONE' WHERE id = {14}", Refused("status_is_known")),
    (
        "delivery-is-stamped",
        "UPDATE shipping_items SET status = 'COMPLETED' WHERE id = {14}",
        Refused("completion_is_stamped"),
    ),
    ("versions-announced", "UPDATE shipping_items SET version = 1 WHERE id = {11}", Found),
    ("versions-announced", "UPDATE shipping_batches SET version = 1 WHERE id = {24}", Found),
    ("versions-announced", "UPDATE shipping_transports SET version = 1 WHERE id = {33}", Found),
    ("versions-in-order", "{packed:13:open:1}", Found),
    ("versions-of-batches", "UPDATE shipping_batches SET version = 1 WHERE id = {22}", Found),
    ("no-event-without-its-change", "{packed:14:open:1}", Found),
    ("no-event-without-its-change", "DELETE FROM shipping_batch_items WHERE item_id = {11}", Found),
    ("no-change-without-its-event", "DELETE FROM outbox WHERE aggregate_id = {11}", Found),
    ("no-change-without-its-event", "UPDATE shipping_batch_items SET batch_id = {22} WHERE item_id = {11}", Found),
    ("trips-are-told", "DELETE FROM outbox WHERE name = 'TransportStarted' AND aggregate_id = {32}", Found),
    ("trips-are-told", "{TransportComplete:32:3}", Found),
];

fn id(number: &str) -> String {
    format!("X'{number:0>32}'")
}

/// Spells out what stands in braces: ids, times, and events.
fn spelled(statement: &str) -> String {
    let mut spelled = String::new();
    let mut rest = statement;
    while let Some((before, after)) = rest.split_once('{') {
        let (braced, after) = after.split_once('}').expect("a closing brace");
        spelled.push_str(before);
        spelled.push_str(&match braced.split(':').collect::<Vec<_>>()[..] {
            [number] => id(number),
            ["at", hour] => ["'2026-01-01 0", hour, ":00:00'"].concat(),
            ["packed", item, alias, version] => {
                event("ItemAddedToBatch", "item", item, version, &format!(r#"{{"batch_alias":"{alias}"}}"#))
            }
            ["loaded", batch, alias, transport, version] => {
                let told = format!(r#"{{"transport_uuid":"{transport:0>32}","batch_alias":"{alias}"}}"#);
                event("BatchAddedToTransport", "batch", batch, version, &told)
            }
            [name, transport, version] => event(name, "transport", transport, version, "{}"),
            _ => panic!("what is {braced}?"),
        });
        rest = after;
    }
    spelled + rest
}

fn event(name: &str, kind: &str, aggregate: &str, version: &str, payload: &str) -> String {
    // Events have no number of their own here: what they tell of tells them apart.
    let name_in_hex = name.bytes().take(8).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a text takes everything");
        hex
    });
    format!(
        "INSERT INTO outbox (event_id, subscriber, context, name, payload, is_confidential, aggregate_type, aggregate_id, \
        aggregate_version, occurred_at, correlation_id, state, attempts, fence) VALUES \
        (X'{name_in_hex}{aggregate:0>8}{version:0>8}', 'bus', 'shipping', '{name}', '{payload}', FALSE, '{kind}', {}, \
        {version}, '2026-01-01 00:00:00', 'x', 'DELIVERED', 1, 1)",
        id(aggregate)
    )
}

/// The sound world.
async fn sound(database: &TestDatabase) -> Sql {
    let mut sql = Sql::open(&database.url).await;
    for statement in SOUND {
        sql.run(&spelled(statement)).await.unwrap();
    }
    sql
}

/// What is read wrongly could hide what the storm is there to find: who reads no driver finds none amiss.
async fn what_is_left_after_a_storm_is_read_as_it_is(database: TestDatabase) {
    let mut sql = sound(&database).await;
    for change in [
        "UPDATE shipping_items SET sku = 'shoe' WHERE id = {13}",
        "INSERT INTO shipping_transports (id, source_code, destination_code, driver_id, on_road_driver_id, state, created_at, \
            departed_at, arrived_at, version) VALUES ({34}, 'B', 'A', {43}, NULL, 'PLANNED', {at:0}, NULL, NULL, 1)",
    ] {
        sql.run(&spelled(change)).await.unwrap();
    }

    let left = Left::of(&mut sql).await;

    let item = |number: &str, sku: &str, status: &str, center: Option<&str>| {
        let (sku, status, center) = (sku.to_owned(), status.to_owned(), center.map(ToOwned::to_owned));
        (number.to_owned(), ItemLeft { sku, status, center })
    };
    let items = [
        item("packed", "", "MOVING", None),
        item("on the road", "", "MOVING", None),
        item("there", "shoe", "MOVING", Some("B")),
        item("new", "", "CREATED", None),
    ];
    assert_eq!(left.items, items.into());
    assert_eq!(left.batches, ["open", "loaded", "departed", "completed"].map(ToOwned::to_owned).into());
    let transport = |id: &str, destination: &str, planned_driver: Option<&str>| {
        let planned_driver = planned_driver.map(|it| if it.is_empty() { String::new() } else { format!("{it:0>32}") });
        (format!("{id:0>32}"), TransportLeft { destination: destination.to_owned(), planned_driver })
    };
    let transports = [
        transport("31", "B", Some("")),
        transport("32", "B", None),
        transport("33", "B", None),
        transport("34", "A", Some("43")),
    ];
    assert_eq!(left.transports, transports.into());
    assert_eq!(left.centers, ["A", "B"].map(ToOwned::to_owned).into());
    let told: Vec<_> =
        left.events.iter().map(|it| (it.name.as_str(), it.aggregate.1[30..].to_owned(), it.version)).collect();
    let expected = [
        ("ItemAddedToBatch", "11", 2),
        ("ItemAddedToBatch", "12", 2),
        ("ItemAddedToBatch", "13", 2),
        ("BatchAddedToTransport", "22", 2),
        ("BatchAddedToTransport", "23", 2),
        ("BatchAddedToTransport", "24", 2),
        ("TransportStarted", "32", 2),
        ("TransportStarted", "33", 2),
        ("TransportComplete", "33", 3),
    ];
    assert_eq!(told, expected.map(|(name, id, version)| (name, id.to_owned(), version)));
    let Event { aggregate, request, .. } = &left.events[3];
    assert_eq!((aggregate.0.as_str(), request.as_str()), ("batch", "x"));
    assert_eq!(left.events[3].tells("batch_alias"), "loaded");
    assert!(left.events.is_sorted_by(|one, next| one.position < next.position));
}

async fn every_promise_finds_its_offenders_or_the_database_refuses_them(database: TestDatabase) {
    let mut sql = sound(&database).await;
    assert_eq!(broken(&mut sql).await, [], "the world is sound");

    for (promise, offender, fate) in OFFENDERS {
        sql.run("BEGIN").await.unwrap();
        let planted = sql.run(&spelled(offender)).await;
        match (planted, fate) {
            (Ok(()), Found) => {
                let broken = broken(&mut sql).await;
                assert!(broken.iter().any(|(id, _)| id == promise), "{offender} breaks {promise}, not just {broken:?}");
            }
            (Err(refusal), Refused(constraint)) => {
                assert!(refusal.to_string().contains(constraint), "{offender}: {refusal}");
            }
            (Ok(()), Refused(_)) => panic!("the database takes {offender}"),
            (Err(refusal), Found) => panic!("{offender}: {refusal}"),
        }
        sql.run("ROLLBACK").await.unwrap();
    }
    for promise in INVARIANTS {
        let is_tried = OFFENDERS.iter().any(|(id, ..)| *id == promise.id);
        assert!(is_tried, "nothing shows that it can be seen whether {}", promise.promise);
    }
}
