//! The store of distribution: what every adapter promises.

use async_trait::async_trait;
use kernel_domain::StoreError;

use crate::{Center, CenterId};

/// Opens units of work over everything that distribution owns.
#[async_trait]
pub trait DistributionStore: Send + Sync {
    /// Begins a unit of work.
    async fn begin(&self) -> Result<Box<dyn DistributionWork>, StoreError>;
}

/// One unit of work: all of it is kept on [`commit`](Self::commit), none of it otherwise.
#[async_trait]
pub trait DistributionWork: Send {
    /// The centers.
    fn centers(&mut self) -> &mut dyn CenterRepository;
    /// Keeps everything.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Centers, by id.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CenterRepository: Send {
    /// Keeps a new center. [`StoreError::Duplicate`] with `center_code` if that code is taken.
    async fn add(&mut self, center: &Center) -> Result<(), StoreError>;

    /// The center with this id; nobody else changes it until this unit of work ends.
    async fn find(&mut self, id: CenterId) -> Result<Option<Center>, StoreError>;

    /// Keeps changes to a center that this unit of work found. [`StoreError::Conflict`] if somebody else changed or
    /// removed it meanwhile.
    async fn save(&mut self, center: &Center) -> Result<(), StoreError>;

    /// Forgets a center that this unit of work found. [`StoreError::Conflict`] as for a change. Its code is free again.
    async fn remove(&mut self, center: &Center) -> Result<(), StoreError>;
}
