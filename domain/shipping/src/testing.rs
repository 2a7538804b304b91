//! Builders with sensible defaults; a test names only what it is about.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    Alias, Batch, BatchId, BatchSnapshot, BatchState, CenterCode, DriverId, Item, ItemId, ItemSnapshot, ItemState,
    ItemStatus, Packing, Route, Sku, TrackingNumber, Transport, TransportId, TransportSnapshot, TransportState,
};

static MADE: AtomicU64 = AtomicU64::new(1);

fn next() -> u64 {
    MADE.fetch_add(1, Ordering::Relaxed)
}

fn id() -> Uuid {
    Uuid::from_u128(u128::from(next()))
}

/// Noon on the second of January 2026.
pub fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_355_200)
}

/// A driver like no other.
pub fn a_driver() -> DriverId {
    DriverId::new(id())
}

/// The center with this code.
///
/// # Panics
/// If it is no center code.
#[expect(clippy::expect_used, reason = "tests name valid codes")]
pub fn center(code: &str) -> CenterCode {
    CenterCode::parse(code).expect("a center code")
}

/// A route from `ABC001` to `ABC002`.
///
/// # Panics
/// Never: the two codes differ.
#[expect(clippy::expect_used, reason = "the two codes differ")]
pub fn a_route() -> Route {
    Route::between(center("ABC001"), center("ABC002")).expect("two centers")
}

/// A fresh item, in no batch.
pub fn an_item() -> ItemBuilder {
    ItemBuilder(ItemSnapshot {
        id: ItemId::new(id()),
        tracking_number: TrackingNumber::generated(noon().date_naive(), next()),
        sku: Sku::default(),
        state: ItemState::Created,
        current_center: None,
        packing: None,
        created_at: noon(),
    })
}

/// Builds an [`Item`].
#[must_use]
pub struct ItemBuilder(ItemSnapshot);

impl ItemBuilder {
    /// As if it had come this far.
    pub fn with_status(mut self, status: ItemStatus) -> Self {
        self.0.state = match status {
            ItemStatus::Created => ItemState::Created,
            ItemStatus::Moving => ItemState::Moving,
            ItemStatus::Completed => ItemState::Completed { at: noon() },
            ItemStatus::Damaged => ItemState::Damaged,
            ItemStatus::Lost => ItemState::Lost,
        };
        self
    }

    /// Packed and moving.
    pub fn in_batch(mut self, batch: &Batch) -> Self {
        self.0.packing = Some(Packing { batch_id: batch.id(), since: noon() });
        self.with_status(ItemStatus::Moving)
    }

    /// Brought to this center, some time before.
    ///
    /// # Panics
    /// If it is no center code.
    pub fn seen_at(mut self, code: &str) -> Self {
        self.0.current_center = Some(center(code));
        self
    }

    /// The item.
    pub fn build(self) -> Item {
        self.0.into()
    }
}

/// An open batch.
pub fn a_batch() -> BatchBuilder {
    BatchBuilder(BatchSnapshot {
        id: BatchId::new(id()),
        alias: Alias::generated(noon().date_naive(), next()),
        state: BatchState::Open,
        created_at: noon(),
    })
}

/// Builds a [`Batch`].
#[must_use]
pub struct BatchBuilder(BatchSnapshot);

impl BatchBuilder {
    /// On some transport that has not left.
    pub fn loaded(self) -> Self {
        self.loaded_on(&a_transport().build())
    }

    /// On a transport that has not left.
    pub fn loaded_on(mut self, transport: &Transport) -> Self {
        self.0.state = BatchState::Loaded { transport_id: transport.id() };
        self
    }

    /// On the road with some transport.
    pub fn departed(self) -> Self {
        self.departed_with(&a_transport().build())
    }

    /// On the road with a transport.
    pub fn departed_with(mut self, transport: &Transport) -> Self {
        self.0.state = BatchState::Departed { transport_id: transport.id() };
        self
    }

    /// Arrived with some transport.
    pub fn completed(mut self) -> Self {
        self.0.state = BatchState::Completed { transport_id: TransportId::new(id()), at: noon() };
        self
    }

    /// The batch.
    pub fn build(self) -> Batch {
        self.0.into()
    }
}

/// A planned transport from `ABC001` to `ABC002`, without a driver.
pub fn a_transport() -> TransportBuilder {
    TransportBuilder(TransportSnapshot {
        id: TransportId::new(id()),
        route: a_route(),
        state: TransportState::Planned { driver_id: None },
        created_at: noon(),
    })
}

/// Builds a [`Transport`].
#[must_use]
pub struct TransportBuilder(TransportSnapshot);

impl TransportBuilder {
    /// Planned with a driver.
    pub fn driven_by(mut self, driver: DriverId) -> Self {
        self.0.state = TransportState::Planned { driver_id: Some(driver) };
        self
    }

    /// On the road since noon, with some driver.
    pub fn departed(mut self) -> Self {
        self.0.state = TransportState::InTransit { driver_id: a_driver(), departed_at: noon() };
        self
    }

    /// Arrived an hour after noon.
    pub fn arrived(mut self) -> Self {
        let arrived_at = noon() + TimeDelta::hours(1);
        self.0.state = TransportState::Arrived { driver_id: a_driver(), departed_at: noon(), arrived_at };
        self
    }

    /// The transport.
    pub fn build(self) -> Transport {
        self.0.into()
    }
}
