//! Publishes events to the log: enough to see what would go out.

use async_trait::async_trait;
use kernel_application::{Publisher, StoredEvent, Undelivered};
use serde_json::Value;

use crate::wire::entry;

/// Writes one log line for each event, in its wire form.
pub struct LogPublisher {
    /// Whether the log may show secrets: on a developer's machine it is how they travel.
    pub shows_secrets: bool,
}

#[async_trait]
impl Publisher for LogPublisher {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), Undelivered>> {
        for event in events {
            tracing::info!(
                target: "events",
                correlation_id = %event.correlation_id,
                event_id = %event.id,
                entry = self.shown(event).map(tracing::field::display),
                "{} published",
                event.name
            );
        }
        events.iter().map(|_| Ok(())).collect()
    }
}

impl LogPublisher {
    /// What the log may show of an event.
    fn shown(&self, event: &StoredEvent) -> Option<Value> {
        (!event.is_confidential || self.shows_secrets).then(|| entry(event))
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::noon;
    use kernel_domain::{CorrelationId, EventId};
    use uuid::Uuid;

    use super::*;

    fn an_event(is_confidential: bool) -> StoredEvent {
        StoredEvent {
            id: EventId::new(Uuid::from_u128(1)),
            context: "auth".to_owned(),
            name: "verification_attempt".to_owned(),
            aggregate_kind: "challenge".to_owned(),
            aggregate_id: Uuid::from_u128(2),
            aggregate_version: 1,
            data: vec![("token".to_owned(), "123456".to_owned())],
            is_confidential,
            occurred_at: noon(),
            correlation_id: CorrelationId::from(Uuid::from_u128(3)),
            trace_parent: None,
        }
    }

    #[test]
    fn a_log_shows_a_secret_only_where_it_may() {
        let (careful, open) = (LogPublisher { shows_secrets: false }, LogPublisher { shows_secrets: true });

        assert_eq!(careful.shown(&an_event(true)), None);
        assert_eq!(careful.shown(&an_event(false)), Some(entry(&an_event(false))));
        for is_confidential in [false, true] {
            assert_eq!(open.shown(&an_event(is_confidential)), Some(entry(&an_event(is_confidential))));
        }
    }

    #[tokio::test]
    async fn what_was_logged_has_arrived() {
        let fates = LogPublisher { shows_secrets: false }.publish(&[an_event(false), an_event(true)]).await;

        assert!(matches!(fates.as_slice(), [Ok(()), Ok(())]), "{fates:?}");
    }
}
