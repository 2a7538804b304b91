//! Hands events to somebody in this process, each once, however often and wherever it arrives.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel_application::{Clock, EventHandler, HandledEvents, Publisher, StoredEvent, Turn, Undelivered};

/// How long somebody has an event for themselves: longer than a relay waits for them.
const TURN: TimeDelta = TimeDelta::seconds(30);

/// Somebody in this process who hears of events, and what they have handled.
pub struct OncePublisher {
    /// Under which name it is remembered.
    pub subscriber: &'static str,
    /// What was handled.
    pub handled: Arc<dyn HandledEvents>,
    /// Who does something about it.
    pub handler: Arc<dyn EventHandler>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Publisher for OncePublisher {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), Undelivered>> {
        let mut fates = Vec::with_capacity(events.len());
        for event in events {
            let fate = if self.handler.wants(event) { self.handle(event).await } else { Ok(()) };
            fates.push(fate);
        }
        fates
    }
}

impl OncePublisher {
    async fn handle(&self, event: &StoredEvent) -> Result<(), Undelivered> {
        let now = self.clock.now();
        match self.handled.take(self.subscriber, event.id, now, now + TURN).await? {
            Turn::Over => return Ok(()),
            Turn::Elsewhere => return Err(Undelivered::Refused("somebody else is about it".into())),
            Turn::Mine => {}
        }
        let handled = self.handler.handle(event).await;
        match &handled {
            Ok(()) => self.handled.remember(self.subscriber, event.id, self.clock.now()).await?,
            Err(_) => self.handled.give_back(self.subscriber, event.id).await?,
        }
        handled
    }
}
