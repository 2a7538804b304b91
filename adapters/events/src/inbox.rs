//! The phone of everybody, on a developer's machine: what would have been sent to them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel_application::{Publisher, StoredEvent, Undelivered};

use crate::wire::VERIFICATION_ATTEMPT;

/// Messages that are remembered.
const CAPACITY: usize = 50;

/// A token that was sent to a number.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// When.
    pub sent_at: DateTime<Utc>,
    /// Where to.
    pub phone_number: String,
    /// What.
    pub token: String,
}

/// The last messages that were sent; clones are the same inbox.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Mutex<VecDeque<Message>>>);

impl Inbox {
    /// The messages, the newest first.
    pub fn messages(&self) -> Vec<Message> {
        self.lock().iter().rev().cloned().collect()
    }

    fn receive(&self, message: Message) {
        let mut messages = self.lock();
        if messages.len() >= CAPACITY {
            messages.pop_front();
        }
        messages.push_back(message);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts tokens in an inbox on their way to the next publisher.
pub struct InboxPublisher {
    /// Where tokens are shown.
    pub inbox: Inbox,
    /// Where all events go.
    pub next: Arc<dyn Publisher>,
}

#[async_trait]
impl Publisher for InboxPublisher {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), Undelivered>> {
        for event in events.iter().filter(|it| it.name == VERIFICATION_ATTEMPT) {
            let told =
                |wanted: &str| event.data.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
            if let (Some(phone_number), Some(token)) = (told("phonenumber"), told("token")) {
                self.inbox.receive(Message { sent_at: event.occurred_at, phone_number, token });
            }
        }
        self.next.publish(events).await
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::noon;
    use kernel_domain::{CorrelationId, EventId};
    use uuid::Uuid;

    use super::*;
    use crate::LogPublisher;

    /// Takes nothing.
    struct Refuses;

    #[async_trait]
    impl Publisher for Refuses {
        async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), Undelivered>> {
            events.iter().map(|_| Err(Undelivered::Refused("not today".into()))).collect()
        }
    }

    fn attempt(token: u32) -> StoredEvent {
        StoredEvent {
            id: EventId::new(Uuid::from_u128(1)),
            context: "auth".to_owned(),
            name: VERIFICATION_ATTEMPT.to_owned(),
            aggregate_kind: "challenge".to_owned(),
            aggregate_id: Uuid::from_u128(2),
            aggregate_version: 1,
            data: vec![("token".to_owned(), token.to_string()), ("phonenumber".to_owned(), "+82".to_owned())],
            is_confidential: true,
            occurred_at: noon(),
            correlation_id: CorrelationId::from(Uuid::from_u128(4)),
            trace_parent: None,
        }
    }

    #[tokio::test]
    async fn the_last_tokens_are_shown_the_newest_first() {
        let inbox = Inbox::default();
        let next = Arc::new(LogPublisher { shows_secrets: false });
        let publisher = InboxPublisher { inbox: inbox.clone(), next };

        for token in 0..60 {
            publisher.publish(&[attempt(token)]).await;
        }

        let tokens: Vec<_> = inbox.messages().into_iter().map(|it| it.token).collect();
        assert_eq!(tokens.len(), CAPACITY);
        assert_eq!((tokens[0].as_str(), tokens[49].as_str()), ("59", "10"));
    }

    #[tokio::test]
    async fn only_tokens_are_shown_and_whoever_comes_next_says_what_arrived() {
        let publisher = InboxPublisher { inbox: Inbox::default(), next: Arc::new(Refuses) };
        let other = StoredEvent { name: "UserSignup".to_owned(), ..attempt(2) };

        let fates = publisher.publish(&[attempt(1), other]).await;

        assert_eq!(publisher.inbox.messages().len(), 1);
        assert!(matches!(fates.as_slice(), [Err(Undelivered::Refused(_)), Err(Undelivered::Refused(_))]), "{fates:?}");
    }
}
