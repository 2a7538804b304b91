//! Transports: one.

use std::sync::Arc;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Pool, Value};
use poem::error::{BadRequest, InternalServerError};
use poem::http::StatusCode;
use poem::web::{Data, Json, Path};
use poem::{IntoResponse as _, Response, Result, handler};
use uuid::Uuid;

use crate::answers::{Transport, instant, uuid};
use crate::known::Known;
use crate::statements;

/// Id, source, destination, driver, driver on the road, state, times of creation, departure and arrival, version,
/// number of batches.
#[rustfmt::skip]
type TransportRow =
    (Vec<u8>, String, String, Option<Vec<u8>>, Option<Vec<u8>>, String, Value, Value, Value, i32, Option<u64>);

#[handler]
pub(crate) async fn detail(pool: Data<&Pool>, known: Data<&Arc<Known>>, id: Path<String>) -> Result<Response> {
    let id = Uuid::parse_str(&id).map_err(BadRequest)?;
    let mut connection = pool.get_conn().await.map_err(InternalServerError)?;
    let row = connection.exec_first(statements::TRANSPORT, (1, id.as_bytes())).await.map_err(InternalServerError)?;
    let transport = row.map(|row| transport(&known, row));
    Ok(transport.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |it| Json(it).into_response()))
}

fn transport(known: &Known, row: TransportRow) -> Transport<'_> {
    let (id, source, destination, driver, _, _, created_at, departed_at, arrived_at, _, batches) = row;
    let arrived_at = instant(&arrived_at);
    Transport {
        batch_count: batches.unwrap_or_default(),
        completed: arrived_at.is_some(),
        destination: known.center(&destination),
        source: known.center(&source),
        driver: driver.and_then(|it| known.person(&it)),
        timestamp_arrived: arrived_at,
        timestamp_created: instant(&created_at),
        timestamp_departed: instant(&departed_at),
        uuid: uuid(&id),
    }
}
