//! Events on their way out, read back.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use kernel_application::StoredEvent;
use kernel_domain::{CorrelationId, EventId, StoreError};

use crate::id::Id;
use crate::schema::outbox;

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub(super) struct StoredRow {
    event_id: Id,
    context: String,
    name: String,
    payload: String,
    aggregate_type: String,
    aggregate_id: Id,
    aggregate_version: i32,
    occurred_at: NaiveDateTime,
    correlation_id: String,
}

impl StoredRow {
    pub(super) fn into_event(self) -> Result<StoredEvent, StoreError> {
        let corrupt = |error: serde_json::Error| StoreError::corrupt("event", error);
        let data: BTreeMap<String, String> = serde_json::from_str(&self.payload).map_err(corrupt)?;
        let no_correlation = || StoreError::corrupt("event", "its correlation id is no UUID");
        Ok(StoredEvent {
            id: EventId::new(self.event_id.0),
            context: self.context,
            name: self.name,
            aggregate_kind: self.aggregate_type,
            aggregate_id: self.aggregate_id.0,
            aggregate_version: i64::from(self.aggregate_version),
            data: data.into_iter().collect(),
            occurred_at: self.occurred_at.and_utc(),
            correlation_id: CorrelationId::parse(&self.correlation_id).ok_or_else(no_correlation)?,
        })
    }
}
