//! Distribution's read side: rows straight to views.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use diesel_async::RunQueryDsl;
use distribution_application::{CenterFilter, CenterSummary, DistributionQueries};
use distribution_domain::{CenterCode, CenterId, StaffId};
use futures_util::future::BoxFuture;
use kernel_application::{Page, PageRequest};
use kernel_domain::StoreError;

use super::super::columns::Along;
use super::super::page::{Order, Row, Time, Window, then_by};
use super::super::record::CHUNK;
use super::super::{Backend, Connection, Stores, corrupt};
use super::CenterRow;
use crate::counts::Length;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{distribution_center_staff, distribution_centers};
use crate::sql::{Prepared, padded};

#[async_trait]
impl DistributionQueries for Stores {
    async fn center(&self, id: CenterId) -> Result<Option<CenterSummary>, StoreError> {
        let mut lease = self.reader().await?;
        let row = distribution_centers::table.find(Id(id.as_uuid())).select(CenterRow::as_select());
        let row = row.get_result(lease.connection()).await.optional().map_err(store_error)?;
        Ok(with_staff(lease.connection(), row.into_iter().collect()).await?.pop())
    }

    async fn centers_coded(&self, codes: &[CenterCode]) -> Result<Vec<CenterSummary>, StoreError> {
        let mut lease = self.reader().await?;
        let mut rows = Vec::with_capacity(codes.len());
        for chunk in codes.chunks(CHUNK) {
            let wanted = distribution_centers::center_code.eq_any(padded(chunk.iter().map(CenterCode::as_str)));
            let found = Prepared::kept(distribution_centers::table.filter(wanted).select(CenterRow::as_select()));
            rows.extend(found.load::<CenterRow>(lease.connection()).await.map_err(store_error)?);
        }
        with_staff(lease.connection(), rows).await
    }

    async fn open_among(&self, codes: &[CenterCode]) -> Result<Vec<CenterCode>, StoreError> {
        let mut lease = self.reader().await?;
        let mut open = Vec::with_capacity(codes.len());
        for chunk in codes.chunks(CHUNK) {
            let wanted = distribution_centers::center_code.eq_any(padded(chunk.iter().map(CenterCode::as_str)));
            let found = distribution_centers::table.filter(wanted).filter(distribution_centers::closing_id.is_null());
            let found = Prepared::kept(found.select(distribution_centers::center_code));
            for code in found.load::<String>(lease.connection()).await.map_err(store_error)? {
                open.push(CenterCode::parse(&code).map_err(corrupt("center"))?);
            }
        }
        Ok(open)
    }

    async fn centers(
        &self,
        filter: &CenterFilter,
        page: PageRequest,
    ) -> Result<Option<Page<CenterSummary>>, StoreError> {
        let mut lease = self.reader().await?;
        let is_first_of_all = page.start() == PageRequest::default().start() && *filter == CenterFilter::default();
        let length = async {
            if is_first_of_all {
                return Ok(Length::exact());
            }
            self.lengths_of_primary().of("distribution_centers", lease.connection(), filter, counted, page).await
        };
        let column = |Time| "distribution_centers.created_at";
        let window = Window::of(page, Order::of(&[], Time), column, "distribution_centers.id", length).await?;
        let Some(mut window) = window else { return Ok(None) };

        let columns = Along::new(index(&window, filter), (CenterRow::as_select(), window.length(|| count(filter))));
        let mut query = matching(distribution_centers::table.select(columns).into_boxed(), filter);
        for (Time, direction) in &window.order.keys {
            query = then_by!(query, distribution_centers::created_at, direction);
        }
        query = then_by!(query, distribution_centers::id, window.order.ties);
        if let Some(beyond) = window.beyond.take() {
            query = query.filter(beyond);
        }
        let query = query.limit(window.limit).offset(window.offset);
        let Some(page) = window.filled(query.load(lease.connection()).await.map_err(store_error)?)? else {
            return Ok(None);
        };
        let (rows, page) = page.taken();
        Ok(Some(page.with(with_staff(lease.connection(), rows).await?)))
    }
}

impl Row<Time> for CenterRow {
    fn time(&self, Time: Time) -> Option<NaiveDateTime> {
        Some(self.created_at)
    }

    fn id(&self) -> Id {
        self.id
    }
}

/// The index that orders the page, where there is one for sure.
fn index(window: &Window<Time>, filter: &CenterFilter) -> Option<(&'static str, &'static str)> {
    let CenterFilter { code: None, name } = filter else { return None };
    let Time = window.ordered_by(Time)?;
    let name = if name.is_some() { "distribution_centers_by_name" } else { "distribution_centers_by_creation" };
    Some(("distribution_centers", name))
}

fn counted<'c>(connection: &'c mut Connection, filter: &'c CenterFilter) -> BoxFuture<'c, Result<i64, StoreError>> {
    let count = count(filter);
    Box::pin(async move { count.get_result(connection).await.map_err(store_error) })
}

fn count(filter: &CenterFilter) -> distribution_centers::BoxedQuery<'_, Backend, BigInt> {
    matching(distribution_centers::table.count().into_boxed(), filter)
}

fn matching<'q, ST: 'static>(
    mut query: distribution_centers::BoxedQuery<'q, Backend, ST>,
    filter: &'q CenterFilter,
) -> distribution_centers::BoxedQuery<'q, Backend, ST> {
    // To MySQL, blanks at the end make no difference; to us they do, and nothing that is kept has any.
    if [&filter.code, &filter.name].into_iter().flatten().any(|it| it.ends_with(' ')) {
        return query.filter(false.into_sql::<Bool>());
    }
    if let Some(code) = &filter.code {
        query = query.filter(distribution_centers::center_code.eq(code.as_str()));
    }
    if let Some(name) = &filter.name {
        query = query.filter(distribution_centers::name.eq(name.as_str()));
    }
    query
}

/// Adds to each center who works there, for all of them at once.
async fn with_staff(connection: &mut Connection, centers: Vec<CenterRow>) -> Result<Vec<CenterSummary>, StoreError> {
    let ids: Vec<_> = centers.iter().map(|it| it.id).collect();
    let mut staff = staff(connection, &ids).await?;
    let summary = |row: CenterRow| {
        Ok(CenterSummary {
            id: CenterId::new(row.id.0),
            code: CenterCode::parse(&row.center_code).map_err(corrupt("center"))?,
            name: row.name,
            staff: staff.remove(&row.id).unwrap_or_default(),
        })
    };
    centers.into_iter().map(summary).collect()
}

/// Who works in these centers, in the order they were named.
pub(super) async fn staff(
    connection: &mut Connection,
    centers: &[Id],
) -> Result<HashMap<Id, Vec<StaffId>>, StoreError> {
    let mut staff: HashMap<Id, Vec<StaffId>> = HashMap::new();
    for chunk in centers.chunks(CHUNK) {
        let here = distribution_center_staff::center_id.eq_any(padded(chunk.iter().copied()));
        let rows = distribution_center_staff::table
            .filter(here)
            .order((distribution_center_staff::center_id, distribution_center_staff::place))
            .select((distribution_center_staff::center_id, distribution_center_staff::staff_id));
        let rows: Vec<(Id, Id)> = Prepared::kept(rows).load(connection).await.map_err(store_error)?;
        for (center, member) in rows {
            staff.entry(center).or_default().push(StaffId::new(member.0));
        }
    }
    Ok(staff)
}
