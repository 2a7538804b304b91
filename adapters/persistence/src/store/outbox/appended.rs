//! Events on their way in: each once for every subscriber that wants it.

use std::sync::Arc;

use chrono::NaiveDateTime;
use diesel::QueryResult;
use kernel_application::{Sealing, TraceParent};
use kernel_domain::RecordedEvent;
use serde_json::Value;
use tokio::sync::Notify;

use super::super::Connection;
use super::super::record::{self, Binds, Record, record};
use super::{DELIVERED, OPEN, sealed};
use crate::id::Id;
use crate::schema::outbox;
use crate::{Settings, Subscriber};

/// Where events leave a unit of work.
#[derive(Clone)]
pub(crate) struct Outlet {
    /// Each with what wakes its relays.
    subscribers: Arc<[(Subscriber, Arc<Notify>)]>,
    trace: fn() -> Option<TraceParent>,
    pub(in super::super) sealing: Arc<dyn Sealing>,
}

impl Outlet {
    pub(crate) fn new(settings: &Settings, sealing: Arc<dyn Sealing>) -> Self {
        let subscribers = settings.subscribers.iter().map(|it| (it.clone(), Arc::default())).collect();
        Self { subscribers, trace: settings.trace, sealing }
    }

    /// What wakes the relays of a subscriber.
    pub(in super::super) fn bell(&self, subscriber: &str) -> Arc<Notify> {
        let named = self.subscribers.iter().find(|(it, _)| it.name == subscriber);
        named.map(|(_, bell)| bell.clone()).unwrap_or_default()
    }

    /// Wakes the relays of these subscribers.
    pub(in super::super) fn ring(&self, subscribers: &[String]) {
        for subscriber in subscribers {
            self.bell(subscriber).notify_one();
        }
    }

    /// What wakes the relays of those who wait for these events.
    pub(in super::super) fn bells<'e>(
        &self,
        events: &'e [RecordedEvent],
    ) -> impl Iterator<Item = Arc<Notify>> + use<'_, 'e> {
        let wanted = |it: &Subscriber| events.iter().any(|event| it.contexts.covers(event.context));
        self.subscribers.iter().filter(move |(it, _)| wanted(it)).map(|(_, bell)| bell.clone())
    }

    /// The names of those who hear of events.
    pub(in super::super) fn names(&self) -> Vec<String> {
        self.subscribers.iter().map(|(it, _)| it.name.clone()).collect()
    }

    /// Appends events in this order, each with the version of its aggregate.
    pub(in super::super) async fn append(
        &self,
        connection: &mut Connection,
        events: &[(&RecordedEvent, i32)],
    ) -> QueryResult<()> {
        let rows: Vec<_> = events.iter().flat_map(|(event, version)| self.rows(event, *version)).collect();
        record::insert(connection, &rows).await
    }

    /// One row for each subscriber. What nobody waits for is not kept at all; what is withheld is kept as if it had been
    /// delivered.
    fn rows(&self, event: &RecordedEvent, version: i32) -> Vec<EventRow> {
        let wanting = self.subscribers.iter().filter(|(it, _)| it.contexts.covers(event.context));
        let subscribers: Vec<_> = wanting.map(|(it, _)| it.name.clone()).collect();
        if subscribers.is_empty() {
            return Vec::new();
        }
        let payload = self.payload(event);
        let trace_parent = (self.trace)().map(|it| it.to_string());
        let state = if event.is_withheld { DELIVERED } else { OPEN };
        let row = |subscriber| EventRow {
            event_id: Id(event.id.as_uuid()),
            subscriber,
            context: event.context,
            name: event.name,
            payload: payload.clone(),
            is_confidential: event.is_confidential,
            aggregate_type: event.aggregate.kind,
            aggregate_id: Id(event.aggregate.id),
            aggregate_version: version,
            occurred_at: event.occurred_at.naive_utc(),
            correlation_id: event.correlation_id.to_string(),
            state,
            attempts: 0,
            fence: 0,
            trace_parent: trace_parent.clone(),
        };
        subscribers.into_iter().map(row).collect()
    }

    fn payload(&self, event: &RecordedEvent) -> String {
        let data = event.data.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
        let data = Value::Object(data.collect()).to_string();
        if event.is_confidential { sealed::seal(&*self.sealing, event.id.as_uuid(), &data) } else { data }
    }
}

struct EventRow {
    event_id: Id,
    subscriber: String,
    context: &'static str,
    name: &'static str,
    payload: String,
    is_confidential: bool,
    aggregate_type: &'static str,
    aggregate_id: Id,
    aggregate_version: i32,
    occurred_at: NaiveDateTime,
    correlation_id: String,
    state: &'static str,
    attempts: i32,
    fence: i64,
    trace_parent: Option<String>,
}

record!(EventRow in outbox {
    event_id, subscriber; context, name, payload, is_confidential, aggregate_type, aggregate_id, aggregate_version,
    occurred_at, correlation_id, state, attempts, fence, trace_parent
});
