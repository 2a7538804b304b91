//! Batches: one more item.

use chrono::Utc;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Pool, Row, Value};
use poem::error::InternalServerError;
use poem::http::StatusCode;
use poem::web::{Data, Json, Path};
use poem::{IntoResponse as _, Response, Result, handler};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::answers::moment;
use crate::items::{ItemRow, with_history};
use crate::statements;

#[derive(Deserialize)]
struct Label {
    tracking_number: String,
}

/// What the event tells.
#[derive(Serialize)]
struct Added<'a> {
    batch_alias: &'a str,
    item_tracking_number: &'a str,
}

#[handler]
pub(crate) async fn add(pool: Data<&Pool>, alias: Path<String>, Json(label): Json<Label>) -> Result<Response> {
    let mut connection = pool.get_conn().await.map_err(InternalServerError)?;
    connection.query_drop("BEGIN").await.map_err(InternalServerError)?;
    if !pack(&mut connection, &alias, &label.tracking_number).await? {
        connection.query_drop("ROLLBACK").await.map_err(InternalServerError)?;
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    connection.query_drop("COMMIT").await.map_err(InternalServerError)?;
    let rows = connection.exec(statements::ITEM, (label.tracking_number,)).await.map_err(InternalServerError)?;
    Ok(Json(with_history(&mut connection, rows).await?).into_response())
}

/// Whether there are such a batch and such an item.
async fn pack(connection: &mut Conn, alias: &str, tracking_number: &str) -> Result<bool> {
    let batch = first::<Vec<u8>>(connection, statements::BATCH_NAMED, alias.into()).await?;
    let Some(batch) = batch else { return Ok(false) };
    first::<Row>(connection, statements::BATCH_LOCKED, batch.clone().into()).await?;
    let item = first::<Vec<u8>>(connection, statements::ITEM_NUMBERED, tracking_number.into()).await?;
    let Some(item) = item else { return Ok(false) };
    let row = first::<ItemRow>(connection, statements::ITEM_LOCKED, item.clone().into()).await?;
    let Some(mut row) = row else { return Ok(false) };
    first::<Row>(connection, statements::PACKED, item.clone().into()).await?;

    let now = moment(&Utc::now());
    "MOVING".clone_into(&mut row.3);
    row.7 += 1;
    let version = row.7;
    connection.exec_drop(statements::SAVE, row).await.map_err(InternalServerError)?;
    let packing = (&item, batch, &item, now.clone());
    connection.exec_drop(statements::PACK, packing).await.map_err(InternalServerError)?;
    let payload = Added { batch_alias: alias, item_tracking_number: tracking_number };
    let payload = serde_json::to_string(&payload).map_err(InternalServerError)?;
    let event: Vec<Value> = vec![
        Uuid::now_v7().as_bytes().into(),
        "bus".into(),
        "shipping".into(),
        "ItemAddedToBatch".into(),
        payload.into(),
        false.into(),
        "item".into(),
        item.into(),
        version.into(),
        now,
        Uuid::now_v7().simple().to_string().into(),
        "OPEN".into(),
        0.into(),
        0.into(),
    ];
    connection.exec_drop(statements::ANNOUNCE, event).await.map_err(InternalServerError)?;
    Ok(true)
}

async fn first<R>(connection: &mut Conn, statement: &str, by: Value) -> Result<Option<R>>
where
    R: mysql_async::prelude::FromRow + Send + 'static,
{
    connection.exec_first(statement, (by,)).await.map_err(InternalServerError)
}
