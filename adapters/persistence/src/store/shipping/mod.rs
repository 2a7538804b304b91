//! Shipping's store: one unit of work, seen through shipping's ports.

mod batch_views;
mod batches;
mod item_views;
mod items;
mod queries;
mod transport_views;
mod transports;

use std::collections::HashMap;

use async_trait::async_trait;
use kernel_domain::{Outbox, RecordedEvent, StoreError};
use shipping_domain::{
    BatchRepository, ItemId, ItemRepository, Packing, ShippingStore, ShippingWork, TransportRepository,
};

use super::{Stores, Unit};

#[async_trait]
impl ShippingStore for Stores {
    async fn begin(&self) -> Result<Box<dyn ShippingWork>, StoreError> {
        Ok(Box::new(Work { unit: self.begin_unit().await?, packed: HashMap::new() }))
    }
}

struct Work {
    unit: Unit,
    /// Where each item was packed when it was found: only what changed is written.
    packed: HashMap<ItemId, Option<Packing>>,
}

#[async_trait]
impl ShippingWork for Work {
    fn items(&mut self) -> &mut dyn ItemRepository {
        self
    }

    fn batches(&mut self) -> &mut dyn BatchRepository {
        self
    }

    fn transports(&mut self) -> &mut dyn TransportRepository {
        self
    }

    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.unit.commit().await
    }
}

#[async_trait]
impl Outbox for Work {
    async fn append(&mut self, events: &[RecordedEvent]) -> Result<(), StoreError> {
        self.unit.append(events).await
    }
}
