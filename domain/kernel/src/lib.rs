//! The shared kernel: the few words every bounded context speaks.
//!
//! **Invariant:** nothing here knows about a particular context, and nothing here does I/O.

mod correlation;
mod event;
mod phone_number;
mod store_error;
mod typed_id;

pub use correlation::CorrelationId;
#[cfg(feature = "testing")]
pub use event::MockOutbox;
pub use event::{Aggregate, DomainEvent, EventId, Outbox, RecordedEvent};
pub use phone_number::{InvalidPhoneNumber, PhoneNumber};
pub use store_error::{BoxError, StoreError};

#[doc(hidden)]
pub use uuid;
