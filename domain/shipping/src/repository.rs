//! The store of shipping: what every adapter promises.
//!
//! Locks are taken in one order, so that units of work do not block each other for ever:
//! the transport, its batches by id, the items by id, then the outbox.

use async_trait::async_trait;
use kernel_domain::{Outbox, StoreError};

use crate::{Alias, Batch, BatchId, Cargo, DriverId, Item, TrackingNumber, Transport, TransportId};

/// Opens units of work over everything that shipping owns.
#[async_trait]
pub trait ShippingStore: Send + Sync {
    /// Begins a unit of work.
    async fn begin(&self) -> Result<Box<dyn ShippingWork>, StoreError>;
}

/// One unit of work: all of it is kept on [`commit`](Self::commit), none of it otherwise.
///
/// What it found is its own until it ends: another unit of work that wants the same aggregate
/// waits, or is refused with [`StoreError::Conflict`] or [`StoreError::Contended`].
///
/// What it was only told of, because it sits in or on what it found
/// ([`carried_by`](BatchRepository::carried_by), [`cargo`](TransportRepository::cargo),
/// [`packed_in`](ItemRepository::packed_in)), becomes its own when it is saved: if another unit of work
/// changed it in between, that is refused with [`StoreError::Conflict`].
#[async_trait]
pub trait ShippingWork: Send {
    /// The parcels.
    fn items(&mut self) -> &mut dyn ItemRepository;
    /// The batches.
    fn batches(&mut self) -> &mut dyn BatchRepository;
    /// The transports.
    fn transports(&mut self) -> &mut dyn TransportRepository;
    /// The events that go out with this unit of work.
    fn outbox(&mut self) -> &mut dyn Outbox;
    /// Keeps everything.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Items, by tracking number.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ItemRepository: Send {
    /// Keeps a new item. [`StoreError::Duplicate`] with `tracking_number` if that number is
    /// taken; the unit of work can go on.
    async fn add(&mut self, item: &Item) -> Result<(), StoreError>;

    /// The items with these numbers, in any order; unknown numbers are left out.
    async fn find(&mut self, tracking_numbers: &[TrackingNumber]) -> Result<Vec<Item>, StoreError>;

    /// Every item that sits in this open batch. Whoever found the batch knows that none goes in or
    /// comes out meanwhile.
    async fn packed_in(&mut self, batch: BatchId) -> Result<Vec<Item>, StoreError>;

    /// Keeps changes to items that this unit of work found. An item that left its batch keeps
    /// the batch in its history.
    async fn save(&mut self, items: &[Item]) -> Result<(), StoreError>;

    /// Keeps changes to items that this unit of work found and took out of their batch before it
    /// left: nothing remembers that they were in it.
    async fn save_taken_out(&mut self, items: &[Item]) -> Result<(), StoreError>;

    /// Forgets an item that this unit of work found, and its history with it.
    async fn remove(&mut self, item: &Item) -> Result<(), StoreError>;
}

/// Batches, by alias.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait BatchRepository: Send {
    /// Keeps a new batch. [`StoreError::Duplicate`] with `alias` if that alias is taken; the
    /// unit of work can go on.
    async fn add(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// The batches with these aliases, in any order; unknown aliases are left out.
    async fn find(&mut self, aliases: &[Alias]) -> Result<Vec<Batch>, StoreError>;

    /// Every batch on a transport, by id. Whoever found the transport knows that none goes on
    /// meanwhile.
    async fn carried_by(&mut self, transport: TransportId) -> Result<Vec<Batch>, StoreError>;

    /// Keeps changes to batches that this unit of work found. [`StoreError::Duplicate`] with `alias`
    /// if one of them got an alias that is taken; the unit of work can go on.
    async fn save(&mut self, batches: &[Batch]) -> Result<(), StoreError>;

    /// Forgets an empty batch that this unit of work found.
    async fn remove(&mut self, batch: &Batch) -> Result<(), StoreError>;
}

/// Transports, by id.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TransportRepository: Send {
    /// Keeps a new transport.
    async fn add(&mut self, transport: &Transport) -> Result<(), StoreError>;

    /// The transport with this id.
    async fn find(&mut self, id: TransportId) -> Result<Option<Transport>, StoreError>;

    /// Every batch on a transport and every item that sits in one of them, by id. Whoever found the
    /// transport knows that no batch goes on meanwhile; once it has left, no item goes in or comes out
    /// either.
    async fn cargo(&mut self, transport: TransportId) -> Result<Cargo, StoreError>;

    /// Whether a driver is on the road, with any transport.
    async fn is_on_the_road(&mut self, driver: DriverId) -> Result<bool, StoreError>;

    /// Keeps changes to a transport that this unit of work found. [`StoreError::Duplicate`]
    /// with `driver_uuid` if its driver went on the road with another one in the meantime.
    async fn save(&mut self, transport: &Transport) -> Result<(), StoreError>;

    /// Forgets a transport that this unit of work found and that carries nothing.
    async fn remove(&mut self, transport: &Transport) -> Result<(), StoreError>;
}
