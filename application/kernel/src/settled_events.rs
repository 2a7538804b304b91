//! Events that no relay touches any more: those that were delivered, and those that were given up on.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel_domain::{CorrelationId, EventId, StoreError};
use uuid::Uuid;

/// For how long delivered events are kept: long enough to find out on Monday what happened on Friday.
pub const DELIVERED_EVENTS_ARE_KEPT: TimeDelta = TimeDelta::days(7);

/// An event that was tried often enough for one subscriber. The later events of its aggregate wait until somebody
/// decides: to replay it, or to drop it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it stands among the events, the oldest first.
    pub position: i64,
    /// Who did not get it.
    pub subscriber: String,
    /// Which event it is.
    pub event: EventId,
    /// The context it comes from.
    pub context: String,
    /// Its stable name.
    pub name: String,
    /// The kind of thing it happened to.
    pub aggregate_kind: String,
    /// Which one of its kind.
    pub aggregate_id: Uuid,
    /// The version of that.
    pub aggregate_version: i64,
    /// Its content; none if that is confidential, or cannot be read.
    pub data: Option<Vec<(String, String)>>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The request that caused it.
    pub correlation_id: Option<CorrelationId>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was not taken, the last time; nothing if nobody wrote that down yet when it was parked.
    pub reason: Option<String>,
    /// How many later events of its aggregate wait for it.
    pub waiting: u64,
}

/// What became of events, for whoever looks after them. Works beside any number of relays.
#[async_trait]
pub trait SettledEvents: Send + Sync {
    /// The dead letters after this position, the oldest first, at most `limit`.
    async fn dead_letters(&self, after: i64, limit: u32) -> Result<Vec<DeadLetter>, StoreError>;

    /// Has a dead letter delivered after all, as if it had never been tried; of one subscriber, or of all that did not
    /// get it. How many there were. The later events of its aggregate follow it in order.
    async fn replay(&self, event: EventId, subscriber: Option<&str>) -> Result<u64, StoreError>;

    /// Gives a dead letter up for good, and frees the later events of its aggregate. How many there were.
    async fn drop_letter(&self, event: EventId, subscriber: Option<&str>) -> Result<u64, StoreError>;

    /// Forgets delivered events that happened before `before`, at most `limit` of each subscriber's; how many.
    async fn forget_delivered(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}
