//! Requests that act once: the row that tells of each, and is kept together with all that it did.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_application::{ANSWERS_ARE_KEPT, Idempotency, KeptAnswer, KeptRequest, Once, RequestKey, Sealing, Work};
use kernel_domain::StoreError;

use super::held::Held;
use super::record::{self, Binds, Record, record};
use super::{Connection, Stores, corrupt};
use crate::error::store_error;
use crate::schema::idempotency_requests;
use crate::sql::LockedNow;

/// Requests that one statement forgets: two columns name each, and expressions may only be so deep.
const FORGOTTEN_AT_ONCE: usize = 100;

#[derive(Queryable, Selectable)]
#[diesel(table_name = idempotency_requests)]
struct RequestRow {
    scope: Vec<u8>,
    request_key: Vec<u8>,
    fingerprint: Vec<u8>,
    answer: Option<Vec<u8>>,
    made_at: NaiveDateTime,
}

record!(RequestRow in idempotency_requests { scope, request_key; fingerprint, answer, made_at });

#[async_trait]
impl Idempotency for Stores {
    async fn once(
        &self,
        request: RequestKey,
        fingerprint: [u8; 32],
        now: DateTime<Utc>,
        work: Work<'_>,
    ) -> Result<Once, StoreError> {
        let request = Request { key: request, fingerprint, now, sealing: self.sealing.clone() };
        let mut lease = self.readers.lease().await?;
        let known = request.find(lease.connection()).await?;
        drop(lease);
        if let Some(before) = request.answered(known)? {
            return Ok(before);
        }
        let held = Held::by(request, self.writers.clone());
        let answer = held.during(work).await;
        held.end(answer).await
    }

    async fn forget(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let mut lease = self.writers.lease().await?;
        let old = idempotency_requests::table
            .filter(idempotency_requests::made_at.lt(before.naive_utc()))
            .order(idempotency_requests::made_at)
            .limit(i64::from(limit))
            .select((idempotency_requests::scope, idempotency_requests::request_key));
        let old: Vec<(Vec<u8>, Vec<u8>)> = old.load(lease.connection()).await.map_err(store_error)?;
        let mut forgotten = 0;
        for chunk in old.chunks(FORGOTTEN_AT_ONCE) {
            let mut named = diesel::delete(idempotency_requests::table).into_boxed();
            for (scope, key) in chunk {
                // One that was made again in the meantime is not old any more.
                let is_old = idempotency_requests::made_at.lt(before.naive_utc());
                let is_it = idempotency_requests::scope.eq(scope).and(idempotency_requests::request_key.eq(key));
                named = named.or_filter(is_it.and(is_old));
            }
            forgotten += named.execute(lease.connection()).await.map_err(store_error)?;
        }
        Ok(forgotten as u64)
    }
}

/// A request that is made now.
pub(super) struct Request {
    key: RequestKey,
    fingerprint: [u8; 32],
    now: DateTime<Utc>,
    sealing: Arc<dyn Sealing>,
}

impl Request {
    /// Makes the request that of this transaction; what is known of it instead if that cannot be.
    pub(super) async fn claim(&self, connection: &mut Connection) -> Result<Option<Once>, StoreError> {
        let known = match self.find_and_lock(connection).await {
            Err(StoreError::Contended(_)) => return Ok(Some(Once::Running)),
            known => known?,
        };
        let (row, is_known) = ([self.row()], known.is_some());
        if let Some(before) = self.answered(known)? {
            return Ok(Some(before));
        }
        let claimed =
            if is_known { record::overwrite(connection, &row).await } else { record::insert(connection, &row).await };
        match claimed.map_err(store_error) {
            Ok(()) => Ok(None),
            // Others inserted it while we were about to.
            Err(StoreError::Contended(_)) => Ok(Some(Once::Running)),
            Err(StoreError::Conflict(_)) => {
                let known = self.find(connection).await?;
                Ok(Some(self.answered(known)?.unwrap_or(Once::Running)))
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps the answer to the request that was claimed.
    pub(super) async fn answer(&self, connection: &mut Connection, answer: &KeptAnswer) -> Result<(), StoreError> {
        let sealed = self.sealing.seal(&answer.0, &self.belongs_to());
        let claimed = idempotency_requests::table.find((self.key.scope.as_bytes(), self.key.key.as_bytes()));
        let answered = diesel::update(claimed).set(idempotency_requests::answer.eq(Some(sealed)));
        match answered.execute(connection).await.map_err(store_error)? {
            1 => Ok(()),
            // The server undid the transaction, the claim with it, and what came after would be kept alone.
            _ => Err(StoreError::Contended("the claim of the request is gone".into())),
        }
    }

    async fn find(&self, connection: &mut Connection) -> Result<Option<RequestRow>, StoreError> {
        let known = idempotency_requests::table.find((self.key.scope.as_bytes(), self.key.key.as_bytes()));
        known.select(RequestRow::as_select()).get_result(connection).await.optional().map_err(store_error)
    }

    async fn find_and_lock(&self, connection: &mut Connection) -> Result<Option<RequestRow>, StoreError> {
        let known = idempotency_requests::table.find((self.key.scope.as_bytes(), self.key.key.as_bytes()));
        LockedNow(known.select(RequestRow::as_select())).get_result(connection).await.optional().map_err(store_error)
    }

    fn row(&self) -> RequestRow {
        RequestRow {
            scope: self.key.scope.clone().into_bytes(),
            request_key: self.key.key.clone().into_bytes(),
            fingerprint: self.fingerprint.to_vec(),
            answer: None,
            made_at: self.now.naive_utc(),
        }
    }

    /// What was answered, unless that is too long ago to count.
    fn answered(&self, known: Option<RequestRow>) -> Result<Option<Once>, StoreError> {
        let Some(RequestRow { fingerprint, answer: Some(sealed), made_at, .. }) = known else { return Ok(None) };
        if made_at.and_utc() + ANSWERS_ARE_KEPT <= self.now {
            return Ok(None);
        }
        let answer = self.sealing.open(&sealed, &self.belongs_to()).map_err(corrupt("kept answer"))?;
        let unlike = |_| StoreError::corrupt("kept answer", "its fingerprint is no digest");
        let fingerprint = fingerprint.try_into().map_err(unlike)?;
        Ok(Some(Once::Before(KeptRequest { fingerprint, answer: KeptAnswer(answer) })))
    }

    /// Says where the scope ends, so that no two requests are spelt alike.
    fn belongs_to(&self) -> Vec<u8> {
        let RequestKey { scope, key } = &self.key;
        format!("{}|{scope}|{key}", scope.len()).into_bytes()
    }
}
