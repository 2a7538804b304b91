//! Items: one, a page, a new one.

use std::collections::HashMap;
use std::iter;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Pool, Value};
use poem::error::InternalServerError;
use poem::http::{StatusCode, header};
use poem::web::{Data, Json, Path, Query};
use poem::{IntoResponse as _, Request, Response, Result, handler};
use serde::Deserialize;
use uuid::Uuid;

use crate::answers::{Item, Listing, PastBatch, instant, moment, uuid};
use crate::statements;

/// What MySQL calls a key that is there already.
const DUPLICATE: u16 = 1062;

/// Id, tracking number, sku, status, current center, times of creation and completion, version.
pub(crate) type ItemRow = (Vec<u8>, String, String, String, Option<String>, Value, Value, i32);

/// The same on a page, with the length of the list if it was counted.
type ListedRow = (Vec<u8>, String, String, String, Option<String>, Value, Value, i32, Option<u64>);

/// Item, alias, state; id, source and destination of the transport.
type PastRow = (Vec<u8>, String, String, Option<Vec<u8>>, Option<String>, Option<String>);

/// From how many items on the list is a long one, and how long its count is believed.
const LONG_FROM: u64 = 10_000;
const BELIEVED: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
struct Paging {
    page_size: u32,
}

#[derive(Deserialize)]
struct NewItem {
    sku: String,
}

#[handler]
pub(crate) async fn detail(pool: Data<&Pool>, tracking_number: Path<String>) -> Result<Response> {
    let mut connection = pool.get_conn().await.map_err(InternalServerError)?;
    let rows = connection.exec(statements::ITEM, (tracking_number.0,)).await.map_err(InternalServerError)?;
    let item = with_history(&mut connection, rows).await?.pop();
    Ok(item.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |item| Json(item).into_response()))
}

#[handler]
pub(crate) async fn list(request: &Request, pool: Data<&Pool>, paging: Query<Paging>) -> Result<Json<Listing>> {
    let size = paging.page_size;
    let mut connection = pool.get_conn().await.map_err(InternalServerError)?;
    let (began, known) = (Instant::now(), known(&mut connection).await?);
    let page = statements::page(known.is_none());
    let rows: Vec<ListedRow> = connection.exec(page, (size, 0)).await.map_err(InternalServerError)?;
    let count = known.or_else(|| rows.first()?.8).unwrap_or_default();
    if known.is_none() {
        remember(began, count);
    }
    let rows = rows.into_iter().map(|(id, number, sku, status, center, created_at, completed_at, version, _)| {
        (id, number, sku, status, center, created_at, completed_at, version)
    });
    let results = with_history(&mut connection, rows.collect()).await?;

    let (host, path) = (request.header(header::HOST).unwrap_or_default(), request.uri().path());
    let next = (count > u64::from(size)).then(|| format!("http://{host}{path}?page=2&page_size={size}"));
    Ok(Json(Listing { count, current_page: 1, items_per_page: size, next, previous: None, results }))
}

/// When the list was counted, if it is a long one, and how long it was then.
static LONG: Mutex<Option<(Instant, u64)>> = Mutex::new(None);

/// How long the list is, if that is known before a page of it is read. As in majestic, the count of a long one is
/// believed for a moment, and then taken again by one of those who ask.
async fn known(connection: &mut Conn) -> Result<Option<u64>> {
    let counted = LONG.lock().ok().and_then(|it| *it);
    let Some((at, count)) = counted else { return Ok(None) };
    if at.elapsed() < BELIEVED {
        return Ok(Some(count));
    }
    // The others go on with what was counted before.
    let began = Instant::now();
    remember(began, count);
    let count = connection.exec_first(statements::COUNT, ()).await.map_err(InternalServerError)?;
    remember(began, count.unwrap_or_default());
    Ok(count)
}

fn remember(at: Instant, count: u64) {
    if let Ok(mut long) = LONG.lock() {
        *long = (count >= LONG_FROM).then_some((at, count));
    }
}

#[handler]
pub(crate) async fn create(pool: Data<&Pool>, Json(new): Json<NewItem>) -> Result<Response> {
    let (id, now) = (Uuid::now_v7().as_bytes().to_vec(), Utc::now());
    let status = "CREATED".to_owned();
    let mut row: ItemRow = (id, tracking_number(now)?, new.sku, status, None, moment(&now), Value::NULL, 1);

    let mut connection = pool.get_conn().await.map_err(InternalServerError)?;
    connection.query_drop("BEGIN").await.map_err(InternalServerError)?;
    while let Err(error) = connection.exec_drop(statements::CREATE, row.clone()).await {
        // Of as many numbers as a benchmark draws, two may be the same.
        let is_taken = matches!(&error, mysql_async::Error::Server(refused) if refused.code == DUPLICATE);
        if !is_taken {
            return Err(InternalServerError(error));
        }
        row.1 = tracking_number(now)?;
    }
    connection.query_drop("COMMIT").await.map_err(InternalServerError)?;
    Ok(Json(item(row, Vec::new())).with_status(StatusCode::CREATED).into_response())
}

fn tracking_number(now: DateTime<Utc>) -> Result<String> {
    let number = getrandom::u64().map_err(InternalServerError)? % 10_000_000_000;
    Ok(format!("{}-{number:010}", now.format("%Y%m%d")))
}

pub(crate) async fn with_history(connection: &mut Conn, rows: Vec<ItemRow>) -> Result<Vec<Item>> {
    let mut history: HashMap<Vec<u8>, Vec<PastBatch>> = HashMap::new();
    if let (Some((statement, length)), Some(last)) = (statements::history_of(rows.len()), rows.last()) {
        let ids = rows.iter().chain(iter::repeat(last)).take(length);
        let ids: Vec<_> = ids.map(|it| Value::Bytes(it.0.clone())).collect();
        let past: Vec<PastRow> = connection.exec(statement, ids).await.map_err(InternalServerError)?;
        for (item, alias, state, transport, source, destination) in past {
            let (completed, transport) = (state == "COMPLETED", transport.map(|it| uuid(&it)));
            let batch = PastBatch { alias, completed, transport, source, destination };
            history.entry(item).or_default().push(batch);
        }
    }
    let past = rows.iter().map(|row| history.remove(&row.0).unwrap_or_default()).collect::<Vec<_>>();
    Ok(rows.into_iter().zip(past).map(|(row, past)| item(row, past)).collect())
}

fn item(row: ItemRow, history: Vec<PastBatch>) -> Item {
    let (id, tracking_number, sku, status, current_center, created_at, completed_at, _) = row;
    Item {
        current_distribution_center_code: current_center,
        shipping_batches_history: history,
        sku,
        status,
        timestamp_completed: instant(&completed_at),
        timestamp_created: instant(&created_at),
        tracking_number,
        uuid: uuid(&id),
    }
}
