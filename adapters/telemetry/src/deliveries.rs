//! Deliveries are steps of the traces that their events followed from.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{Publisher, StoredEvent, Undelivered};
use tracing::{Instrument as _, Span};

use crate::traces::{SPANS, follow};

/// Continues the trace of each event while it is delivered. Events that followed from no trace begin none.
pub struct TracedPublisher {
    /// Who delivers.
    pub next: Arc<dyn Publisher>,
    /// To whom.
    pub subscriber: &'static str,
}

impl TracedPublisher {
    fn step(&self, event: &StoredEvent) -> Option<Span> {
        let parent = event.trace_parent?;
        let span = tracing::debug_span!(
            target: SPANS,
            parent: None,
            "deliver",
            subscriber = self.subscriber,
            name = event.name,
            event_id = %event.id,
            correlation_id = %event.correlation_id,
            trace = tracing::field::Empty,
            otel.kind = "producer",
        );
        follow(&span, Some(parent));
        Some(span)
    }
}

#[async_trait]
impl Publisher for TracedPublisher {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), Undelivered>> {
        let steps: Vec<Span> = events.iter().filter_map(|it| self.step(it)).collect();
        // What follows from one event follows from its step; what several of them cause together follows from none.
        let within = match steps.as_slice() {
            [only] if events.len() == 1 => only.clone(),
            _ => Span::current(),
        };
        self.next.publish(events).instrument(within).await
    }
}
