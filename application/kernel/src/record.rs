//! From a fact of the domain to an entry of the outbox.

use chrono::{DateTime, Utc};
use kernel_domain::{CorrelationId, DomainEvent, EventId, RecordedEvent};

use crate::Ids;

/// Makes `event` one occurrence: caused by the request `correlation_id`, at `now`.
pub fn record<E: DomainEvent>(
    event: &E,
    correlation_id: &CorrelationId,
    ids: &dyn Ids,
    now: DateTime<Utc>,
) -> RecordedEvent {
    RecordedEvent {
        id: EventId::new(ids.uuid()),
        context: E::CONTEXT,
        name: event.name(),
        aggregate: event.aggregate(),
        data: event.data(),
        is_confidential: event.is_confidential(),
        is_withheld: event.is_withheld(),
        occurred_at: now,
        correlation_id: correlation_id.clone(),
    }
}
