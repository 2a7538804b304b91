//! Transports as rows, and back.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::{Aggregate, StoreError};
use shipping_domain::{
    Cargo, CenterCode, DriverId, Route, Transport, TransportId, TransportRepository, TransportSnapshot, TransportState,
};

use super::super::corrupt;
use super::super::record::{Binds, Record, record};
use super::super::unit::FIRST_VERSION;
use super::Work;
use super::batches::BatchRow;
use super::items::ItemRow;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{shipping_batch_items, shipping_batches, shipping_items, shipping_transports};
use crate::sql::Locked;

#[derive(Queryable, Selectable)]
#[diesel(table_name = shipping_transports)]
pub(super) struct TransportRow {
    pub(super) id: Id,
    source_code: String,
    destination_code: String,
    pub(super) driver_id: Option<Id>,
    on_road_driver_id: Option<Id>,
    state: String,
    pub(super) created_at: NaiveDateTime,
    pub(super) departed_at: Option<NaiveDateTime>,
    pub(super) arrived_at: Option<NaiveDateTime>,
    version: i32,
}

record!(TransportRow in shipping_transports {
    id; source_code, destination_code, driver_id, on_road_driver_id, state, created_at, departed_at, arrived_at, version
});

/// A batch, and an item that sits in it, if there is one: a batch has as many rows as items, and one without any.
type CargoRow = (BatchRow, Option<ItemRow>, Option<(Id, NaiveDateTime)>);

#[async_trait]
impl TransportRepository for Work {
    async fn add(&mut self, transport: &Transport) -> Result<(), StoreError> {
        self.unit.add(aggregate(transport.id()), TransportRow::of(transport, FIRST_VERSION)).await
    }

    async fn find(&mut self, id: TransportId) -> Result<Option<Transport>, StoreError> {
        let row = Locked(shipping_transports::table.find(Id(id.as_uuid())).select(TransportRow::as_select()));
        let row = row.get_result::<TransportRow>(self.unit.connection()?).await.optional().map_err(store_error)?;
        let Some(row) = row else { return Ok(None) };
        self.unit.found(aggregate(id), row.version);
        row.into_transport().map(Some)
    }

    async fn cargo(&mut self, transport: TransportId) -> Result<Cargo, StoreError> {
        let in_it = shipping_batch_items::batch_id.eq(shipping_batches::id);
        let in_it = in_it.and(shipping_batch_items::open_item_id.is_not_null());
        let on_board = shipping_batches::table
            .left_join(shipping_batch_items::table.on(in_it))
            .left_join(shipping_items::table.on(shipping_items::id.eq(shipping_batch_items::item_id)))
            .filter(shipping_batches::transport_id.eq(Some(Id(transport.as_uuid()))))
            .select((
                BatchRow::as_select(),
                Option::<ItemRow>::as_select(),
                (shipping_batch_items::batch_id, shipping_batch_items::added_at).nullable(),
            ));
        let rows: Vec<CargoRow> = on_board.load(self.unit.connection()?).await.map_err(store_error)?;
        // Who saves them locks them, in the order of their ids.
        let (mut batches, mut items) = (BTreeMap::new(), BTreeMap::new());
        for (batch, item, packing) in rows {
            batches.insert(batch.id, batch);
            items.extend(item.map(|it| (it.id, (it, packing))));
        }
        Ok(Cargo {
            batches: self.found_batches(batches.into_values().collect())?,
            items: self.found_items(items.into_values().collect())?,
        })
    }

    async fn is_on_the_road(&mut self, driver: DriverId) -> Result<bool, StoreError> {
        let driving = shipping_transports::on_road_driver_id.eq(Some(Id(driver.as_uuid())));
        let any = diesel::select(diesel::dsl::exists(shipping_transports::table.filter(driving)));
        any.get_result(self.unit.connection()?).await.map_err(store_error)
    }

    async fn save(&mut self, transport: &Transport) -> Result<(), StoreError> {
        let aggregate = aggregate(transport.id());
        let row = TransportRow::of(transport, self.unit.next_version(aggregate)?);
        self.unit.save(&[aggregate], &[row]).await
    }

    async fn remove(&mut self, transport: &Transport) -> Result<(), StoreError> {
        let aggregate = aggregate(transport.id());
        let transport = shipping_transports::table.find(Id(transport.id().as_uuid()));
        let transport = transport.filter(shipping_transports::version.eq(self.unit.version(aggregate)?));
        let removed = diesel::delete(transport).execute(self.unit.connection()?).await.map_err(store_error)?;
        self.unit.removed(aggregate, removed)
    }
}

fn aggregate(id: TransportId) -> Aggregate {
    Aggregate { kind: "transport", id: id.as_uuid() }
}

impl TransportRow {
    fn of(transport: &Transport, version: i32) -> Self {
        let TransportSnapshot { id, route, state, created_at } = transport.snapshot();
        let driver_id = transport.driver_id().map(|it| Id(it.as_uuid()));
        let (state, on_road_driver_id, departed_at, arrived_at) = match state {
            TransportState::Planned { .. } => ("PLANNED", None, None, None),
            TransportState::InTransit { departed_at, .. } => ("IN_TRANSIT", driver_id, Some(departed_at), None),
            TransportState::Arrived { departed_at, arrived_at, .. } => {
                ("ARRIVED", None, Some(departed_at), Some(arrived_at))
            }
        };
        Self {
            id: Id(id.as_uuid()),
            source_code: route.source().as_str().to_owned(),
            destination_code: route.destination().as_str().to_owned(),
            driver_id,
            on_road_driver_id,
            state: state.to_owned(),
            created_at: created_at.naive_utc(),
            departed_at: departed_at.map(|it| it.naive_utc()),
            arrived_at: arrived_at.map(|it| it.naive_utc()),
            version,
        }
    }

    fn into_transport(self) -> Result<Transport, StoreError> {
        Ok(Transport::from(TransportSnapshot {
            id: TransportId::new(self.id.0),
            route: Route::between(self.source()?, self.destination()?).map_err(corrupt("transport"))?,
            state: self.state()?,
            created_at: self.created_at.and_utc(),
        }))
    }

    pub(super) fn source(&self) -> Result<CenterCode, StoreError> {
        CenterCode::parse(&self.source_code).map_err(corrupt("transport"))
    }

    pub(super) fn destination(&self) -> Result<CenterCode, StoreError> {
        CenterCode::parse(&self.destination_code).map_err(corrupt("transport"))
    }

    fn state(&self) -> Result<TransportState, StoreError> {
        let driver = self.driver_id.map(|it| DriverId::new(it.0));
        let departed_at = self.departed_at.map(|it| it.and_utc());
        let arrived_at = self.arrived_at.map(|it| it.and_utc());
        match (self.state.as_str(), driver, departed_at, arrived_at) {
            ("PLANNED", driver_id, None, None) => Ok(TransportState::Planned { driver_id }),
            ("IN_TRANSIT", Some(driver_id), Some(departed_at), None) => {
                Ok(TransportState::InTransit { driver_id, departed_at })
            }
            ("ARRIVED", Some(driver_id), Some(departed_at), Some(arrived_at)) => {
                Ok(TransportState::Arrived { driver_id, departed_at, arrived_at })
            }
            (state, ..) => {
                let what = format!("it is {state} with {driver:?}, left at {departed_at:?}, arrived at {arrived_at:?}");
                Err(StoreError::corrupt("transport", what))
            }
        }
    }
}
