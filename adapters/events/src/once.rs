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
        match self.handler.handle(event).await {
            Ok(()) => Ok(self.handled.remember(self.subscriber, event.id, self.clock.now()).await?),
            Err(why) => {
                self.give_back(event).await;
                Err(why)
            }
        }
    }

    /// Why the event was not handled matters more than that it could not be given back: the turn ends by itself.
    async fn give_back(&self, event: &StoredEvent) {
        if let Err(error) = self.handled.give_back(self.subscriber, event.id).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(event_id = %event.id, error, "an event could not be given back: its turn has to end first");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use chrono::{DateTime, Utc};
    use kernel_application::testing::{Noon, noon};
    use kernel_domain::{CorrelationId, EventId, StoreError};
    use uuid::Uuid;

    use super::*;
    use crate::RelaySettings;

    /// It is always one's turn; notes for how long, and what is given back.
    #[derive(Default)]
    struct Noting {
        turns: Mutex<Vec<TimeDelta>>,
        given_back: Mutex<Vec<EventId>>,
    }

    #[async_trait]
    impl HandledEvents for Noting {
        async fn take(
            &self,
            _: &str,
            _: EventId,
            now: DateTime<Utc>,
            until: DateTime<Utc>,
        ) -> Result<Turn, StoreError> {
            self.turns.lock().expect("turns").push(until - now);
            Ok(Turn::Mine)
        }

        async fn remember(&self, _: &str, _: EventId, _: DateTime<Utc>) -> Result<(), StoreError> {
            Ok(())
        }

        async fn give_back(&self, _: &str, event: EventId) -> Result<(), StoreError> {
            self.given_back.lock().expect("what was given back").push(event);
            Ok(())
        }

        async fn forget_handled(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
            Ok(0)
        }
    }

    /// Remembers nothing, and takes nothing back.
    struct Forgetful;

    #[async_trait]
    impl HandledEvents for Forgetful {
        async fn take(&self, _: &str, _: EventId, _: DateTime<Utc>, _: DateTime<Utc>) -> Result<Turn, StoreError> {
            Ok(Turn::Mine)
        }

        async fn remember(&self, _: &str, _: EventId, _: DateTime<Utc>) -> Result<(), StoreError> {
            Err(StoreError::unavailable("gone"))
        }

        async fn give_back(&self, _: &str, _: EventId) -> Result<(), StoreError> {
            Err(StoreError::unavailable("gone"))
        }

        async fn forget_handled(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
            Ok(0)
        }
    }

    /// Wants every event, and refuses it.
    struct Refuses;

    #[async_trait]
    impl EventHandler for Refuses {
        fn wants(&self, _: &StoredEvent) -> bool {
            true
        }

        async fn handle(&self, _: &StoredEvent) -> Result<(), Undelivered> {
            Err(Undelivered::Refused("malformed".into()))
        }
    }

    fn somebody_who_refuses(handled: Arc<dyn HandledEvents>) -> OncePublisher {
        OncePublisher { subscriber: "somebody", handled, handler: Arc::new(Refuses), clock: Arc::new(Noon) }
    }

    fn an_event() -> StoredEvent {
        StoredEvent {
            id: EventId::new(Uuid::from_u128(1)),
            context: "user".to_owned(),
            name: "UserCreated".to_owned(),
            aggregate_kind: "user".to_owned(),
            aggregate_id: Uuid::from_u128(2),
            aggregate_version: 1,
            data: Vec::new(),
            is_confidential: false,
            occurred_at: noon(),
            correlation_id: CorrelationId::from(Uuid::from_u128(3)),
            trace_parent: None,
        }
    }

    /// Told of as an outage, an event that nobody can ever take would be tried for ever.
    #[tokio::test]
    async fn an_event_that_cannot_be_given_back_is_told_of_as_what_it_is() {
        let fates = somebody_who_refuses(Arc::new(Forgetful)).publish(&[an_event()]).await;

        assert!(matches!(fates.as_slice(), [Err(Undelivered::Refused(_))]), "{fates:?}");
    }

    #[tokio::test]
    async fn an_event_is_somebodys_own_for_longer_than_a_relay_waits_and_free_again_once_it_was_refused() {
        let handled = Arc::new(Noting::default());

        somebody_who_refuses(handled.clone()).publish(&[an_event()]).await;

        let turns = handled.turns.lock().expect("turns").clone();
        assert!(turns.iter().all(|it| *it > RelaySettings::default().lease) && turns.len() == 1, "{turns:?}");
        assert_eq!(*handled.given_back.lock().expect("what was given back"), [an_event().id]);
    }
}
