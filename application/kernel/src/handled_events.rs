//! What a subscriber in this process has handled, so that an event that comes twice has its effect once.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel_domain::{EventId, StoreError};

use crate::{StoredEvent, Undelivered};

/// For how long it is remembered what was handled. An event that is replayed later than that is new again.
pub const HANDLED_EVENTS_ARE_KNOWN: TimeDelta = TimeDelta::days(30);

/// Does something when it hears of an event.
#[async_trait]
pub trait EventHandler: Send + Sync {
    /// Whether it does anything about this event at all.
    fn wants(&self, event: &StoredEvent) -> bool;

    /// Does it, in bounded time.
    async fn handle(&self, event: &StoredEvent) -> Result<(), Undelivered>;
}

/// Whether it is one's turn to handle an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is, and nobody else's until then.
    Mine,
    /// Somebody else is about it.
    Elsewhere,
    /// It was handled.
    Over,
}

/// Remembers for each subscriber which events it has handled.
///
/// An effect outside the database cannot be kept together with the memory of it: whoever dies, loses the answer, or loses
/// the database between the two has the event handled twice. In all other cases it is handled once, however often and wherever it arrives.
#[async_trait]
pub trait HandledEvents: Send + Sync {
    /// Takes an event for oneself until `until`. Of several who ask at once, one gets it.
    async fn take(
        &self,
        subscriber: &str,
        event: EventId,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Turn, StoreError>;

    /// Remembers that the event was handled.
    async fn remember(&self, subscriber: &str, event: EventId, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Gives an event back that was taken and not handled.
    async fn give_back(&self, subscriber: &str, event: EventId) -> Result<(), StoreError>;

    /// Forgets events that were taken until before `before`, at most `limit` of them; how many.
    async fn forget_handled(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}
