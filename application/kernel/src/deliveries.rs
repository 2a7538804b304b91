//! Events on their way from the outbox to whoever wants them.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel_domain::{BoxError, CorrelationId, EventId, StoreError};
use uuid::Uuid;

use crate::TraceParent;

/// An event as the outbox kept it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// This occurrence: whoever receives it twice sees the same id twice.
    pub id: EventId,
    /// The context it comes from.
    pub context: String,
    /// Its stable name.
    pub name: String,
    /// The kind of thing it happened to.
    pub aggregate_kind: String,
    /// Which one of its kind.
    pub aggregate_id: Uuid,
    /// The aggregate's version; the events of one aggregate are delivered by rising versions.
    pub aggregate_version: i64,
    /// Its content: names and values of the published language.
    pub data: Vec<(String, String)>,
    /// Whether that is a secret, which no log may show.
    pub is_confidential: bool,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The request that caused it.
    pub correlation_id: CorrelationId,
    /// The step of a trace that it followed from, if that was traced.
    pub trace_parent: Option<TraceParent>,
}

/// An event that one relay has for itself until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The event.
    pub event: StoredEvent,
    /// How often it was claimed, this time included.
    pub attempts: u32,
    /// Which claim this is: a relay that lost its lease has an old number, and is not heard.
    pub fence: i64,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It arrived.
    Delivered,
    /// It did not, and is tried again at this time.
    RetryAt(DateTime<Utc>),
    /// It was tried often enough: it is parked, and its aggregate's later events with it.
    Parked {
        /// Why it was not taken, the last time. No more than the first 200 characters are kept.
        reason: String,
    },
    /// It was not tried, or whoever it is for could not be reached: it is due again, and the attempt does not count.
    Released,
}

/// How much to claim, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimLimits {
    /// The most events in one claim.
    pub events: u32,
    /// How long the claim holds unless it is settled before.
    pub lease: TimeDelta,
}

/// The queue of events for one subscriber. Any number of relays may share it.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Claims events that are due, by whole aggregates and in the order of their versions: no
    /// other relay gets an event of an aggregate while one of its events is claimed. The attempt
    /// is counted here, so that a relay that dies leaves a trace.
    async fn claim(&self, owner: Uuid, limits: ClaimLimits, now: DateTime<Utc>) -> Result<Vec<Delivery>, StoreError>;

    /// Settles claims. One whose lease was lost to another relay is left alone.
    async fn settle(&self, owner: Uuid, settled: &[(Delivery, DeliveryOutcome)]) -> Result<(), StoreError>;

    /// Completes as soon as this process has committed an event for this subscriber since the last time. Those of
    /// other processes are found by claiming now and then.
    async fn added(&self);
}

/// Why an event did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// This event is not taken, and others may be: it is tried again a few times, and parked in the end.
    #[error("the event was refused")]
    Refused(#[source] BoxError),
    /// Nobody could be reached who would take events, or nobody knows whether they were: that is not the event's fault,
    /// and no number of attempts is too many.
    #[error("whoever the event is for cannot be reached")]
    Unreachable(#[source] BoxError),
}

impl From<StoreError> for Undelivered {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unreachable(error.into()),
            StoreError::Duplicate { .. }
            | StoreError::Conflict(_)
            | StoreError::Contended(_)
            | StoreError::Corrupt { .. } => Self::Refused(error.into()),
        }
    }
}

/// What an event looks like outside the process, whoever takes it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireEntry {
    /// Who tells of it.
    pub source: String,
    /// Its stable name.
    pub detail_type: String,
    /// The rest, as a JSON object.
    pub detail: String,
    /// The step of a trace that it followed from, as AWS X-Ray writes it.
    pub trace_header: Option<String>,
}

/// Takes events out of the process: to a log, to a bus.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Publishes events in this order; the answer tells each one's fate.
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), Undelivered>>;
}
