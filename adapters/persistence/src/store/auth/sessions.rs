//! Sessions, and the refresh tokens that they had.

use async_trait::async_trait;
use auth_domain::{
    AccountId, Device, FoundSession, PasswordHash, RefreshTokenHash, Session, SessionId, SessionRepository,
    SessionSnapshot,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::SqlTypeOf;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel_async::RunQueryDsl;
use kernel_domain::StoreError;

use super::super::record::{self, Binds, CHUNK, Record, record};
use super::super::{Backend, Connection, SHARED};
use super::Work;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{auth_credentials, auth_sessions, auth_spent_refresh_tokens};
use crate::sql::{Locked, Prepared, padded};

#[derive(Queryable, Selectable)]
#[diesel(table_name = auth_sessions)]
pub(super) struct SessionRow {
    id: Id,
    account_id: Id,
    refresh_token_hash: Vec<u8>,
    user_agent: Option<String>,
    address: Option<String>,
    opened_at: NaiveDateTime,
    last_used_at: NaiveDateTime,
    expires_at: NaiveDateTime,
    ended_at: Option<NaiveDateTime>,
}

record!(SessionRow in auth_sessions {
    id; account_id, refresh_token_hash, user_agent, address, opened_at, last_used_at, expires_at, ended_at
});

/// A refresh token that was exchanged. It goes when its session does.
struct SpentRow {
    hash: Vec<u8>,
    session_id: Id,
    spent_at: NaiveDateTime,
}

record!(SpentRow in auth_spent_refresh_tokens { hash; session_id, spent_at });

/// Keeps a session if its account still has this password. The credential is held meanwhile: whoever is changing it is
/// waited for, and whoever changes it next finds the session.
pub(super) async fn open(
    connection: &mut Connection,
    session: &Session,
    proved: &PasswordHash,
) -> Result<bool, StoreError> {
    let opened = Opened { session: SessionRow::of(session), password_hash: proved.as_str() };
    Ok(opened.execute(connection).await.map_err(store_error)? == 1)
}

struct Opened<'h> {
    session: SessionRow,
    password_hash: &'h str,
}

impl QueryId for Opened<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Backend> for Opened<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql(&format!("INSERT INTO {} ({}) SELECT ", SessionRow::TABLE, SessionRow::COLUMNS.join(", ")));
        self.session.bind(out.reborrow())?;
        out.push_sql(" FROM auth_credentials WHERE account_id = ");
        out.push_bind_param::<SqlTypeOf<auth_credentials::account_id>, _>(&self.session.account_id)?;
        out.push_sql(" AND password_hash = ");
        out.push_bind_param::<SqlTypeOf<auth_credentials::password_hash>, _>(self.password_hash)?;
        out.push_sql(SHARED);
        Ok(())
    }
}

#[async_trait]
impl SessionRepository for Work {
    async fn add(&mut self, session: &Session) -> Result<(), StoreError> {
        record::insert(self.unit.connection()?, &[SessionRow::of(session)]).await.map_err(store_error)?;
        self.tokens.insert(session.id(), session.snapshot().refresh_token);
        Ok(())
    }

    async fn by_refresh_token(&mut self, token: RefreshTokenHash) -> Result<Option<FoundSession>, StoreError> {
        let hash = token.as_bytes().as_slice();
        // Whoever exchanges it has the session's row: we wait for them, and find then that it is spent.
        let current = auth_sessions::table.filter(auth_sessions::refresh_token_hash.eq(hash));
        let current = Locked(current.select(SessionRow::as_select())).get_result(self.unit.connection()?).await;
        if let Some(row) = current.optional().map_err(store_error)? {
            return self.found(row).map(|it| Some(FoundSession::Current(it)));
        }
        let spent = auth_spent_refresh_tokens::table.find(hash).select(auth_spent_refresh_tokens::session_id);
        let spent = spent.get_result::<Id>(self.unit.connection()?).await.optional().map_err(store_error)?;
        let Some(id) = spent else { return Ok(None) };
        let session = Locked(auth_sessions::table.find(id).select(SessionRow::as_select()));
        let session = session.get_result(self.unit.connection()?).await.optional().map_err(store_error)?;
        session.map(|row| self.found(row).map(FoundSession::Spent)).transpose()
    }

    async fn find(&mut self, account: AccountId, id: SessionId) -> Result<Option<Session>, StoreError> {
        let session = auth_sessions::table
            .filter(auth_sessions::id.eq(Id(id.as_uuid())))
            .filter(auth_sessions::account_id.eq(Id(account.as_uuid())));
        let session = Locked(session.select(SessionRow::as_select())).get_result(self.unit.connection()?).await;
        session.optional().map_err(store_error)?.map(|row| self.found(row)).transpose()
    }

    async fn save(&mut self, session: &Session) -> Result<(), StoreError> {
        let SessionSnapshot { id, refresh_token, last_used_at, .. } = session.snapshot();
        let Some(before) = self.tokens.insert(id, refresh_token) else {
            return Err(StoreError::corrupt("unit of work", format!("session {id} is saved, but was never found")));
        };
        record::overwrite(self.unit.connection()?, &[SessionRow::of(session)]).await.map_err(store_error)?;
        if before == refresh_token {
            return Ok(());
        }
        let spent = SpentRow {
            hash: before.as_bytes().to_vec(),
            session_id: Id(id.as_uuid()),
            spent_at: last_used_at.naive_utc(),
        };
        record::insert(self.unit.connection()?, &[spent]).await.map_err(store_error)
    }

    async fn end_all(
        &mut self,
        account: AccountId,
        but: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<SessionId>, StoreError> {
        let open = auth_sessions::table
            .filter(auth_sessions::account_id.eq(Id(account.as_uuid())))
            .filter(auth_sessions::ended_at.is_null())
            .select(auth_sessions::id);
        let mut open: Vec<Id> = Locked(open).load(self.unit.connection()?).await.map_err(store_error)?;
        open.retain(|it| but.is_none_or(|but| it.0 != but.as_uuid()));
        self.end(open, now).await
    }

    async fn end_opened(
        &mut self,
        account: AccountId,
        opened_by: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<SessionId>, StoreError> {
        let open = auth_sessions::table
            .filter(auth_sessions::account_id.eq(Id(account.as_uuid())))
            .filter(auth_sessions::ended_at.is_null())
            .filter(auth_sessions::opened_at.le(opened_by.naive_utc()))
            .select(auth_sessions::id);
        let open = Locked(open).load(self.unit.connection()?).await.map_err(store_error)?;
        self.end(open, now).await
    }

    async fn purge(
        &mut self,
        expired_by: DateTime<Utc>,
        ended_by: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let expired = auth_sessions::table
            .filter(auth_sessions::expires_at.le(expired_by.naive_utc()))
            .order(auth_sessions::expires_at)
            .limit(i64::from(limit))
            .select(auth_sessions::id);
        let mut gone: Vec<Id> = expired.load(self.unit.connection()?).await.map_err(store_error)?;
        let left = i64::from(limit).saturating_sub_unsigned(gone.len() as u64);
        let ended = auth_sessions::table
            .filter(auth_sessions::ended_at.le(ended_by.naive_utc()))
            .filter(auth_sessions::expires_at.gt(expired_by.naive_utc()))
            .order(auth_sessions::ended_at)
            .limit(left)
            .select(auth_sessions::id);
        gone.extend(ended.load::<Id>(self.unit.connection()?).await.map_err(store_error)?);
        gone.sort_unstable();
        let mut removed = 0;
        for chunk in gone.chunks(CHUNK) {
            let these = auth_sessions::table.filter(auth_sessions::id.eq_any(padded(chunk.iter().copied())));
            let these = Prepared::kept(diesel::delete(these));
            removed += these.execute(self.unit.connection()?).await.map_err(store_error)?;
        }
        Ok(removed as u64)
    }
}

impl Work {
    /// Ends these sessions.
    async fn end(&mut self, open: Vec<Id>, now: DateTime<Utc>) -> Result<Vec<SessionId>, StoreError> {
        for chunk in open.chunks(CHUNK) {
            let these = auth_sessions::id.eq_any(padded(chunk.iter().copied()));
            let ended = diesel::update(auth_sessions::table.filter(these));
            let ended = Prepared::kept(ended.set(auth_sessions::ended_at.eq(Some(now.naive_utc()))));
            ended.execute(self.unit.connection()?).await.map_err(store_error)?;
        }
        Ok(open.into_iter().map(|it| SessionId::new(it.0)).collect())
    }

    /// Notes the refresh token that a session was found with.
    fn found(&mut self, row: SessionRow) -> Result<Session, StoreError> {
        let session = row.into_session()?;
        self.tokens.entry(session.id()).or_insert(session.snapshot().refresh_token);
        Ok(session)
    }
}

impl SessionRow {
    pub(super) fn of(session: &Session) -> Self {
        let SessionSnapshot { id, account_id, refresh_token, device, opened_at, last_used_at, expires_at, ended_at } =
            session.snapshot();
        Self {
            id: Id(id.as_uuid()),
            account_id: Id(account_id.as_uuid()),
            refresh_token_hash: refresh_token.as_bytes().to_vec(),
            user_agent: device.user_agent().map(str::to_owned),
            address: device.address().map(str::to_owned),
            opened_at: opened_at.naive_utc(),
            last_used_at: last_used_at.naive_utc(),
            expires_at: expires_at.naive_utc(),
            ended_at: ended_at.map(|it| it.naive_utc()),
        }
    }

    fn into_session(self) -> Result<Session, StoreError> {
        let unlike = |_| StoreError::corrupt("session", "the hash of its refresh token is no digest");
        Ok(Session::from(SessionSnapshot {
            id: SessionId::new(self.id.0),
            account_id: AccountId::new(self.account_id.0),
            refresh_token: RefreshTokenHash::new(self.refresh_token_hash.try_into().map_err(unlike)?),
            device: Device::seen(self.user_agent.as_deref(), self.address.as_deref()),
            opened_at: self.opened_at.and_utc(),
            last_used_at: self.last_used_at.and_utc(),
            expires_at: self.expires_at.and_utc(),
            ended_at: self.ended_at.map(|it| it.and_utc()),
        }))
    }
}
