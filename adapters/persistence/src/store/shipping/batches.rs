//! Batches as rows, and back.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::{Aggregate, StoreError};
use shipping_domain::{Alias, Batch, BatchId, BatchRepository, BatchSnapshot, BatchState, TransportId};

use super::super::corrupt;
use super::super::record::{Binds, CHUNK, Record, record};
use super::super::unit::FIRST_VERSION;
use super::Work;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::shipping_batches;
use crate::sql::{Locked, Prepared, padded};

/// The state of a batch that has arrived.
pub(super) const COMPLETED: &str = "COMPLETED";

#[derive(Queryable, Selectable)]
#[diesel(table_name = shipping_batches)]
pub(super) struct BatchRow {
    pub(super) id: Id,
    pub(super) alias: String,
    pub(super) state: String,
    pub(super) transport_id: Option<Id>,
    pub(super) created_at: NaiveDateTime,
    pub(super) completed_at: Option<NaiveDateTime>,
    version: i32,
}

record!(BatchRow in shipping_batches { id; alias, state, transport_id, created_at, completed_at, version });

#[async_trait]
impl BatchRepository for Work {
    async fn add(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.unit.add(aggregate(batch.id()), BatchRow::of(batch, FIRST_VERSION)).await
    }

    async fn find(&mut self, aliases: &[Alias]) -> Result<Vec<Batch>, StoreError> {
        // One row is locked where it is found. Several are found first, so that they are locked in the order of ids.
        let mut batches = if let [alias] = aliases {
            let named = shipping_batches::table.filter(shipping_batches::alias.eq(alias.as_str()));
            let found = Locked(named.select(BatchRow::as_select())).load(self.unit.connection()?).await;
            self.found_batches(found.map_err(store_error)?)?
        } else {
            let mut ids = Vec::with_capacity(aliases.len());
            for chunk in aliases.chunks(CHUNK) {
                let named = shipping_batches::alias.eq_any(padded(chunk.iter().map(Alias::as_str)));
                let found = Prepared::kept(shipping_batches::table.filter(named).select(shipping_batches::id));
                ids.extend(found.load::<Id>(self.unit.connection()?).await.map_err(store_error)?);
            }
            self.lock_batches(ids).await?
        };
        // To MySQL, blanks at the end make no difference; and who was renamed meanwhile has that alias no more.
        let wanted: HashSet<_> = aliases.iter().collect();
        batches.retain(|it| wanted.contains(it.alias()));
        Ok(batches)
    }

    async fn carried_by(&mut self, transport: TransportId) -> Result<Vec<Batch>, StoreError> {
        let carried = shipping_batches::transport_id.eq(Some(Id(transport.as_uuid())));
        let carried = shipping_batches::table.filter(carried).select(BatchRow::as_select());
        let mut rows: Vec<BatchRow> = carried.load(self.unit.connection()?).await.map_err(store_error)?;
        // Who saves them locks them, in this order.
        rows.sort_unstable_by_key(|it| it.id);
        self.found_batches(rows)
    }

    async fn save(&mut self, batches: &[Batch]) -> Result<(), StoreError> {
        let aggregates: Vec<_> = batches.iter().map(|it| aggregate(it.id())).collect();
        let rows = batches.iter().map(|it| Ok(BatchRow::of(it, self.unit.next_version(aggregate(it.id()))?)));
        let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
        self.unit.save(&aggregates, &rows).await
    }

    async fn remove(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let aggregate = aggregate(batch.id());
        let batch = shipping_batches::table.find(Id(batch.id().as_uuid()));
        let batch = batch.filter(shipping_batches::version.eq(self.unit.version(aggregate)?));
        let removed = diesel::delete(batch).execute(self.unit.connection()?).await.map_err(store_error)?;
        self.unit.removed(aggregate, removed)
    }
}

impl Work {
    /// Locks the rows in the order of their ids, so that two units of work never wait for each other.
    async fn lock_batches(&mut self, mut ids: Vec<Id>) -> Result<Vec<Batch>, StoreError> {
        ids.sort_unstable();
        ids.dedup();
        let mut batches = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let rows = shipping_batches::table
                .filter(shipping_batches::id.eq_any(padded(chunk.iter().copied())))
                .order(shipping_batches::id)
                .select(BatchRow::as_select());
            let rows = Prepared::kept(Locked(rows)).load(self.unit.connection()?).await.map_err(store_error)?;
            batches.extend(self.found_batches(rows)?);
        }
        Ok(batches)
    }

    pub(super) fn found_batches(&mut self, rows: Vec<BatchRow>) -> Result<Vec<Batch>, StoreError> {
        let batch = |row: BatchRow| {
            self.unit.found(aggregate(BatchId::new(row.id.0)), row.version);
            row.into_batch()
        };
        rows.into_iter().map(batch).collect()
    }
}

fn aggregate(id: BatchId) -> Aggregate {
    Aggregate { kind: "batch", id: id.as_uuid() }
}

impl BatchRow {
    fn of(batch: &Batch, version: i32) -> Self {
        let BatchSnapshot { id, alias, state, created_at } = batch.snapshot();
        let (state, completed_at) = match state {
            BatchState::Open => ("OPEN", None),
            BatchState::Loaded { .. } => ("LOADED", None),
            BatchState::Departed { .. } => ("DEPARTED", None),
            BatchState::Completed { at, .. } => (COMPLETED, Some(at.naive_utc())),
        };
        Self {
            id: Id(id.as_uuid()),
            alias: alias.as_str().to_owned(),
            state: state.to_owned(),
            transport_id: batch.transport_id().map(|it| Id(it.as_uuid())),
            created_at: created_at.naive_utc(),
            completed_at,
            version,
        }
    }

    fn into_batch(self) -> Result<Batch, StoreError> {
        Ok(Batch::from(BatchSnapshot {
            id: BatchId::new(self.id.0),
            alias: self.alias()?,
            state: self.state()?,
            created_at: self.created_at.and_utc(),
        }))
    }

    pub(super) fn alias(&self) -> Result<Alias, StoreError> {
        Alias::parse(&self.alias).map_err(corrupt("batch"))
    }

    fn state(&self) -> Result<BatchState, StoreError> {
        let transport = self.transport_id.map(|it| TransportId::new(it.0));
        match (self.state.as_str(), transport, self.completed_at) {
            ("OPEN", None, None) => Ok(BatchState::Open),
            ("LOADED", Some(transport_id), None) => Ok(BatchState::Loaded { transport_id }),
            ("DEPARTED", Some(transport_id), None) => Ok(BatchState::Departed { transport_id }),
            (COMPLETED, Some(transport_id), Some(at)) => Ok(BatchState::Completed { transport_id, at: at.and_utc() }),
            (state, _, at) => {
                let what = format!("it is {state} on transport {transport:?}, and completed at {at:?}");
                Err(StoreError::corrupt("batch", what))
            }
        }
    }
}
