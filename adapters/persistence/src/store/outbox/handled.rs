//! What subscribers have handled: a row for each event, which one of them at most gets to insert or to take over.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_application::{HandledEvents, Turn};
use kernel_domain::{EventId, StoreError};

use super::super::Stores;
use super::super::record::{self, Binds, CHUNK, Record, record};
use crate::error::store_error;
use crate::id::Id;
use crate::schema::outbox_handled;
use crate::sql::padded;

struct TakenRow {
    subscriber: String,
    event_id: Id,
    taken_until: NaiveDateTime,
    handled_at: Option<NaiveDateTime>,
}

record!(TakenRow in outbox_handled { subscriber, event_id; taken_until, handled_at });

#[async_trait]
impl HandledEvents for Stores {
    async fn take(
        &self,
        subscriber: &str,
        event: EventId,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Turn, StoreError> {
        let event_id = Id(event.as_uuid());
        let taken_until = until.naive_utc();
        let row = TakenRow { subscriber: subscriber.to_owned(), event_id, taken_until, handled_at: None };
        let mut access = self.writer().await?;
        match record::insert(access.connection(), &[row]).await.map_err(store_error) {
            Ok(()) => return Ok(Turn::Mine),
            // Somebody has taken it before.
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
        let taken = outbox_handled::table.find((subscriber, event_id));
        let left = outbox_handled::handled_at.is_null().and(outbox_handled::taken_until.le(now.naive_utc()));
        let taken_over = diesel::update(taken.filter(left)).set(outbox_handled::taken_until.eq(taken_until));
        if taken_over.execute(access.connection()).await.map_err(store_error)? == 1 {
            return Ok(Turn::Mine);
        }
        let handled = taken.select(outbox_handled::handled_at.is_not_null());
        let handled = handled.get_result(access.connection()).await.optional().map_err(store_error)?;
        Ok(if handled == Some(true) { Turn::Over } else { Turn::Elsewhere })
    }

    async fn remember(&self, subscriber: &str, event: EventId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut access = self.writer().await?;
        let taken = outbox_handled::table.find((subscriber, Id(event.as_uuid())));
        let handled = diesel::update(taken).set(outbox_handled::handled_at.eq(Some(now.naive_utc())));
        handled.execute(access.connection()).await.map(drop).map_err(store_error)
    }

    async fn give_back(&self, subscriber: &str, event: EventId) -> Result<(), StoreError> {
        let mut access = self.writer().await?;
        let taken = outbox_handled::table.find((subscriber, Id(event.as_uuid())));
        let given_back = diesel::delete(taken.filter(outbox_handled::handled_at.is_null()));
        given_back.execute(access.connection()).await.map(drop).map_err(store_error)
    }

    async fn forget_handled(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let mut access = self.writer().await?;
        let old = outbox_handled::table
            .filter(outbox_handled::taken_until.lt(before.naive_utc()))
            .order(outbox_handled::taken_until)
            .limit(i64::from(limit))
            .select((outbox_handled::subscriber, outbox_handled::event_id));
        let old: Vec<(String, Id)> = old.load(access.connection()).await.map_err(store_error)?;
        let mut forgotten = 0;
        let mut rest = old.as_slice();
        while let Some((subscriber, _)) = rest.first() {
            let alike = rest.iter().take_while(|(it, _)| it == subscriber).take(CHUNK).count();
            let (these, others) = rest.split_at(alike);
            rest = others;
            let these = outbox_handled::table
                .filter(outbox_handled::subscriber.eq(subscriber))
                .filter(outbox_handled::event_id.eq_any(padded(these.iter().map(|(_, event)| *event))))
                .filter(outbox_handled::taken_until.lt(before.naive_utc()));
            forgotten += diesel::delete(these).execute(access.connection()).await.map_err(store_error)?;
        }
        Ok(forgotten as u64)
    }
}
