//! Events on their way in: each with a delivery for every subscriber that wants it.

use std::sync::Arc;

use chrono::NaiveDateTime;
use diesel::QueryResult;
use kernel_application::Sealing;
use kernel_domain::RecordedEvent;
use serde_json::Value;

use super::super::Connection;
use super::super::record::{self, Binds, Record, record};
use super::{OPEN, sealed};
use crate::Subscriber;
use crate::id::Id;
use crate::schema::{outbox, outbox_deliveries};

/// Where events leave a unit of work.
#[derive(Clone)]
pub(crate) struct Outlet {
    subscribers: Arc<[Subscriber]>,
    pub(in super::super) sealing: Arc<dyn Sealing>,
}

impl Outlet {
    pub(crate) fn new(subscribers: &[Subscriber], sealing: Arc<dyn Sealing>) -> Self {
        Self { subscribers: subscribers.into(), sealing }
    }

    /// Appends events in this order, each with the version of its aggregate.
    pub(in super::super) async fn append(
        &self,
        connection: &mut Connection,
        events: &[(&RecordedEvent, i32)],
    ) -> QueryResult<()> {
        let rows: Vec<_> = events.iter().map(|(event, version)| self.row(event, *version)).collect();
        record::insert(connection, &rows).await?;
        let deliveries = |(event, _): &(&RecordedEvent, i32)| {
            self.wanted_by(event).map(|it| DeliveryRow::of(event, it)).collect::<Vec<_>>()
        };
        let rows: Vec<_> = events.iter().flat_map(deliveries).collect();
        record::insert(connection, &rows).await
    }

    fn wanted_by(&self, event: &RecordedEvent) -> impl Iterator<Item = &Subscriber> {
        let context = event.context;
        self.subscribers.iter().filter(move |it| it.contexts.covers(context))
    }

    fn row(&self, event: &RecordedEvent, version: i32) -> EventRow {
        EventRow {
            event_id: Id(event.id.as_uuid()),
            context: event.context,
            name: event.name,
            payload: self.payload(event),
            is_confidential: event.is_confidential,
            aggregate_type: event.aggregate.kind,
            aggregate_id: Id(event.aggregate.id),
            aggregate_version: version,
            occurred_at: event.occurred_at.naive_utc(),
            correlation_id: event.correlation_id.to_string(),
        }
    }

    /// What there is to know. A secret that nobody waits for is not kept at all.
    fn payload(&self, event: &RecordedEvent) -> String {
        let data = event.data.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
        let data = Value::Object(data.collect()).to_string();
        match event.is_confidential {
            false => data,
            true if self.wanted_by(event).next().is_none() => String::new(),
            true => sealed::seal(&*self.sealing, event.id.as_uuid(), &data),
        }
    }
}

struct EventRow {
    event_id: Id,
    context: &'static str,
    name: &'static str,
    payload: String,
    is_confidential: bool,
    aggregate_type: &'static str,
    aggregate_id: Id,
    aggregate_version: i32,
    occurred_at: NaiveDateTime,
    correlation_id: String,
}

record!(EventRow in outbox {
    event_id; context, name, payload, is_confidential, aggregate_type, aggregate_id, aggregate_version, occurred_at,
    correlation_id
});

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
    fn of(event: &RecordedEvent, subscriber: &Subscriber) -> Self {
        Self {
            event_id: Id(event.id.as_uuid()),
            subscriber: subscriber.name.clone(),
            aggregate_type: event.aggregate.kind,
            aggregate_id: Id(event.aggregate.id),
            state: OPEN,
            attempts: 0,
            fence: 0,
        }
    }
}
