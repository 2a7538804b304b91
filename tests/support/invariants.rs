//! What is true of shipping whatever happened to it, as queries that find no row.
//!
//! Each speaks the SQL that MySQL and `SQLite` share, and names its one column `line`. Events count as long as the outbox keeps
//! them, which in tests it does. An event names a batch as it was called then: what has left keeps its name, and what was never
//! renamed has no version beyond its steps.

use crate::sql::Sql;

/// A promise, and who breaks it.
pub struct Invariant {
    /// By which tests name it.
    pub id: &'static str,
    /// What is true.
    pub promise: &'static str,
    /// Finds what it is not true of.
    pub offenders: &'static str,
}

/// Every promise.
pub const INVARIANTS: &[Invariant] = &[
    Invariant {
        id: "one-open-batch",
        promise: "an item is in at most one open batch",
        offenders: "SELECT HEX(item_id) AS line FROM shipping_batch_items WHERE open_item_id IS NOT NULL \
            GROUP BY item_id HAVING COUNT(*) > 1",
    },
    Invariant {
        id: "open-with-its-batch",
        promise: "an item is in a batch until the batch has arrived, and not longer",
        offenders: "SELECT HEX(inside.item_id) AS line FROM shipping_batch_items inside \
            JOIN shipping_batches batch ON batch.id = inside.batch_id \
            WHERE (inside.open_item_id IS NULL) <> (batch.state = 'COMPLETED')",
    },
    Invariant {
        id: "one-transport",
        promise: "a batch goes on one transport, once, and stays there",
        offenders: "SELECT batch.alias AS line FROM shipping_batches batch \
            LEFT JOIN outbox loaded ON loaded.aggregate_id = batch.id AND loaded.name = 'BatchAddedToTransport' \
            GROUP BY batch.id, batch.alias, batch.transport_id \
            HAVING COUNT(loaded.position) <> (batch.transport_id IS NOT NULL) \
            OR MAX(loaded.payload ->> '$.transport_uuid') <> LOWER(HEX(batch.transport_id))",
    },
    Invariant {
        id: "closed-at-departure",
        promise: "nothing goes in, out or on once the transport has left",
        offenders: "SELECT HEX(late.event_id) AS line FROM outbox late \
            JOIN shipping_batches batch ON batch.alias = late.payload ->> '$.batch_alias' \
            JOIN outbox started ON started.aggregate_id = batch.transport_id AND started.name = 'TransportStarted' \
            WHERE late.context = 'shipping' AND late.position > started.position",
    },
    Invariant {
        id: "forward",
        promise: "a transport arrives after it has left",
        offenders: "SELECT HEX(arrived.event_id) AS line FROM outbox arrived \
            LEFT JOIN outbox started ON started.aggregate_id = arrived.aggregate_id \
            AND started.name = 'TransportStarted' AND started.position < arrived.position \
            AND started.aggregate_version < arrived.aggregate_version \
            WHERE arrived.name = 'TransportComplete' AND started.position IS NULL",
    },
    Invariant {
        id: "known-states",
        promise: "a transport is planned, on the road or there",
        offenders: "SELECT HEX(id) AS line FROM shipping_transports WHERE state NOT IN ('PLANNED', 'IN_TRANSIT', 'ARRIVED')",
    },
    Invariant {
        id: "driver-and-load",
        promise: "what has left has a driver, and carries something",
        offenders: "SELECT HEX(transport.id) AS line FROM shipping_transports transport \
            WHERE transport.state <> 'PLANNED' AND (transport.driver_id IS NULL \
            OR NOT EXISTS (SELECT 1 FROM shipping_batches batch WHERE batch.transport_id = transport.id))",
    },
    Invariant {
        id: "batches-travel-along",
        promise: "a batch is where its transport is",
        offenders: "SELECT batch.alias AS line FROM shipping_batches batch \
            JOIN shipping_transports transport ON transport.id = batch.transport_id \
            WHERE batch.state <> CASE transport.state WHEN 'PLANNED' THEN 'LOADED' WHEN 'IN_TRANSIT' THEN 'DEPARTED' \
            ELSE 'COMPLETED' END",
    },
    Invariant {
        id: "items-arrive",
        promise: "an item whose status nobody changed by hand is where its last transport has brought it",
        // Such an item has a version for its registration, for each of its events, and for each of its arrivals.
        offenders: "SELECT item.tracking_number AS line FROM shipping_items item \
            JOIN shipping_batch_items been ON been.item_id = item.id AND been.open_item_id IS NULL \
            JOIN shipping_batches batch ON batch.id = been.batch_id \
            JOIN shipping_transports transport ON transport.id = batch.transport_id \
            WHERE item.version = 1 + (SELECT COUNT(*) FROM outbox told WHERE told.aggregate_id = item.id) \
            + (SELECT COUNT(*) FROM shipping_batch_items trip WHERE trip.item_id = item.id AND trip.open_item_id IS NULL) \
            AND NOT EXISTS (SELECT 1 FROM shipping_batch_items later \
                JOIN shipping_batches later_batch ON later_batch.id = later.batch_id \
                WHERE later.item_id = item.id AND later.open_item_id IS NULL \
                AND later_batch.completed_at > batch.completed_at) \
            AND (item.current_center_code IS NULL OR item.current_center_code <> transport.destination_code)",
    },
    Invariant {
        id: "nowhere-by-itself",
        promise: "an item is only where a transport has brought it",
        offenders: "SELECT item.tracking_number AS line FROM shipping_items item WHERE item.current_center_code IS NOT NULL \
            AND NOT EXISTS (SELECT 1 FROM shipping_batch_items been \
                JOIN shipping_batches batch ON batch.id = been.batch_id \
                JOIN shipping_transports transport ON transport.id = batch.transport_id \
                WHERE been.item_id = item.id AND transport.state = 'ARRIVED' \
                AND transport.destination_code = item.current_center_code)",
    },
    Invariant {
        id: "arrival-is-stamped",
        promise: "what has arrived knows when, and not before it left; what has not does not",
        offenders: "SELECT HEX(id) AS line FROM shipping_transports WHERE (state = 'ARRIVED') <> (arrived_at IS NOT NULL) \
            OR arrived_at < departed_at",
    },
    Invariant {
        id: "once",
        promise: "a transport leaves once, and arrives once",
        offenders: "SELECT HEX(aggregate_id) AS line FROM outbox \
            WHERE name IN ('TransportStarted', 'TransportComplete') \
            GROUP BY subscriber, aggregate_id, name HAVING COUNT(*) > 1",
    },
    Invariant {
        id: "leads-somewhere",
        promise: "no transport ends where it starts",
        offenders: "SELECT HEX(id) AS line FROM shipping_transports WHERE source_code = destination_code",
    },
    Invariant {
        id: "centers-are-there",
        promise: "the centers of what has not arrived are there",
        offenders: "SELECT HEX(transport.id) AS line FROM shipping_transports transport WHERE transport.state <> 'ARRIVED' \
            AND (SELECT COUNT(*) FROM distribution_centers center \
                WHERE center.center_code IN (transport.source_code, transport.destination_code)) <> 2",
    },
    Invariant {
        id: "status-and-place",
        promise: "what was only registered is in no batch, and was brought nowhere",
        offenders: "SELECT item.tracking_number AS line FROM shipping_items item WHERE item.status = 'CREATED' \
            AND (item.current_center_code IS NOT NULL OR EXISTS (SELECT 1 FROM shipping_batch_items inside \
                WHERE inside.open_item_id = item.id))",
    },
    Invariant {
        id: "delivery-is-stamped",
        promise: "what was delivered knows when, and nothing else does; there are five ways to fare",
        offenders: "SELECT tracking_number AS line FROM shipping_items \
            WHERE (status = 'COMPLETED') <> (completed_at IS NOT NULL) \
            OR status NOT IN ('CREATED', 'MOVING', 'COMPLETED', 'DAMAGED', 'LOST')",
    },
    Invariant {
        id: "versions-announced",
        promise: "an event tells of a version that its aggregate has had",
        offenders: "SELECT HEX(told.event_id) AS line FROM outbox told JOIN shipping_items item ON item.id = told.aggregate_id \
                WHERE told.aggregate_version > item.version \
            UNION ALL SELECT HEX(told.event_id) FROM outbox told JOIN shipping_batches batch ON batch.id = told.aggregate_id \
                WHERE told.aggregate_version > batch.version \
            UNION ALL SELECT HEX(told.event_id) FROM outbox told \
                JOIN shipping_transports transport ON transport.id = told.aggregate_id \
                WHERE told.aggregate_version > transport.version",
    },
    Invariant {
        id: "versions-in-order",
        promise: "the events of an aggregate are told in the order of its versions, each once",
        offenders: "SELECT HEX(later.event_id) AS line FROM outbox told JOIN outbox later \
            ON later.subscriber = told.subscriber AND later.aggregate_type = told.aggregate_type \
            AND later.aggregate_id = told.aggregate_id \
            WHERE later.position > told.position AND later.aggregate_version <= told.aggregate_version",
    },
    Invariant {
        id: "versions-of-batches",
        promise: "each step of a batch is a version, and so is each new name",
        offenders: "SELECT alias AS line FROM shipping_batches WHERE version < \
            CASE state WHEN 'OPEN' THEN 1 WHEN 'LOADED' THEN 2 WHEN 'DEPARTED' THEN 3 ELSE 4 END",
    },
    Invariant {
        id: "no-event-without-its-change",
        promise: "an item is and was in as many batches as it was told to be, and was not told to be out of",
        offenders: "SELECT item.tracking_number AS line FROM shipping_items item \
            WHERE (SELECT COUNT(CASE name WHEN 'ItemAddedToBatch' THEN 1 END) - COUNT(CASE name WHEN 'ItemRemovedFromBatch' THEN 1 END) \
                FROM outbox told WHERE told.context = 'shipping' AND told.aggregate_id = item.id) \
            <> (SELECT COUNT(*) FROM shipping_batch_items been WHERE been.item_id = item.id)",
    },
    Invariant {
        id: "no-change-without-its-event",
        promise: "who is in a batch that was never renamed was told to be in it",
        offenders: "SELECT item.tracking_number AS line FROM shipping_batch_items been \
            JOIN shipping_items item ON item.id = been.item_id JOIN shipping_batches batch ON batch.id = been.batch_id \
            WHERE batch.version = \
                CASE batch.state WHEN 'OPEN' THEN 1 WHEN 'LOADED' THEN 2 WHEN 'DEPARTED' THEN 3 ELSE 4 END \
            AND NOT EXISTS (SELECT 1 FROM outbox told WHERE told.aggregate_id = item.id \
                AND told.name = 'ItemAddedToBatch' AND told.payload ->> '$.batch_alias' = batch.alias)",
    },
    Invariant {
        id: "trips-are-told",
        promise: "a transport has left, or arrived, if and only if it was told",
        offenders: "SELECT HEX(transport.id) AS line FROM shipping_transports transport \
            LEFT JOIN outbox told ON told.aggregate_id = transport.id \
            GROUP BY transport.id, transport.departed_at, transport.arrived_at \
            HAVING COUNT(CASE told.name WHEN 'TransportStarted' THEN 1 END) <> (transport.departed_at IS NOT NULL) \
            OR COUNT(CASE told.name WHEN 'TransportComplete' THEN 1 END) <> (transport.arrived_at IS NOT NULL)",
    },
];

/// Which of the promises are broken, and by what.
pub async fn broken(sql: &mut Sql) -> Vec<(&'static str, Vec<String>)> {
    let mut broken = Vec::new();
    for Invariant { id, offenders, .. } in INVARIANTS {
        let found = sql.lines(offenders).await.unwrap_or_else(|error| panic!("{id}: {error}"));
        if !found.is_empty() {
            broken.push((*id, found));
        }
    }
    broken
}
