//! Items as they are shown, with every batch they were ever in.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use futures_util::future::BoxFuture;
use kernel_application::{Direction, Page, PageRequest};
use kernel_domain::StoreError;
use shipping_application::{ItemFilter, ItemOrder, ItemView, PastBatch};
use shipping_domain::{Alias, CenterCode, ItemId, TrackingNumber, TransportId};

use super::super::columns::Along;
use super::super::lengths::Lengths;
use super::super::page::{Order, Row, Window, then_by};
use super::super::record::CHUNK;
use super::super::{Backend, Connection, corrupt};
use super::items::ItemRow;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{shipping_batch_items, shipping_batches, shipping_items, shipping_transports};
use crate::sql::{Prepared, padded};

pub(super) async fn one(connection: &mut Connection, number: &TrackingNumber) -> Result<Option<ItemView>, StoreError> {
    let found = shipping_items::table.filter(shipping_items::tracking_number.eq(number.as_str()));
    let found = found.select(ItemRow::as_select()).get_result(connection).await.optional().map_err(store_error)?;
    Ok(with_history(connection, found.into_iter().collect()).await?.pop())
}

pub(super) async fn page(
    connection: &mut Connection,
    lengths: Lengths,
    filter: &ItemFilter,
    order: &[(ItemOrder, Direction)],
    page: PageRequest,
) -> Result<Option<Page<ItemView>>, StoreError> {
    let length = lengths.of("shipping_items", connection, filter, counted, page);
    let column = |key| match key {
        ItemOrder::Created => "shipping_items.created_at",
        ItemOrder::Completed => "shipping_items.completed_at",
    };
    let order = Order::of(order, ItemOrder::Created);
    let window = Window::of(page, order, column, "shipping_items.id", length).await?;
    let Some(mut window) = window else { return Ok(None) };

    let columns = Along::new(index(&window, filter), (ItemRow::as_select(), window.length(|| count(filter))));
    let mut query = matching(shipping_items::table.select(columns).into_boxed(), filter);
    for (key, direction) in &window.order.keys {
        query = match key {
            ItemOrder::Created => then_by!(query, shipping_items::created_at, direction),
            ItemOrder::Completed => then_by!(query, shipping_items::completed_at, direction),
        };
    }
    query = then_by!(query, shipping_items::id, window.order.ties);
    if let Some(beyond) = window.beyond.take() {
        query = query.filter(beyond);
    }
    let query = Prepared::kept_if(window.order.is_usual(), query.limit(window.limit).offset(window.offset));
    let Some(page) = window.filled(query.load(connection).await.map_err(store_error)?)? else { return Ok(None) };
    let (rows, page) = page.taken();
    Ok(Some(page.with(with_history(connection, rows).await?)))
}

impl Row<ItemOrder> for ItemRow {
    fn time(&self, key: ItemOrder) -> Option<NaiveDateTime> {
        match key {
            ItemOrder::Created => Some(self.created_at),
            ItemOrder::Completed => self.completed_at,
        }
    }

    fn id(&self) -> Id {
        self.id
    }
}

/// The index that orders the page, where there is one for sure.
fn index(window: &Window<ItemOrder>, filter: &ItemFilter) -> Option<(&'static str, &'static str)> {
    let ItemFilter { status, batch: None } = filter else { return None };
    let name = match (status, window.ordered_by(ItemOrder::Created)?) {
        (None, ItemOrder::Created) => "shipping_items_by_creation",
        (None, ItemOrder::Completed) => "shipping_items_by_completion",
        (Some(_), ItemOrder::Created) => "shipping_items_by_status_and_creation",
        (Some(_), ItemOrder::Completed) => "shipping_items_by_status_and_completion",
    };
    Some(("shipping_items", name))
}

fn counted<'c>(connection: &'c mut Connection, filter: &'c ItemFilter) -> BoxFuture<'c, Result<i64, StoreError>> {
    let count = count(filter);
    Box::pin(async move { count.get_result(connection).await.map_err(store_error) })
}

fn count(filter: &ItemFilter) -> shipping_items::BoxedQuery<'_, Backend, BigInt> {
    matching(shipping_items::table.count().into_boxed(), filter)
}

fn matching<'q, ST: 'static>(
    mut query: shipping_items::BoxedQuery<'q, Backend, ST>,
    filter: &ItemFilter,
) -> shipping_items::BoxedQuery<'q, Backend, ST> {
    if let Some(status) = filter.status {
        query = query.filter(shipping_items::status.eq(status.name()));
    }
    if let Some(batch) = filter.batch {
        let packed = shipping_batch_items::table
            .filter(shipping_batch_items::batch_id.eq(Id(batch.as_uuid())))
            .select(shipping_batch_items::item_id);
        query = query.filter(shipping_items::id.eq_any(packed));
    }
    query
}

async fn with_history(connection: &mut Connection, rows: Vec<ItemRow>) -> Result<Vec<ItemView>, StoreError> {
    let ids: Vec<_> = rows.iter().map(|it| ItemId::new(it.id.0)).collect();
    let mut histories = histories(connection, &ids).await?;
    rows.into_iter().map(|row| view(&row, histories.remove(&ItemId::new(row.id.0)).unwrap_or_default())).collect()
}

/// A batch in an item's past: the item, the batch's alias and state, its transport's id and ends.
type PastRow = (Id, String, String, Option<(Id, String, String)>);

/// The batches of each item, newest first.
pub(super) async fn histories(
    connection: &mut Connection,
    items: &[ItemId],
) -> Result<HashMap<ItemId, Vec<PastBatch>>, StoreError> {
    let mut histories: HashMap<_, Vec<_>> = HashMap::new();
    for chunk in items.chunks(CHUNK) {
        let past = shipping_batch_items::table
            .inner_join(shipping_batches::table.on(shipping_batches::id.eq(shipping_batch_items::batch_id)))
            .left_join(
                shipping_transports::table.on(shipping_batches::transport_id.eq(shipping_transports::id.nullable())),
            )
            .filter(shipping_batch_items::item_id.eq_any(padded(chunk.iter().map(|it| Id(it.as_uuid())))))
            .order((shipping_batch_items::added_at.desc(), shipping_batch_items::batch_id.desc()))
            .select((
                shipping_batch_items::item_id,
                shipping_batches::alias,
                shipping_batches::state,
                (shipping_transports::id, shipping_transports::source_code, shipping_transports::destination_code)
                    .nullable(),
            ));
        let past: Vec<PastRow> = Prepared::kept(past).load(connection).await.map_err(store_error)?;
        for (item, alias, state, transport) in past {
            histories.entry(ItemId::new(item.0)).or_default().push(past_batch(&alias, &state, transport)?);
        }
    }
    Ok(histories)
}

fn past_batch(alias: &str, state: &str, transport: Option<(Id, String, String)>) -> Result<PastBatch, StoreError> {
    let center = |code: &str| CenterCode::parse(code).map_err(corrupt("transport"));
    let transport = match transport {
        Some((id, source, destination)) => Some((TransportId::new(id.0), center(&source)?, center(&destination)?)),
        None => None,
    };
    Ok(PastBatch {
        alias: Alias::parse(alias).map_err(corrupt("batch"))?,
        completed: state == super::batches::COMPLETED,
        transport,
    })
}

fn view(row: &ItemRow, history: Vec<PastBatch>) -> Result<ItemView, StoreError> {
    Ok(ItemView {
        id: ItemId::new(row.id.0),
        tracking_number: row.tracking_number()?,
        sku: row.sku.clone(),
        status: row.status()?,
        history,
        current_center: row.current_center()?,
        created_at: row.created_at.and_utc(),
        completed_at: row.completed_at.map(|it| it.and_utc()),
    })
}
