//! Pictures whose files are to be removed.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::StoreError;
use user_domain::{DiscardedImageRepository, ImageKey};

use super::super::record::{self, Binds, CHUNK, Record, record};
use super::super::{Connection, corrupt};
use super::Work;
use crate::error::store_error;
use crate::schema::user_discarded_images;
use crate::sql::{Prepared, padded};

struct DiscardedRow {
    image: String,
    due_at: NaiveDateTime,
}

record!(DiscardedRow in user_discarded_images { image; due_at });

#[async_trait]
impl DiscardedImageRepository for Work {
    async fn add(&mut self, image: &ImageKey, due: DateTime<Utc>) -> Result<(), StoreError> {
        let row = DiscardedRow { image: image.as_str().to_owned(), due_at: due.naive_utc() };
        record::overwrite(self.unit.connection()?, &[row]).await.map_err(store_error)
    }

    async fn remove(&mut self, images: &[ImageKey]) -> Result<(), StoreError> {
        for chunk in images.chunks(CHUNK) {
            let these = user_discarded_images::image.eq_any(padded(chunk.iter().map(ImageKey::as_str)));
            let removed = Prepared::kept(diesel::delete(user_discarded_images::table.filter(these)));
            removed.execute(self.unit.connection()?).await.map_err(store_error)?;
        }
        Ok(())
    }
}

/// Pictures whose time has come, the oldest first.
pub(super) async fn due(
    connection: &mut Connection,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<ImageKey>, StoreError> {
    let due = user_discarded_images::table
        .filter(user_discarded_images::due_at.le(now.naive_utc()))
        .order((user_discarded_images::due_at, user_discarded_images::image))
        .limit(i64::from(limit))
        .select(user_discarded_images::image);
    let due: Vec<String> = due.load(connection).await.map_err(store_error)?;
    due.iter().map(|it| ImageKey::parse(it).map_err(corrupt("discarded image"))).collect()
}
