//! Transports as rows, and back.

use async_trait::async_trait;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::{Aggregate, StoreError};
use shipping_domain::{
    CenterCode, DriverId, Route, Transport, TransportId, TransportRepository, TransportSnapshot, TransportState,
};

use super::super::corrupt;
use super::super::record::{Binds, Record, record};
use super::super::unit::FIRST_VERSION;
use super::Work;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::shipping_transports;
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
