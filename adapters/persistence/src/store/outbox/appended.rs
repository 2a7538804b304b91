//! Events on their way in: each with a delivery for every subscriber.

use chrono::NaiveDateTime;
use diesel::QueryResult;
use kernel_domain::RecordedEvent;
use serde_json::Value;

use super::super::Connection;
use super::super::record::{self, Binds, Record, record};
use super::OPEN;
use crate::id::Id;
use crate::schema::{outbox, outbox_deliveries};

/// Appends events in this order, each with the version of its aggregate.
pub(in super::super) async fn append(
    connection: &mut Connection,
    events: &[(&RecordedEvent, i32)],
    subscribers: &[String],
) -> QueryResult<()> {
    let rows: Vec<_> = events.iter().map(|(event, version)| EventRow::of(event, *version)).collect();
    record::insert(connection, &rows).await?;
    let deliveries = |(event, _): &(&RecordedEvent, i32)| {
        let event = (*event).clone();
        subscribers.iter().map(move |subscriber| DeliveryRow::of(&event, subscriber))
    };
    let rows: Vec<_> = events.iter().flat_map(deliveries).collect();
    record::insert(connection, &rows).await
}

struct EventRow {
    event_id: Id,
    context: &'static str,
    name: &'static str,
    payload: String,
    aggregate_type: &'static str,
    aggregate_id: Id,
    aggregate_version: i32,
    occurred_at: NaiveDateTime,
    correlation_id: String,
}

record!(EventRow in outbox {
    event_id; context, name, payload, aggregate_type, aggregate_id, aggregate_version, occurred_at, correlation_id
});

impl EventRow {
    fn of(event: &RecordedEvent, version: i32) -> Self {
        let data = event.data.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
        Self {
            event_id: Id(event.id.as_uuid()),
            context: event.context,
            name: event.name,
            payload: Value::Object(data.collect()).to_string(),
            aggregate_type: event.aggregate.kind,
            aggregate_id: Id(event.aggregate.id),
            aggregate_version: version,
            occurred_at: event.occurred_at.naive_utc(),
            correlation_id: event.correlation_id.to_string(),
        }
    }
}

struct DeliveryRow {
    event_id: Id,
    subscriber: String,
    aggregate_type: &'static str,
    aggregate_id: Id,
    state: &'static str,
    attempts: i32,
    fence: i64,
}

record!(DeliveryRow in outbox_deliveries {
    event_id; subscriber, aggregate_type, aggregate_id, state, attempts, fence
});

impl DeliveryRow {
    fn of(event: &RecordedEvent, subscriber: &str) -> Self {
        Self {
            event_id: Id(event.id.as_uuid()),
            subscriber: subscriber.to_owned(),
            aggregate_type: event.aggregate.kind,
            aggregate_id: Id(event.aggregate.id),
            state: OPEN,
            attempts: 0,
            fence: 0,
        }
    }
}
