//! Batches as they are shown, each with its transport.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use futures_util::future::BoxFuture;
use kernel_application::{Direction, Page, PageRequest};
use kernel_domain::StoreError;
use shipping_application::{BatchFilter, BatchOrder, BatchSummary};
use shipping_domain::{Alias, BatchId};

use super::super::columns::Along;
use super::super::lengths::Lengths;
use super::super::page::{Order, Row, Window, then_by};
use super::super::record::CHUNK;
use super::super::{Backend, Connection};
use super::batches::BatchRow;
use super::transport_views;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::shipping_batches;
use crate::sql::{Prepared, padded};

pub(super) async fn named(connection: &mut Connection, alias: &Alias) -> Result<Option<BatchSummary>, StoreError> {
    let named = shipping_batches::table.filter(shipping_batches::alias.eq(alias.as_str()));
    let rows: Vec<BatchRow> = named.select(BatchRow::as_select()).load(connection).await.map_err(store_error)?;
    Ok(with_transports(connection, rows).await?.pop())
}

pub(super) async fn by_id(connection: &mut Connection, batches: &[BatchId]) -> Result<Vec<BatchSummary>, StoreError> {
    let mut rows = Vec::with_capacity(batches.len());
    for chunk in batches.chunks(CHUNK) {
        let wanted = shipping_batches::id.eq_any(padded(chunk.iter().map(|it| Id(it.as_uuid()))));
        let found = Prepared::kept(shipping_batches::table.filter(wanted).select(BatchRow::as_select()));
        rows.extend(found.load::<BatchRow>(connection).await.map_err(store_error)?);
    }
    with_transports(connection, rows).await
}

pub(super) async fn page(
    connection: &mut Connection,
    lengths: Lengths,
    filter: &BatchFilter,
    order: &[(BatchOrder, Direction)],
    page: PageRequest,
) -> Result<Option<Page<BatchSummary>>, StoreError> {
    let length = lengths.of("shipping_batches", connection, filter, counted, page);
    let column = |key| match key {
        BatchOrder::Created => "shipping_batches.created_at",
        BatchOrder::Completed => "shipping_batches.completed_at",
    };
    let mut order = Order::of(order, BatchOrder::Created);
    if filter.completed == Some(false) {
        // Said so, MySQL begins a page where its cursor points.
        order = order.without(BatchOrder::Completed);
    }
    let window = Window::of(page, order, column, "shipping_batches.id", length).await?;
    let Some(mut window) = window else { return Ok(None) };

    let columns = Along::new(index(&window, filter), (BatchRow::as_select(), window.length(|| count(filter))));
    let mut query = matching(shipping_batches::table.select(columns).into_boxed(), filter);
    for (key, direction) in &window.order.keys {
        query = match key {
            BatchOrder::Created => then_by!(query, shipping_batches::created_at, direction),
            BatchOrder::Completed => then_by!(query, shipping_batches::completed_at, direction),
        };
    }
    query = then_by!(query, shipping_batches::id, window.order.ties);
    if let Some(beyond) = window.beyond.take() {
        query = query.filter(beyond);
    }
    let query = Prepared::kept_if(window.order.is_usual(), query.limit(window.limit).offset(window.offset));
    let Some(page) = window.filled(query.load(connection).await.map_err(store_error)?)? else { return Ok(None) };
    let (rows, page) = page.taken();
    Ok(Some(page.with(with_transports(connection, rows).await?)))
}

impl Row<BatchOrder> for BatchRow {
    fn time(&self, key: BatchOrder) -> Option<NaiveDateTime> {
        match key {
            BatchOrder::Created => Some(self.created_at),
            BatchOrder::Completed => self.completed_at,
        }
    }

    fn id(&self) -> Id {
        self.id
    }
}

/// The index that orders the page, where there is one for sure.
fn index(window: &Window<BatchOrder>, filter: &BatchFilter) -> Option<(&'static str, &'static str)> {
    let name = match (filter.completed, filter.transport, window.ordered_by(BatchOrder::Created)?) {
        (None, None, BatchOrder::Created) => "shipping_batches_by_creation",
        // What is not completed has no time of that, and comes in the order of creation there.
        (None | Some(true), None, BatchOrder::Completed) | (Some(false), None, _) => "shipping_batches_by_completion",
        (None, Some(_), BatchOrder::Created) => "shipping_batches_by_transport",
        _ => return None,
    };
    Some(("shipping_batches", name))
}

fn counted<'c>(connection: &'c mut Connection, filter: &'c BatchFilter) -> BoxFuture<'c, Result<i64, StoreError>> {
    let count = count(filter);
    Box::pin(async move { count.get_result(connection).await.map_err(store_error) })
}

fn count(filter: &BatchFilter) -> shipping_batches::BoxedQuery<'_, Backend, BigInt> {
    matching(shipping_batches::table.count().into_boxed(), filter)
}

fn matching<'q, ST: 'static>(
    mut query: shipping_batches::BoxedQuery<'q, Backend, ST>,
    filter: &BatchFilter,
) -> shipping_batches::BoxedQuery<'q, Backend, ST> {
    query = match filter.completed {
        Some(true) => query.filter(shipping_batches::completed_at.is_not_null()),
        Some(false) => query.filter(shipping_batches::completed_at.is_null()),
        None => query,
    };
    if let Some(transport) = filter.transport {
        query = query.filter(shipping_batches::transport_id.eq(Some(Id(transport.as_uuid()))));
    }
    query
}

async fn with_transports(connection: &mut Connection, rows: Vec<BatchRow>) -> Result<Vec<BatchSummary>, StoreError> {
    let ids: Vec<_> = rows.iter().filter_map(|it| it.transport_id).collect();
    let transports = transport_views::summaries(connection, ids).await?;
    let summary = |row: BatchRow| {
        Ok(BatchSummary {
            id: BatchId::new(row.id.0),
            alias: row.alias()?,
            completed: row.completed_at.is_some(),
            transport: row.transport_id.and_then(|id| transports.get(&id).cloned()),
            created_at: row.created_at.and_utc(),
            completed_at: row.completed_at.map(|it| it.and_utc()),
        })
    };
    rows.into_iter().map(summary).collect()
}
