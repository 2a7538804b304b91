//! What every use case needs, whatever its context: the time, fresh ids, who asks, and pages.
//!
//! **Invariant:** nothing here knows about a particular context or technology.

mod actor;
mod bulk;
mod clock;
mod deliveries;
mod handled_events;
mod idempotency;
mod ids;
mod international_form;
mod page;
mod pause;
mod record;
mod retry;
mod secrets;
mod settled_events;
mod throttle;
mod trace;
mod transaction_scope;

#[cfg(feature = "testing")]
pub mod testing;

pub use actor::{Actor, Denied, Identity, Operation, Rights};
pub use bulk::MAX_ENTRIES;
pub use clock::Clock;
pub use deliveries::{
    ClaimLimits, Deliveries, Delivery, DeliveryOutcome, Publisher, StoredEvent, Undelivered, WireEntry,
};
pub use handled_events::{EventHandler, HANDLED_EVENTS_ARE_KNOWN, HandledEvents, Turn};
pub use idempotency::{ANSWERS_ARE_KEPT, Idempotency, KeptAnswer, KeptRequest, Once, RequestKey, Work};
pub use ids::Ids;
pub use international_form::InternationalForm;
pub use page::{Cursor, Direction, Page, PageNumber, PageRequest, PageStart, Place};
pub use pause::Pauses;
pub use record::record;
pub use retry::{MAX_RETRIES, MayPass, retried};
pub use secrets::{KeyedHash, Sealing};
pub use settled_events::{DELIVERED_EVENTS_ARE_KEPT, DeadLetter, SettledEvents};
#[cfg(feature = "testing")]
pub use throttle::MockThrottle;
pub use throttle::{Rate, Throttle, Verdict};
pub use trace::TraceParent;
pub use transaction_scope::{ScopedWork, TransactionScope};
