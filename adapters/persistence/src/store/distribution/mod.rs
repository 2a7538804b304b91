//! Distribution's store: one unit of work, seen through its ports.

mod queries;

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use distribution_domain::{
    Center, CenterCode, CenterId, CenterName, CenterRepository, CenterSnapshot, ClosingId, DistributionStore,
    DistributionWork, StaffId,
};
use kernel_domain::{Aggregate, StoreError};

use super::record::{self, Binds, Record, record};
use super::unit::FIRST_VERSION;
use super::{Stores, Unit, corrupt};
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{distribution_center_staff, distribution_centers};
use crate::sql::Locked;

#[async_trait]
impl DistributionStore for Stores {
    async fn begin(&self) -> Result<Box<dyn DistributionWork>, StoreError> {
        Ok(Box::new(Work { unit: self.begin_unit().await?, staff: HashMap::new() }))
    }
}

struct Work {
    unit: Unit,
    /// The staff of each center that was found or kept here, as it is kept: it is written only if it changed.
    staff: HashMap<CenterId, Vec<StaffId>>,
}

#[async_trait]
impl DistributionWork for Work {
    fn centers(&mut self) -> &mut dyn CenterRepository {
        self
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.unit.commit().await
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = distribution_centers)]
struct CenterRow {
    id: Id,
    center_code: String,
    name: String,
    created_at: NaiveDateTime,
    closing_id: Option<Id>,
    version: i32,
}

record!(CenterRow in distribution_centers { id; center_code, name, created_at, closing_id, version });

struct StaffRow {
    center_id: Id,
    staff_id: Id,
    place: i32,
}

record!(StaffRow in distribution_center_staff { center_id, staff_id; place });

#[async_trait]
impl CenterRepository for Work {
    async fn add(&mut self, center: &Center) -> Result<(), StoreError> {
        self.unit.add(aggregate(center.id()), CenterRow::of(center, FIRST_VERSION)).await?;
        self.staff.insert(center.id(), Vec::new());
        self.save_staff(center).await
    }

    async fn find(&mut self, id: CenterId) -> Result<Option<Center>, StoreError> {
        let row = Locked(distribution_centers::table.find(Id(id.as_uuid())).select(CenterRow::as_select()));
        let row: Option<CenterRow> = row.get_result(self.unit.connection()?).await.optional().map_err(store_error)?;
        let Some(row) = row else { return Ok(None) };
        self.unit.found(aggregate(id), row.version);
        let staff = queries::staff(self.unit.connection()?, &[row.id]).await?.remove(&row.id).unwrap_or_default();
        self.staff.insert(id, staff.clone());
        row.into_center(staff).map(Some)
    }

    async fn save(&mut self, center: &Center) -> Result<(), StoreError> {
        let row = CenterRow::of(center, self.unit.next_version(aggregate(center.id()))?);
        self.unit.save(&[aggregate(center.id())], &[row]).await?;
        self.save_staff(center).await
    }

    async fn remove(&mut self, center: &Center) -> Result<(), StoreError> {
        let aggregate = aggregate(center.id());
        let found = self.unit.version(aggregate)?;
        self.remove_staff(center.id()).await?;
        let center = distribution_centers::table.find(Id(center.id().as_uuid()));
        let center = center.filter(distribution_centers::version.eq(found));
        let removed = diesel::delete(center).execute(self.unit.connection()?).await.map_err(store_error)?;
        self.unit.removed(aggregate, removed)
    }
}

impl Work {
    /// Writes who works in a center, if that changed. Nobody else does while the center's row is locked.
    async fn save_staff(&mut self, center: &Center) -> Result<(), StoreError> {
        let before = self.staff.insert(center.id(), center.staff().to_vec());
        if before.as_deref() == Some(center.staff()) {
            return Ok(());
        }
        if before.is_none_or(|it| !it.is_empty()) {
            self.remove_staff(center.id()).await?;
        }
        let center_id = Id(center.id().as_uuid());
        let places = (0..).zip(center.staff());
        let rows: Vec<_> =
            places.map(|(place, staff)| StaffRow { center_id, staff_id: Id(staff.as_uuid()), place }).collect();
        record::insert(self.unit.connection()?, &rows).await.map_err(store_error)
    }

    async fn remove_staff(&mut self, id: CenterId) -> Result<(), StoreError> {
        let left = distribution_center_staff::center_id.eq(Id(id.as_uuid()));
        let left = diesel::delete(distribution_center_staff::table.filter(left));
        left.execute(self.unit.connection()?).await.map(|_| ()).map_err(store_error)
    }
}

fn aggregate(id: CenterId) -> Aggregate {
    Aggregate { kind: "center", id: id.as_uuid() }
}

impl CenterRow {
    fn of(center: &Center, version: i32) -> Self {
        Self {
            id: Id(center.id().as_uuid()),
            center_code: center.code().as_str().to_owned(),
            name: center.name().as_str().to_owned(),
            created_at: center.created_at().naive_utc(),
            closing_id: center.closing().map(|it| Id(it.as_uuid())),
            version,
        }
    }

    fn into_center(self, staff: Vec<StaffId>) -> Result<Center, StoreError> {
        Ok(Center::from(CenterSnapshot {
            id: CenterId::new(self.id.0),
            code: CenterCode::parse(&self.center_code).map_err(corrupt("center"))?,
            name: CenterName::parse(&self.name).map_err(corrupt("center"))?,
            staff,
            created_at: self.created_at.and_utc(),
            closing: self.closing_id.map(|it| ClosingId::new(it.0)),
        }))
    }
}
