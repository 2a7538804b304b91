//! Events that no relay touches any more, for whoever looks after them.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_application::{DeadLetter, SettledEvents};
use kernel_domain::{CorrelationId, EventId, StoreError};

use super::super::record::CHUNK;
use super::super::{Connection, Stores};
use super::relayed::readable;
use super::{DELIVERED, OPEN, PARKED};
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{outbox, outbox_subscribers};
use crate::sql::{Prepared, padded};

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
struct LetterRow {
    position: i64,
    subscriber: String,
    event_id: Id,
    context: String,
    name: String,
    payload: String,
    is_confidential: bool,
    aggregate_type: String,
    aggregate_id: Id,
    aggregate_version: i32,
    occurred_at: NaiveDateTime,
    correlation_id: String,
    attempts: i32,
    reason: Option<String>,
}

impl LetterRow {
    fn into_letter(self, waiting: i64) -> DeadLetter {
        DeadLetter {
            position: self.position,
            subscriber: self.subscriber,
            event: EventId::new(self.event_id.0),
            context: self.context,
            name: self.name,
            aggregate_kind: self.aggregate_type,
            aggregate_id: self.aggregate_id.0,
            aggregate_version: i64::from(self.aggregate_version),
            // What is sealed stays sealed.
            data: if self.is_confidential { None } else { readable(&self.payload).ok() },
            occurred_at: self.occurred_at.and_utc(),
            correlation_id: CorrelationId::parse(&self.correlation_id),
            attempts: u32::try_from(self.attempts).unwrap_or_default(),
            reason: self.reason,
            waiting: u64::try_from(waiting).unwrap_or_default(),
        }
    }
}

#[async_trait]
impl SettledEvents for Stores {
    async fn dead_letters(&self, after: i64, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        let mut access = self.reader().await?;
        let subscribers = subscribers(access.connection()).await?;
        let others = diesel::alias!(outbox as others);
        let waiting = others
            .filter(others.field(outbox::subscriber).eq(outbox::subscriber))
            .filter(others.field(outbox::aggregate_type).eq(outbox::aggregate_type))
            .filter(others.field(outbox::aggregate_id).eq(outbox::aggregate_id))
            .filter(others.field(outbox::state).eq(OPEN))
            .count()
            .single_value();
        let letters = outbox::table
            .filter(outbox::subscriber.eq_any(padded(subscribers)))
            .filter(outbox::state.eq(PARKED))
            .filter(outbox::position.gt(after))
            .order(outbox::position)
            .limit(i64::from(limit))
            .select((LetterRow::as_select(), waiting));
        let letters: Vec<(LetterRow, Option<i64>)> =
            Prepared::kept(letters).load(access.connection()).await.map_err(store_error)?;
        Ok(letters.into_iter().map(|(row, waiting)| row.into_letter(waiting.unwrap_or_default())).collect())
    }

    async fn replay(&self, event: EventId, subscriber: Option<&str>) -> Result<u64, StoreError> {
        let mut access = self.writer().await?;
        let names = named(access.connection(), subscriber).await?;
        let open = diesel::update(letter(event, names.clone())).set((
            outbox::state.eq(OPEN),
            outbox::attempts.eq(0),
            outbox::reason.eq(None::<String>),
            outbox::next_attempt_at.eq(None::<NaiveDateTime>),
        ));
        let replayed = Prepared::kept(open).execute(access.connection()).await.map_err(store_error)?;
        self.outlet.ring(&names);
        Ok(replayed as u64)
    }

    async fn drop_letter(&self, event: EventId, subscriber: Option<&str>) -> Result<u64, StoreError> {
        let mut access = self.writer().await?;
        let names = named(access.connection(), subscriber).await?;
        let gone = Prepared::kept(diesel::delete(letter(event, names.clone())));
        let dropped = gone.execute(access.connection()).await.map_err(store_error)?;
        self.outlet.ring(&names);
        Ok(dropped as u64)
    }

    async fn forget_delivered(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let mut access = self.writer().await?;
        let mut forgotten = 0;
        for subscriber in subscribers(access.connection()).await? {
            // Positions follow the time closely enough: where the first ones are young, there is nothing old behind
            // them that could not wait.
            let first = outbox::table
                .filter(outbox::subscriber.eq(&subscriber))
                .filter(outbox::state.eq(DELIVERED))
                .order(outbox::position)
                .limit(i64::from(limit))
                .select((outbox::position, outbox::occurred_at));
            let first: Vec<(i64, NaiveDateTime)> = first.load(access.connection()).await.map_err(store_error)?;
            let old: Vec<i64> =
                first.into_iter().filter(|(_, at)| *at < before.naive_utc()).map(|(position, _)| position).collect();
            for positions in old.chunks(CHUNK) {
                let these = outbox::table
                    .filter(outbox::position.eq_any(padded(positions.iter().copied())))
                    .filter(outbox::state.eq(DELIVERED));
                let these = Prepared::kept(diesel::delete(these));
                forgotten += these.execute(access.connection()).await.map_err(store_error)? as u64;
            }
        }
        Ok(forgotten)
    }
}

/// A dead letter of these subscribers.
#[diesel::dsl::auto_type(no_type_alias)]
fn letter(event: EventId, subscribers: Vec<String>) -> _ {
    let event: Id = Id(event.as_uuid());
    let subscribers: Vec<String> = padded(subscribers);
    let parked: &'static str = PARKED;
    outbox::table
        .filter(outbox::event_id.eq(event))
        .filter(outbox::subscriber.eq_any(subscribers))
        .filter(outbox::state.eq(parked))
}

/// Everybody who ever claimed events.
async fn subscribers(connection: &mut Connection) -> Result<Vec<String>, StoreError> {
    outbox_subscribers::table.select(outbox_subscribers::subscriber).load(connection).await.map_err(store_error)
}

/// This subscriber, or all of them.
async fn named(connection: &mut Connection, subscriber: Option<&str>) -> Result<Vec<String>, StoreError> {
    match subscriber {
        Some(name) => Ok(vec![name.to_owned()]),
        None => subscribers(connection).await,
    }
}
