//! Events on their way out, read back.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use kernel_application::{Sealing, StoredEvent, TraceParent};
use kernel_domain::{CorrelationId, EventId, StoreError};

use super::super::corrupt;
use super::sealed;
use crate::id::Id;
use crate::schema::outbox;

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub(super) struct StoredRow {
    pub(super) event_id: Id,
    context: String,
    name: String,
    payload: String,
    is_confidential: bool,
    aggregate_type: String,
    aggregate_id: Id,
    aggregate_version: i32,
    occurred_at: NaiveDateTime,
    correlation_id: String,
    trace_parent: Option<String>,
}

impl StoredRow {
    /// What it happened to.
    pub(super) fn aggregate(&self) -> (String, Id) {
        (self.aggregate_type.clone(), self.aggregate_id)
    }

    pub(super) fn into_event(self, sealing: &dyn Sealing) -> Result<StoredEvent, StoreError> {
        let payload = if self.is_confidential {
            sealed::open(sealing, self.event_id.0, &self.payload).map_err(corrupt("event"))?
        } else {
            self.payload
        };
        let data = readable(&payload)?;
        let no_correlation = || StoreError::corrupt("event", "its correlation id is no UUID");
        Ok(StoredEvent {
            id: EventId::new(self.event_id.0),
            context: self.context,
            name: self.name,
            aggregate_kind: self.aggregate_type,
            aggregate_id: self.aggregate_id.0,
            aggregate_version: i64::from(self.aggregate_version),
            data,
            is_confidential: self.is_confidential,
            occurred_at: self.occurred_at.and_utc(),
            correlation_id: CorrelationId::parse(&self.correlation_id).ok_or_else(no_correlation)?,
            trace_parent: self.trace_parent.as_deref().and_then(TraceParent::parse),
        })
    }
}

/// What an open payload says.
pub(super) fn readable(payload: &str) -> Result<Vec<(String, String)>, StoreError> {
    let data: BTreeMap<String, String> = serde_json::from_str(payload).map_err(|error| {
        // Its text may repeat what is in the payload.
        StoreError::corrupt("event", format!("its payload is no object of texts: {:?}", error.classify()))
    })?;
    Ok(data.into_iter().collect())
}
