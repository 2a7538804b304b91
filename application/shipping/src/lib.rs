//! Shipping use cases. One file each; the file name is the use case.

use std::sync::Arc;

use kernel_application::{Actor, Clock, Ids, Pauses, record};
use kernel_domain::RecordedEvent;
use shipping_domain::{ShippingEvent, ShippingStore};

mod change_item;
mod complete_transport;
mod delete_batch;
mod delete_item;
mod delete_transport;
mod find_batches;
mod find_items;
mod find_transports;
mod load_batches;
mod open_batch;
mod operations;
mod pack_items;
mod plan_transport;
mod ports;
mod queries;
mod reach;
mod register_item;
mod rename_batch;
mod replan_transport;
mod retries;
mod start_transport;
mod unpack_items;

#[cfg(feature = "testing")]
pub mod testing;

pub use change_item::{ChangeItem, ChangeItemError};
pub use complete_transport::{CompleteTransport, CompleteTransportError};
pub use delete_batch::DeleteBatchError;
pub use delete_item::DeleteItemError;
pub use delete_transport::DeleteTransportError;
pub use find_batches::FindBatchError;
pub use find_items::FindItemError;
pub use find_transports::FindTransportError;
pub use load_batches::{LoadBatches, LoadBatchesError};
pub use open_batch::{OpenBatch, OpenBatchError};
pub use operations::{DRIVE, READ, WRITE};
pub use pack_items::{PackItems, PackItemsError};
pub use plan_transport::{PlanTransport, PlanTransportError};
pub use ports::{Center, CenterDirectory, Driver, DriverDirectory, Person, Role};
#[cfg(feature = "testing")]
pub use ports::{MockCenterDirectory, MockDriverDirectory};
#[cfg(feature = "testing")]
pub use queries::MockShippingQueries;
pub use queries::{
    BatchFilter, BatchOrder, BatchSummary, BatchView, ItemFilter, ItemOrder, ItemView, PastBatch, ShippingQueries,
    TransportFilter, TransportOrder, TransportSummary, TransportView,
};
pub use register_item::{RegisterItem, RegisterItemError};
pub use rename_batch::{NewAlias, RenameBatch, RenameBatchError};
pub use replan_transport::{NewDriver, ReplanTransport, ReplanTransportError};
pub use start_transport::{StartTransport, StartTransportError};
pub use unpack_items::{UnpackItems, UnpackItemsError};

/// The shipping context, as the outside sees it: its driving port.
pub struct Shipping {
    /// Where units of work begin.
    pub store: Arc<dyn ShippingStore>,
    /// The read side.
    pub queries: Arc<dyn ShippingQueries>,
    /// Who can drive.
    pub drivers: Arc<dyn DriverDirectory>,
    /// Where transports can go.
    pub centers: Arc<dyn CenterDirectory>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids, tracking numbers and aliases.
    pub ids: Arc<dyn Ids>,
    /// Waiting, before something is tried again.
    pub pauses: Arc<dyn Pauses>,
}

impl Shipping {
    /// Makes the events of one unit of work ready for the outbox.
    fn recorded(&self, events: &[ShippingEvent], actor: &Actor) -> Vec<RecordedEvent> {
        let now = self.clock.now();
        events.iter().map(|event| record(event, &actor.correlation_id, &*self.ids, now)).collect()
    }
}
