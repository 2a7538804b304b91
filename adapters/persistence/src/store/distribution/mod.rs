//! Distribution's store: one unit of work, seen through its ports.

mod queries;

use async_trait::async_trait;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use distribution_domain::{Center, CenterRepository, CenterSnapshot, DistributionStore, DistributionWork};
use kernel_domain::{Aggregate, StoreError};

use super::record::{self, Binds, Record, record};
use super::unit::FIRST_VERSION;
use super::{Stores, Unit};
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{distribution_center_staff, distribution_centers};

#[async_trait]
impl DistributionStore for Stores {
    async fn begin(&self) -> Result<Box<dyn DistributionWork>, StoreError> {
        Ok(Box::new(Work { unit: self.begin_unit().await? }))
    }
}

struct Work {
    unit: Unit,
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
    version: i32,
}

record!(CenterRow in distribution_centers { id; center_code, name, created_at, version });

struct StaffRow {
    center_id: Id,
    staff_id: Id,
    place: i32,
}

record!(StaffRow in distribution_center_staff { center_id, staff_id; place });

#[async_trait]
impl CenterRepository for Work {
    async fn add(&mut self, center: &Center) -> Result<(), StoreError> {
        let CenterSnapshot { id, code, name, staff, created_at } = center.snapshot();
        let center_id = Id(id.as_uuid());
        let row = CenterRow {
            id: center_id,
            center_code: code.as_str().to_owned(),
            name: name.as_str().to_owned(),
            created_at: created_at.naive_utc(),
            version: FIRST_VERSION,
        };
        self.unit.add(Aggregate { kind: "center", id: id.as_uuid() }, row).await?;
        let places = (0..).zip(staff);
        let staff: Vec<_> =
            places.map(|(place, staff)| StaffRow { center_id, staff_id: Id(staff.as_uuid()), place }).collect();
        record::insert(self.unit.connection()?, &staff).await.map_err(store_error)
    }
}
