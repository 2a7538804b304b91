//! Publishes events to the log: enough to see what would go out.

use async_trait::async_trait;
use kernel_application::{Publisher, StoredEvent, Undelivered};

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
            let shown = if event.is_confidential && !self.shows_secrets { None } else { Some(entry(event)) };
            tracing::info!(
                target: "events",
                correlation_id = %event.correlation_id,
                event_id = %event.id,
                entry = shown.map(tracing::field::display),
                "{} published",
                event.name
            );
        }
        events.iter().map(|_| Ok(())).collect()
    }
}
