//! Transports as they are shown, each with the number of its batches.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::dsl::auto_type;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use futures_util::future::BoxFuture;
use kernel_application::{Direction, Page, PageRequest};
use kernel_domain::StoreError;
use shipping_application::{TransportFilter, TransportOrder, TransportSummary};
use shipping_domain::{CenterCode, DriverId, TransportId};

use super::super::columns::Along;
use super::super::lengths::Lengths;
use super::super::page::{Order, Row, Window, then_by};
use super::super::record::CHUNK;
use super::super::{Backend, Connection};
use super::transports::TransportRow;
use crate::counts;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{shipping_batches, shipping_transports};
use crate::sql::{Prepared, Settled, padded};

type Counted = (TransportRow, Option<i64>);

pub(super) async fn one(connection: &mut Connection, id: TransportId) -> Result<Option<TransportSummary>, StoreError> {
    let found = shipping_transports::table.find(Id(id.as_uuid())).select((TransportRow::as_select(), batch_count()));
    let found = found.get_result::<Counted>(connection).await.optional().map_err(store_error)?;
    found.map(summary).transpose()
}

pub(super) async fn is_center_used(connection: &mut Connection, center: &CenterCode) -> Result<bool, StoreError> {
    let open = || shipping_transports::table.filter(shipping_transports::arrived_at.is_null());
    let from = open().filter(shipping_transports::source_code.eq(center.as_str()));
    let to = open().filter(shipping_transports::destination_code.eq(center.as_str()));
    let from = Settled(from.select(shipping_transports::id).limit(1)).get_result::<Id>(connection).await;
    if from.optional().map_err(store_error)?.is_some() {
        return Ok(true);
    }
    let to = Settled(to.select(shipping_transports::id).limit(1)).get_result::<Id>(connection).await;
    to.optional().map(|it| it.is_some()).map_err(store_error)
}

pub(super) async fn summaries(
    connection: &mut Connection,
    mut ids: Vec<Id>,
) -> Result<HashMap<Id, TransportSummary>, StoreError> {
    ids.sort_unstable();
    ids.dedup();
    let mut summaries = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let wanted = shipping_transports::id.eq_any(padded(chunk.iter().copied()));
        let found = shipping_transports::table.filter(wanted).select((TransportRow::as_select(), batch_count()));
        for row in Prepared::kept(found).load::<Counted>(connection).await.map_err(store_error)? {
            summaries.insert(row.0.id, summary(row)?);
        }
    }
    Ok(summaries)
}

pub(super) async fn page(
    connection: &mut Connection,
    lengths: Lengths,
    filter: &TransportFilter,
    order: &[(TransportOrder, Direction)],
    page: PageRequest,
) -> Result<Option<Page<TransportSummary>>, StoreError> {
    let length = lengths.of("shipping_transports", connection, filter, counted, page);
    let column = |key| match key {
        TransportOrder::Created => "shipping_transports.created_at",
        TransportOrder::Departed => "shipping_transports.departed_at",
        TransportOrder::Arrived => "shipping_transports.arrived_at",
    };
    let mut order = Order::of(order, TransportOrder::Created);
    if filter.completed == Some(false) {
        // Said so, MySQL begins a page where its cursor points.
        order = order.without(TransportOrder::Arrived);
    }
    let window = Window::of(page, order, column, "shipping_transports.id", length).await?;
    let Some(mut window) = window else { return Ok(None) };

    let columns = (TransportRow::as_select(), batch_count(), window.length(|| count(filter)));
    let columns = Along::new(index(&window, filter), columns);
    let mut query = matching(shipping_transports::table.select(columns).into_boxed(), filter);
    for (key, direction) in &window.order.keys {
        query = match key {
            TransportOrder::Created => then_by!(query, shipping_transports::created_at, direction),
            TransportOrder::Departed => then_by!(query, shipping_transports::departed_at, direction),
            TransportOrder::Arrived => then_by!(query, shipping_transports::arrived_at, direction),
        };
    }
    query = then_by!(query, shipping_transports::id, window.order.ties);
    if let Some(beyond) = window.beyond.take() {
        query = query.filter(beyond);
    }
    let query = Prepared::kept_if(window.order.is_usual(), query.limit(window.limit).offset(window.offset));
    let rows: Vec<(TransportRow, Option<i64>, Option<i64>)> = query.load(connection).await.map_err(store_error)?;
    let rows = rows.into_iter().map(|(row, batches, count)| ((row, batches), count)).collect();
    let Some(page) = window.filled(rows)? else { return Ok(None) };
    let (rows, page) = page.taken();
    Ok(Some(page.with(rows.into_iter().map(summary).collect::<Result<_, _>>()?)))
}

impl Row<TransportOrder> for Counted {
    fn time(&self, key: TransportOrder) -> Option<NaiveDateTime> {
        match key {
            TransportOrder::Created => Some(self.0.created_at),
            TransportOrder::Departed => self.0.departed_at,
            TransportOrder::Arrived => self.0.arrived_at,
        }
    }

    fn id(&self) -> Id {
        self.0.id
    }
}

/// The index that orders the page, where there is one for sure.
fn index(window: &Window<TransportOrder>, filter: &TransportFilter) -> Option<(&'static str, &'static str)> {
    let TransportFilter { completed, driver: None, source: None, destination, seen_by: None } = filter else {
        return None;
    };
    let name = match (completed, destination, window.ordered_by(TransportOrder::Created)?) {
        (None, None, TransportOrder::Created) => "shipping_transports_by_creation",
        (None, None, TransportOrder::Departed) => "shipping_transports_by_departure",
        // What has not arrived has no time of that: all of it is in one place there, and that is little.
        (None | Some(true), None, TransportOrder::Arrived) | (Some(false), None, TransportOrder::Created) => {
            "shipping_transports_by_arrival"
        }
        (Some(false), _, TransportOrder::Departed) => "shipping_transports_by_arrival_departure",
        _ => return None,
    };
    Some(("shipping_transports", name))
}

fn counted<'c>(connection: &'c mut Connection, filter: &'c TransportFilter) -> BoxFuture<'c, Result<i64, StoreError>> {
    let count = count(filter);
    Box::pin(async move { count.get_result(connection).await.map_err(store_error) })
}

fn count(filter: &TransportFilter) -> shipping_transports::BoxedQuery<'_, Backend, BigInt> {
    matching(shipping_transports::table.count().into_boxed(), filter)
}

fn matching<'q, ST: 'static>(
    mut query: shipping_transports::BoxedQuery<'q, Backend, ST>,
    filter: &TransportFilter,
) -> shipping_transports::BoxedQuery<'q, Backend, ST> {
    query = match filter.completed {
        // What arrived has left; said so, those that have not are skipped in a list by departure.
        Some(true) => query
            .filter(shipping_transports::arrived_at.is_not_null())
            .filter(shipping_transports::departed_at.is_not_null()),
        Some(false) => query.filter(shipping_transports::arrived_at.is_null()),
        None => query,
    };
    // Both, if both are given: what somebody may not see is not in the list.
    for driver in filter.driver.into_iter().chain(filter.seen_by) {
        query = query.filter(shipping_transports::driver_id.eq(Some(Id(driver.as_uuid()))));
    }
    if let Some(source) = &filter.source {
        query = query.filter(shipping_transports::source_code.eq(source.as_str().to_owned()));
    }
    if let Some(destination) = &filter.destination {
        query = query.filter(shipping_transports::destination_code.eq(destination.as_str().to_owned()));
    }
    query
}

/// How many batches a transport carries, counted in the statement that reads the transport.
#[auto_type]
fn batch_count() -> _ {
    shipping_batches::table
        .filter(shipping_batches::transport_id.eq(shipping_transports::id.nullable()))
        .count()
        .single_value()
}

fn summary((row, batch_count): Counted) -> Result<TransportSummary, StoreError> {
    Ok(TransportSummary {
        id: TransportId::new(row.id.0),
        completed: row.arrived_at.is_some(),
        batch_count: counts::counted(batch_count.unwrap_or_default())?,
        source: row.source()?,
        destination: row.destination()?,
        driver_id: row.driver_id.map(|it| DriverId::new(it.0)),
        created_at: row.created_at.and_utc(),
        departed_at: row.departed_at.map(|it| it.and_utc()),
        arrived_at: row.arrived_at.map(|it| it.and_utc()),
    })
}
