//! How many events wait, counted in the index that relays use.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::StoreError;

use super::super::Connection;
use super::{OPEN, PARKED};
use crate::Backlog;
use crate::error::store_error;
use crate::schema::outbox;

/// How many events wait for each of these.
pub(in super::super) async fn backlog(
    connection: &mut Connection,
    subscribers: Vec<String>,
) -> Result<Vec<Backlog>, StoreError> {
    let mut found = Vec::with_capacity(subscribers.len());
    for subscriber in subscribers {
        found.push(Backlog {
            waiting: count(connection, &subscriber, OPEN).await?,
            parked: count(connection, &subscriber, PARKED).await?,
            oldest: oldest(connection, &subscriber).await?.map(|it| it.and_utc()),
            subscriber,
        });
    }
    Ok(found)
}

async fn count(connection: &mut Connection, subscriber: &str, state: &str) -> Result<u64, StoreError> {
    let in_state = outbox::table.filter(outbox::subscriber.eq(subscriber)).filter(outbox::state.eq(state)).count();
    let count = in_state.get_result::<i64>(connection).await.map_err(store_error)?;
    u64::try_from(count).map_err(|error| StoreError::corrupt("count", error))
}

/// When the first event that waits happened. Positions follow the order in which events were appended.
async fn oldest(connection: &mut Connection, subscriber: &str) -> Result<Option<NaiveDateTime>, StoreError> {
    let first = outbox::table
        .filter(outbox::subscriber.eq(subscriber))
        .filter(outbox::state.eq(OPEN))
        .order(outbox::position)
        .select(outbox::occurred_at);
    first.first(connection).await.optional().map_err(store_error)
}
