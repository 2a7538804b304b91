//! The read side: rows straight to views, without entities or units of work.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel_application::{Direction, Page, PageRequest};
use kernel_domain::StoreError;
use shipping_domain::{
    Alias, BatchId, CenterCode, DriverId, Item, ItemId, ItemState, ItemStatus, TrackingNumber, Transport, TransportId,
    TransportState,
};

use crate::{Center, Person};

/// An item, with every batch it was ever in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemView {
    /// Its identifier.
    pub id: ItemId,
    /// The number on its label.
    pub tracking_number: TrackingNumber,
    /// The seller's article number; may be empty.
    pub sku: String,
    /// How it fares.
    pub status: ItemStatus,
    /// The batches it was put into, newest first.
    pub history: Vec<PastBatch>,
    /// The center it was last brought to.
    pub current_center: Option<CenterCode>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When it was delivered.
    pub completed_at: Option<DateTime<Utc>>,
}

impl ItemView {
    /// An item as a use case left it, with the batches it was put into.
    pub(crate) fn of(item: &Item, history: Vec<PastBatch>) -> Self {
        Self {
            id: item.id(),
            tracking_number: item.tracking_number().clone(),
            sku: item.sku().as_str().to_owned(),
            status: item.status(),
            history,
            current_center: item.current_center().cloned(),
            created_at: item.created_at(),
            completed_at: match item.state() {
                ItemState::Completed { at } => Some(at),
                ItemState::Created | ItemState::Moving | ItemState::Damaged | ItemState::Lost => None,
            },
        }
    }
}

/// A batch that an item is or was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastBatch {
    /// The batch.
    pub alias: Alias,
    /// Whether it has arrived.
    pub completed: bool,
    /// The transport it is or was on, and its route's two ends.
    pub transport: Option<(TransportId, CenterCode, CenterCode)>,
}

/// A batch, as shipping alone knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchSummary {
    /// Its identifier.
    pub id: BatchId,
    /// Its name.
    pub alias: Alias,
    /// Whether it has arrived.
    pub completed: bool,
    /// The transport it is or was on.
    pub transport: Option<TransportSummary>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it arrived.
    pub completed_at: Option<DateTime<Utc>>,
}

/// A transport, as shipping alone knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportSummary {
    /// Its identifier.
    pub id: TransportId,
    /// Whether it has arrived.
    pub completed: bool,
    /// How many batches it carries.
    pub batch_count: u64,
    /// Where it starts.
    pub source: CenterCode,
    /// Where it ends.
    pub destination: CenterCode,
    /// Who drives, drove or is going to.
    pub driver_id: Option<DriverId>,
    /// When it was planned.
    pub created_at: DateTime<Utc>,
    /// When it left.
    pub departed_at: Option<DateTime<Utc>>,
    /// When it arrived.
    pub arrived_at: Option<DateTime<Utc>>,
}

impl TransportSummary {
    /// A transport as a use case left it, with this many batches on it.
    pub(crate) fn of(transport: &Transport, batches: usize) -> Self {
        let (departed_at, arrived_at) = match transport.state() {
            TransportState::Planned { .. } => (None, None),
            TransportState::InTransit { departed_at, .. } => (Some(departed_at), None),
            TransportState::Arrived { departed_at, arrived_at, .. } => (Some(departed_at), Some(arrived_at)),
        };
        Self {
            id: transport.id(),
            completed: arrived_at.is_some(),
            batch_count: u64::try_from(batches).unwrap_or(u64::MAX),
            source: transport.route().source().clone(),
            destination: transport.route().destination().clone(),
            driver_id: transport.driver_id(),
            created_at: transport.created_at(),
            departed_at,
            arrived_at,
        }
    }
}

/// A transport with its centers and its driver, which it may share with others of the same list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportView {
    /// What shipping knows.
    pub summary: TransportSummary,
    /// Where it starts, unless that center is no more.
    pub source: Option<Arc<Center>>,
    /// Where it ends, unless that center is no more.
    pub destination: Option<Arc<Center>>,
    /// Who drives, unless nobody does or that user is no more.
    pub driver: Option<Arc<Person>>,
}

/// A batch with its transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchView {
    /// What shipping knows; its `transport` is told in full beside it.
    pub summary: BatchSummary,
    /// The transport it is or was on.
    pub transport: Option<TransportView>,
}

/// Which items. Empty means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemFilter {
    /// Only those that fare so.
    pub status: Option<ItemStatus>,
    /// Only those that are or were in this batch.
    pub batch: Option<BatchId>,
}

/// Which batches. Empty means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchFilter {
    /// Only those that have arrived, or have not.
    pub completed: Option<bool>,
    /// Only those that are or were on this transport.
    pub transport: Option<TransportId>,
}

/// Which transports. Empty means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransportFilter {
    /// Only those that have arrived, or have not.
    pub completed: Option<bool>,
    /// Only those of this driver.
    pub driver: Option<DriverId>,
    /// Only those of this driver, who may see no others, beside whatever else is asked for.
    pub seen_by: Option<DriverId>,
    /// Only those that start here.
    pub source: Option<CenterCode>,
    /// Only those that end here.
    pub destination: Option<CenterCode>,
}

/// What items can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemOrder {
    /// When they were registered.
    Created,
    /// When they were delivered.
    Completed,
}

/// What batches can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchOrder {
    /// When they were opened.
    Created,
    /// When they arrived.
    Completed,
}

/// What transports can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportOrder {
    /// When they were planned.
    Created,
    /// When they left.
    Departed,
    /// When they arrived.
    Arrived,
}

/// Reads what shipping owns, each in a fixed number of statements whatever the size of the page.
///
/// A list comes in the order asked for, or newest first. What ties is ordered by when it came to be,
/// in the direction asked for last, and then by id, so that pages never overlap. What has no time
/// yet sorts as the oldest. A page past the end is `None`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ShippingQueries: Send + Sync {
    /// The item with this number.
    async fn item(&self, tracking_number: &TrackingNumber) -> Result<Option<ItemView>, StoreError>;

    /// The batches that each of these items was put into, newest first; nothing for those that never were in any. One
    /// statement for every few hundred items.
    async fn histories(&self, items: &[ItemId]) -> Result<HashMap<ItemId, Vec<PastBatch>>, StoreError>;

    /// A page of items.
    async fn items(
        &self,
        filter: &ItemFilter,
        order: &[(ItemOrder, Direction)],
        page: PageRequest,
    ) -> Result<Option<Page<ItemView>>, StoreError>;

    /// The batch with this alias.
    async fn batch(&self, alias: &Alias) -> Result<Option<BatchSummary>, StoreError>;

    /// These batches, at most [`MAX_ENTRIES`](kernel_application::MAX_ENTRIES), in any order, whatever they are called by
    /// now.
    async fn batches_by_id(&self, batches: &[BatchId]) -> Result<Vec<BatchSummary>, StoreError>;

    /// A page of batches.
    async fn batches(
        &self,
        filter: &BatchFilter,
        order: &[(BatchOrder, Direction)],
        page: PageRequest,
    ) -> Result<Option<Page<BatchSummary>>, StoreError>;

    /// The transport with this id.
    async fn transport(&self, id: TransportId) -> Result<Option<TransportSummary>, StoreError>;

    /// Whether a transport that has not arrived starts or ends at this center.
    async fn is_center_used(&self, center: &CenterCode) -> Result<bool, StoreError>;

    /// A page of transports.
    async fn transports(
        &self,
        filter: &TransportFilter,
        order: &[(TransportOrder, Direction)],
        page: PageRequest,
    ) -> Result<Option<Page<TransportSummary>>, StoreError>;
}
