//! Events on their way out of a context, and the outbox that carries them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{CorrelationId, StoreError};

crate::typed_id!(
    /// Identifies one occurrence of an event; whoever receives it twice sees the same id twice.
    EventId
);

/// The thing an event happened to. Events of one aggregate are delivered in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Aggregate {
    /// The kind of aggregate: `transport`.
    pub kind: &'static str,
    /// Which one of its kind.
    pub id: Uuid,
}

/// A fact of one context, in that context's words.
pub trait DomainEvent {
    /// The context that speaks: `shipping`.
    const CONTEXT: &'static str;

    /// The name that others subscribe to; renaming a variant must not change it.
    fn name(&self) -> &'static str;

    /// What it happened to.
    fn aggregate(&self) -> Aggregate;

    /// What there is to know, by the names of the published language.
    fn data(&self) -> Vec<(&'static str, String)>;

    /// Whether what there is to know is a secret: then it is sealed wherever it is kept, and forgotten once
    /// it is delivered.
    fn is_confidential(&self) -> bool {
        false
    }

    /// Whether nobody hears of it: it is kept as any other, so that keeping it takes as long, and delivered to no one.
    fn is_withheld(&self) -> bool {
        false
    }
}

/// An event with all that makes it one occurrence, ready for the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// This occurrence.
    pub id: EventId,
    /// The context it comes from.
    pub context: &'static str,
    /// Its stable name.
    pub name: &'static str,
    /// What it happened to.
    pub aggregate: Aggregate,
    /// Its content: names and values of the published language.
    pub data: Vec<(&'static str, String)>,
    /// Whether that is a secret.
    pub is_confidential: bool,
    /// Whether nobody hears of it.
    pub is_withheld: bool,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The request that caused it.
    pub correlation_id: CorrelationId,
}

/// Events appended here are published if, and only if, the unit of work commits.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Outbox: Send {
    /// Adds `events` in this order, each under the version that its aggregate has in this unit
    /// of work: the aggregate is saved first, and one save carries one event.
    async fn append(&mut self, events: &[RecordedEvent]) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Happened;

    impl DomainEvent for Happened {
        const CONTEXT: &'static str = "tests";

        fn name(&self) -> &'static str {
            "happened"
        }

        fn aggregate(&self) -> Aggregate {
            Aggregate { kind: "test", id: Uuid::nil() }
        }

        fn data(&self) -> Vec<(&'static str, String)> {
            Vec::new()
        }
    }

    #[test]
    fn an_event_is_no_secret_and_goes_out_unless_it_says_otherwise() {
        assert!(!Happened.is_confidential() && !Happened.is_withheld());
    }
}
