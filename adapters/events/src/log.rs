//! Publishes events to the log: enough to see what would go out.

use async_trait::async_trait;
use kernel_application::{Publisher, StoredEvent};
use kernel_domain::BoxError;

use crate::entry;

/// Writes one log line for each event, in its wire form.
pub struct LogPublisher;

#[async_trait]
impl Publisher for LogPublisher {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), BoxError>> {
        for event in events {
            tracing::info!(
                target: "events",
                correlation_id = %event.correlation_id,
                event = %entry(event),
                "{} published",
                event.name
            );
        }
        events.iter().map(|_| Ok(())).collect()
    }
}
