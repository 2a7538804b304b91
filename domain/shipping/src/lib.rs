//! Shipping: items travel in batches, batches travel on transports.
//!
//! Each rule is a method of an entity that refuses with a typed `CannotX` and, when it refuses,
//! changes nothing. Time and ids come in as arguments.

mod batch;
mod center_code;
mod deletion;
mod events;
mod identifiers;
mod item;
mod named;
mod plan;
mod repository;
mod route;
mod transport;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use batch::{Batch, BatchSnapshot, BatchState, CannotChangeBatch, CannotPack, CannotUnpack};
pub use center_code::{CenterCode, InvalidCenterCode};
pub use deletion::CannotDelete;
pub use events::ShippingEvent;
pub use identifiers::{Alias, InvalidAlias, InvalidSku, InvalidTrackingNumber, Sku, TrackingNumber};
pub use item::{CannotChangeStatus, Item, ItemSnapshot, ItemState, ItemStatus, Packing};
pub use named::{Changed, Named, Refused};
pub use plan::{CannotPlan, Plan};
pub use repository::{BatchRepository, ItemRepository, ShippingStore, ShippingWork, TransportRepository};
#[cfg(feature = "testing")]
pub use repository::{MockBatchRepository, MockItemRepository, MockTransportRepository};
pub use route::{CircularRoute, Route};
pub use transport::{
    CannotComplete, CannotLoad, CannotReplan, CannotStart, Cargo, Departure, Transport, TransportSnapshot,
    TransportState,
};

kernel_domain::typed_id!(
    /// Identifies an [`Item`].
    ItemId
);
kernel_domain::typed_id!(
    /// Identifies a [`Batch`].
    BatchId
);
kernel_domain::typed_id!(
    /// Identifies a [`Transport`].
    TransportId
);
kernel_domain::typed_id!(
    /// Identifies the person at the wheel; the user context knows the rest.
    DriverId
);
