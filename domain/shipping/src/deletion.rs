//! Why something that others refer to stays.

use crate::{Alias, TrackingNumber, TransportId};

/// Why an item, a batch or a transport may not be deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotDelete {
    /// The item sits in an open batch.
    #[error("item {0} is in an open batch")]
    ItemPacked(TrackingNumber),
    /// There are items in the batch.
    #[error("batch {0} has items")]
    BatchPacked(Alias),
    /// The batch is or was on a transport.
    #[error("batch {0} is on a transport")]
    BatchLoaded(Alias),
    /// The transport carries batches.
    #[error("transport {0} carries batches")]
    TransportLoaded(TransportId),
    /// The transport has left: it is history.
    #[error("transport {0} has departed")]
    TransportDeparted(TransportId),
}
