//! Items as rows, and back.

use async_trait::async_trait;
use chrono::NaiveDateTime;
use diesel::dsl::{AsSelect, auto_type};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::{Aggregate, StoreError};
use shipping_domain::{
    BatchId, CenterCode, Item, ItemId, ItemRepository, ItemSnapshot, ItemState, ItemStatus, Packing, Sku,
    TrackingNumber,
};

use super::super::record::{self, Binds, CHUNK, Record, record};
use super::super::unit::FIRST_VERSION;
use super::super::{Backend, corrupt};
use super::Work;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{shipping_batch_items, shipping_items};
use crate::sql::{Locked, Prepared, padded};

#[derive(Queryable, Selectable)]
#[diesel(table_name = shipping_items)]
pub(super) struct ItemRow {
    pub(super) id: Id,
    pub(super) tracking_number: String,
    pub(super) sku: String,
    pub(super) status: String,
    pub(super) current_center_code: Option<String>,
    pub(super) created_at: NaiveDateTime,
    pub(super) completed_at: Option<NaiveDateTime>,
    pub(super) version: i32,
}

record!(ItemRow in shipping_items {
    id; tracking_number, sku, status, current_center_code, created_at, completed_at, version
});

/// An item in a batch that has not arrived yet.
struct PackingRow {
    item_id: Id,
    batch_id: Id,
    open_item_id: Option<Id>,
    added_at: NaiveDateTime,
}

record!(PackingRow in shipping_batch_items { item_id, batch_id; open_item_id, added_at });

/// An item, and the open batch that it is in and since when. Who finds items locks both: after waiting for an item, one
/// reads where it is now, and not where it was before.
type FoundRow = (ItemRow, Option<(Id, NaiveDateTime)>);

#[auto_type]
fn found() -> _ {
    let item: AsSelect<ItemRow, Backend> = ItemRow::as_select();
    (item, (shipping_batch_items::batch_id, shipping_batch_items::added_at).nullable())
}

/// The row of the open batch that an item is in.
#[auto_type]
fn packing() -> _ {
    shipping_batch_items::table.on(shipping_batch_items::open_item_id.eq(shipping_items::id.nullable()))
}

/// What becomes of the history of an item that leaves its batch.
#[derive(Clone, Copy)]
enum Memory {
    /// It travelled with the batch.
    Kept,
    /// It was taken out before the batch left.
    Lost,
}

#[async_trait]
impl ItemRepository for Work {
    async fn add(&mut self, item: &Item) -> Result<(), StoreError> {
        self.unit.add(aggregate(item.id()), ItemRow::of(item, FIRST_VERSION)).await?;
        self.packed.insert(item.id(), None);
        self.save_packing(std::slice::from_ref(item), Memory::Kept).await
    }

    async fn find(&mut self, tracking_numbers: &[TrackingNumber]) -> Result<Vec<Item>, StoreError> {
        // One row is locked where it is found. Several are found first, so that they are locked in the order of ids.
        if let [number] = tracking_numbers {
            let numbered = shipping_items::table.left_join(packing()).select(found());
            let numbered = Locked(numbered.filter(shipping_items::tracking_number.eq(number.as_str())));
            let rows = numbered.load(self.unit.connection()?).await.map_err(store_error)?;
            return self.found_items(rows);
        }
        let mut ids = Vec::with_capacity(tracking_numbers.len());
        for chunk in tracking_numbers.chunks(CHUNK) {
            let numbered = shipping_items::tracking_number.eq_any(padded(chunk.iter().map(TrackingNumber::as_str)));
            let found = Prepared::kept(shipping_items::table.filter(numbered).select(shipping_items::id));
            ids.extend(found.load::<Id>(self.unit.connection()?).await.map_err(store_error)?);
        }
        self.lock_items(ids).await
    }

    async fn packed_in(&mut self, batch: BatchId) -> Result<Vec<Item>, StoreError> {
        let packed = shipping_batch_items::batch_id.eq(Id(batch.as_uuid()));
        let packed = shipping_items::table.inner_join(packing()).filter(packed).select(found());
        let rows = packed.load(self.unit.connection()?).await.map_err(store_error)?;
        self.found_items(rows)
    }

    async fn save(&mut self, items: &[Item]) -> Result<(), StoreError> {
        self.save_items(items, Memory::Kept).await
    }

    async fn save_taken_out(&mut self, items: &[Item]) -> Result<(), StoreError> {
        self.save_items(items, Memory::Lost).await
    }

    async fn remove(&mut self, item: &Item) -> Result<(), StoreError> {
        let (aggregate, id) = (aggregate(item.id()), Id(item.id().as_uuid()));
        let version = self.unit.version(aggregate)?;
        let history = diesel::delete(shipping_batch_items::table.filter(shipping_batch_items::item_id.eq(id)));
        history.execute(self.unit.connection()?).await.map_err(store_error)?;
        let item = shipping_items::table.find(id).filter(shipping_items::version.eq(version));
        let removed = diesel::delete(item).execute(self.unit.connection()?).await.map_err(store_error)?;
        self.unit.removed(aggregate, removed)
    }
}

impl Work {
    async fn save_items(&mut self, items: &[Item], memory: Memory) -> Result<(), StoreError> {
        let aggregates: Vec<_> = items.iter().map(|it| aggregate(it.id())).collect();
        let rows = items.iter().map(|it| Ok(ItemRow::of(it, self.unit.next_version(aggregate(it.id()))?)));
        let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
        self.unit.save(&aggregates, &rows).await?;
        self.save_packing(items, memory).await
    }

    /// Locks the rows in the order of their ids, so that two units of work never wait for each other.
    async fn lock_items(&mut self, mut ids: Vec<Id>) -> Result<Vec<Item>, StoreError> {
        ids.sort_unstable();
        ids.dedup();
        let mut items = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let rows = shipping_items::table
                .left_join(packing())
                .filter(shipping_items::id.eq_any(padded(chunk.iter().copied())))
                .order(shipping_items::id)
                .select(found());
            let rows = Prepared::kept(Locked(rows)).load(self.unit.connection()?).await.map_err(store_error)?;
            items.extend(self.found_items(rows)?);
        }
        Ok(items)
    }

    pub(super) fn found_items(&mut self, rows: Vec<FoundRow>) -> Result<Vec<Item>, StoreError> {
        let item = |(row, packing): FoundRow| {
            let packing =
                packing.map(|(batch, since)| Packing { batch_id: BatchId::new(batch.0), since: since.and_utc() });
            let id = ItemId::new(row.id.0);
            self.unit.found(aggregate(id), row.version);
            self.packed.insert(id, packing);
            row.into_item(packing)
        };
        rows.into_iter().map(item).collect()
    }

    /// Writes who left a batch and who went into one, and nothing else.
    async fn save_packing(&mut self, items: &[Item], memory: Memory) -> Result<(), StoreError> {
        let mut left = Vec::new();
        let mut entered = Vec::new();
        for item in items {
            let before = self.packed.insert(item.id(), item.packing()).flatten();
            if before == item.packing() {
                continue;
            }
            left.extend(before.map(|_| Some(Id(item.id().as_uuid()))));
            entered.extend(item.packing().map(|packing| PackingRow::of(item.id(), packing)));
        }

        for chunk in left.chunks(CHUNK) {
            let open = shipping_batch_items::open_item_id.eq_any(padded(chunk.iter().copied()));
            let connection = self.unit.connection()?;
            let ended = match memory {
                Memory::Kept => {
                    let closed = diesel::update(shipping_batch_items::table.filter(open))
                        .set(shipping_batch_items::open_item_id.eq(None::<Id>));
                    Prepared::kept(closed).execute(connection).await
                }
                Memory::Lost => {
                    let gone = diesel::delete(shipping_batch_items::table.filter(open));
                    Prepared::kept(gone).execute(connection).await
                }
            };
            ended.map_err(store_error)?;
        }
        record::insert(self.unit.connection()?, &entered).await.map_err(store_error)
    }
}

fn aggregate(id: ItemId) -> Aggregate {
    Aggregate { kind: "item", id: id.as_uuid() }
}

impl PackingRow {
    fn of(item: ItemId, packing: Packing) -> Self {
        let item_id = Id(item.as_uuid());
        Self {
            item_id,
            batch_id: Id(packing.batch_id.as_uuid()),
            open_item_id: Some(item_id),
            added_at: packing.since.naive_utc(),
        }
    }
}

impl ItemRow {
    fn of(item: &Item, version: i32) -> Self {
        let ItemSnapshot { id, tracking_number, sku, state, current_center, packing: _, created_at } = item.snapshot();
        Self {
            id: Id(id.as_uuid()),
            tracking_number: tracking_number.as_str().to_owned(),
            sku: sku.as_str().to_owned(),
            status: item.status().name().to_owned(),
            current_center_code: current_center.map(|it| it.as_str().to_owned()),
            created_at: created_at.naive_utc(),
            completed_at: match state {
                ItemState::Completed { at } => Some(at.naive_utc()),
                _ => None,
            },
            version,
        }
    }

    fn into_item(self, packing: Option<Packing>) -> Result<Item, StoreError> {
        Ok(Item::from(ItemSnapshot {
            id: ItemId::new(self.id.0),
            tracking_number: self.tracking_number()?,
            sku: Sku::parse(&self.sku).map_err(corrupt("item"))?,
            state: self.state()?,
            current_center: self.current_center()?,
            packing,
            created_at: self.created_at.and_utc(),
        }))
    }

    pub(super) fn tracking_number(&self) -> Result<TrackingNumber, StoreError> {
        TrackingNumber::parse(&self.tracking_number).map_err(corrupt("item"))
    }

    pub(super) fn current_center(&self) -> Result<Option<CenterCode>, StoreError> {
        self.current_center_code.as_deref().map(CenterCode::parse).transpose().map_err(corrupt("item"))
    }

    pub(super) fn status(&self) -> Result<ItemStatus, StoreError> {
        let unknown = || StoreError::corrupt("item", format!("its status is {}", self.status));
        ItemStatus::named(&self.status).ok_or_else(unknown)
    }

    fn state(&self) -> Result<ItemState, StoreError> {
        match (self.status()?, self.completed_at) {
            (ItemStatus::Created, None) => Ok(ItemState::Created),
            (ItemStatus::Moving, None) => Ok(ItemState::Moving),
            (ItemStatus::Completed, Some(at)) => Ok(ItemState::Completed { at: at.and_utc() }),
            (ItemStatus::Damaged, None) => Ok(ItemState::Damaged),
            (ItemStatus::Lost, None) => Ok(ItemState::Lost),
            (status, at) => Err(StoreError::corrupt("item", format!("it is {status}, and completed at {at:?}"))),
        }
    }
}
