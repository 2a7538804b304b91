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

/// An item, and the batch that it is in since then.
type FoundRow = (Vec<u8>, String, String, String, Option<String>, Value, Value, i32, Option<Vec<u8>>, Value);

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
    let Some(item) = pack(&mut connection, &alias, &label.tracking_number).await? else {
        connection.query_drop("ROLLBACK").await.map_err(InternalServerError)?;
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    connection.query_drop("COMMIT").await.map_err(InternalServerError)?;
    Ok(Json(with_history(&mut connection, vec![item]).await?).into_response())
}

/// The item as it is then, if there are such a batch and such an item.
async fn pack(connection: &mut Conn, alias: &str, tracking_number: &str) -> Result<Option<ItemRow>> {
    let batch = first::<Row>(connection, statements::BATCH_LOCKED, alias.into()).await?;
    let Some(batch) = batch.and_then(|mut it| it.take::<Vec<u8>, _>(0)) else { return Ok(None) };
    let found = first::<FoundRow>(connection, statements::ITEM_LOCKED, tracking_number.into()).await?;
    let Some((id, number, sku, _, center, created_at, completed_at, before, _, _)) = found else { return Ok(None) };
    let version = before + 1;
    let item: ItemRow = (id, number, sku, "MOVING".to_owned(), center, created_at, completed_at, version);

    let now = moment(&Utc::now());
    connection.exec_drop(statements::SAVE, item.clone()).await.map_err(InternalServerError)?;
    let packing = (&item.0, batch, &item.0, now.clone());
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
        item.0.clone().into(),
        version.into(),
        now,
        Uuid::now_v7().simple().to_string().into(),
        "OPEN".into(),
        0.into(),
        0.into(),
    ];
    connection.exec_drop(statements::ANNOUNCE, event).await.map_err(InternalServerError)?;
    Ok(Some(item))
}

async fn first<R>(connection: &mut Conn, statement: &str, by: Value) -> Result<Option<R>>
where
    R: mysql_async::prelude::FromRow + Send + 'static,
{
    connection.exec_first(statement, (by,)).await.map_err(InternalServerError)
}
