//! A batch: items that travel together.

use chrono::{DateTime, Utc};

use crate::{
    Alias, BatchId, CannotDelete, Changed, Item, ItemStatus, Named, Refused, ShippingEvent, TrackingNumber, TransportId,
};

/// Items that travel together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    id: BatchId,
    alias: Alias,
    state: BatchState,
    created_at: DateTime<Utc>,
}

/// Where a batch is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchState {
    /// Being packed, and on no transport.
    Open,
    /// On a transport that has not left yet; still being packed.
    Loaded {
        /// The transport.
        transport_id: TransportId,
    },
    /// On the road.
    Departed {
        /// The transport.
        transport_id: TransportId,
    },
    /// Arrived.
    Completed {
        /// The transport that brought it.
        transport_id: TransportId,
        /// When it arrived.
        at: DateTime<Utc>,
    },
}

/// Why an item may not go into a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotPack {
    /// The batch has arrived.
    #[error("batch {0} is completed")]
    BatchCompleted(Alias),
    /// The batch is on the road.
    #[error("batch {0} has departed")]
    BatchDeparted(Alias),
    /// The item is delivered, damaged or lost.
    #[error("item {tracking_number} is {status} and cannot be added to a batch")]
    InvalidStatus {
        /// The item.
        tracking_number: TrackingNumber,
        /// What it is.
        status: ItemStatus,
    },
    /// The item sits in another open batch.
    #[error("item {0} is in another open batch")]
    NotAvailable(TrackingNumber),
    /// There is no item by this label.
    #[error("there is no item {0}")]
    UnknownItem(String),
}

/// Why nothing about a batch may change any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotChangeBatch {
    /// The batch has arrived.
    #[error("batch {0} is completed")]
    Completed(Alias),
    /// The batch is on the road.
    #[error("batch {0} has departed")]
    Departed(Alias),
}

/// Why an item may not come out of a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotUnpack {
    /// The batch has left, or arrived.
    #[error(transparent)]
    BatchClosed(#[from] CannotChangeBatch),
    /// There is no item by this label.
    #[error("there is no item {0}")]
    UnknownItem(String),
}

impl Batch {
    /// Opens a batch, empty.
    pub fn open(id: BatchId, alias: Alias, now: DateTime<Utc>) -> Self {
        Self { id, alias, state: BatchState::Open, created_at: now }
    }

    /// Whether items can still go in.
    pub fn accepts_items(&self) -> Result<(), CannotPack> {
        match self.state {
            BatchState::Open | BatchState::Loaded { .. } => Ok(()),
            BatchState::Departed { .. } => Err(CannotPack::BatchDeparted(self.alias.clone())),
            BatchState::Completed { .. } => Err(CannotPack::BatchCompleted(self.alias.clone())),
        }
    }

    /// Takes `item` in. An item that is in already stays as it is, and nothing is announced.
    pub fn pack(&self, item: &mut Item, now: DateTime<Utc>) -> Result<Option<ShippingEvent>, CannotPack> {
        self.accepts_items()?;
        match item.packing() {
            Some(packing) if packing.batch_id == self.id => return Ok(None),
            Some(_) => return Err(CannotPack::NotAvailable(item.tracking_number().clone())),
            None => {}
        }
        let status = item.status();
        if !matches!(status, ItemStatus::Created | ItemStatus::Moving) {
            return Err(CannotPack::InvalidStatus { tracking_number: item.tracking_number().clone(), status });
        }

        item.pack_into(self.id, now);
        Ok(Some(ShippingEvent::ItemAddedToBatch {
            item_id: item.id(),
            tracking_number: item.tracking_number().clone(),
            alias: self.alias.clone(),
        }))
    }

    /// Takes all the named items in, or none of them.
    pub fn pack_all(&self, items: Named<Item>, now: DateTime<Utc>) -> Result<Changed<Item>, Vec<Refused<CannotPack>>> {
        items.change_each(CannotPack::UnknownItem, |it| self.pack(it, now))
    }

    /// Whether it can still be changed: what has left is as it left.
    pub fn accepts_changes(&self) -> Result<(), CannotChangeBatch> {
        match self.state {
            BatchState::Open | BatchState::Loaded { .. } => Ok(()),
            BatchState::Departed { .. } => Err(CannotChangeBatch::Departed(self.alias.clone())),
            BatchState::Completed { .. } => Err(CannotChangeBatch::Completed(self.alias.clone())),
        }
    }

    /// Goes by another name.
    pub fn rename(&mut self, alias: Alias) -> Result<(), CannotChangeBatch> {
        self.accepts_changes()?;

        self.alias = alias;
        Ok(())
    }

    /// Lets `item` out. An item that is not in it stays as it is, and nothing is announced.
    pub fn unpack(&self, item: &mut Item) -> Result<Option<ShippingEvent>, CannotChangeBatch> {
        self.accepts_changes()?;
        if item.packing().is_none_or(|it| it.batch_id != self.id) {
            return Ok(None);
        }

        item.take_out();
        Ok(Some(ShippingEvent::ItemRemovedFromBatch {
            item_id: item.id(),
            tracking_number: item.tracking_number().clone(),
            alias: self.alias.clone(),
        }))
    }

    /// Lets all the named items out, or none of them.
    pub fn unpack_all(&self, items: Named<Item>) -> Result<Changed<Item>, Vec<Refused<CannotUnpack>>> {
        items.change_each(CannotUnpack::UnknownItem, |it| self.unpack(it).map_err(CannotUnpack::from))
    }

    /// Whether it can be deleted: not with something in it, nor once it is on a transport. `items` are all that sit in it.
    pub fn can_be_deleted(&self, items: &[Item]) -> Result<(), CannotDelete> {
        match self.state {
            BatchState::Open if items.is_empty() => Ok(()),
            BatchState::Open => Err(CannotDelete::BatchPacked(self.alias.clone())),
            BatchState::Loaded { .. } | BatchState::Departed { .. } | BatchState::Completed { .. } => {
                Err(CannotDelete::BatchLoaded(self.alias.clone()))
            }
        }
    }

    /// Moves on to `state`. Called by the transport, which knows the rules.
    pub(crate) fn enter(&mut self, state: BatchState) {
        self.state = state;
    }

    /// Its identifier.
    pub fn id(&self) -> BatchId {
        self.id
    }

    /// Its name.
    pub fn alias(&self) -> &Alias {
        &self.alias
    }

    /// Where it is on its way.
    pub fn state(&self) -> BatchState {
        self.state
    }

    /// The transport it is or was on.
    pub fn transport_id(&self) -> Option<TransportId> {
        match self.state {
            BatchState::Open => None,
            BatchState::Loaded { transport_id }
            | BatchState::Departed { transport_id }
            | BatchState::Completed { transport_id, .. } => Some(transport_id),
        }
    }

    /// When it was opened.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }
}

/// Everything a store must keep to bring a batch back, unjudged: rules guard transitions, never history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Batch`")]
pub struct BatchSnapshot {
    pub id: BatchId,
    pub alias: Alias,
    pub state: BatchState,
    pub created_at: DateTime<Utc>,
}

impl Batch {
    /// What a store keeps.
    pub fn snapshot(&self) -> BatchSnapshot {
        let Self { id, alias, state, created_at } = self.clone();
        BatchSnapshot { id, alias, state, created_at }
    }
}

impl From<BatchSnapshot> for Batch {
    fn from(BatchSnapshot { id, alias, state, created_at }: BatchSnapshot) -> Self {
        Self { id, alias, state, created_at }
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
