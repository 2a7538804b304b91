//! Auth's read side: rows straight to views.

use std::future::ready;

use async_trait::async_trait;
use auth_application::{ApiKeyView, AuthQueries, SessionView};
use auth_domain::{AccountId, ApiKey, ApiKeySnapshot, PasswordHash, PhoneNumber, RefreshTokenHash, SessionId};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_application::{Page, PageRequest};
use kernel_domain::StoreError;

use super::super::Stores;
use super::super::page::{Order, Row, Time, Window, then_by};
use super::api_keys::ApiKeyRow;
use crate::counts::Length;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{auth_allowed_numbers, auth_api_keys, auth_credentials, auth_sessions};

#[async_trait]
impl AuthQueries for Stores {
    async fn password_hash(&self, account: AccountId) -> Result<Option<PasswordHash>, StoreError> {
        let mut lease = self.reader().await?;
        let hash = auth_credentials::table.find(Id(account.as_uuid())).select(auth_credentials::password_hash);
        let hash = hash.get_result::<String>(lease.connection()).await.optional().map_err(store_error)?;
        Ok(hash.map(PasswordHash::new))
    }

    async fn account_of(&self, token: RefreshTokenHash) -> Result<Option<AccountId>, StoreError> {
        let mut lease = self.reader().await?;
        let session = auth_sessions::table.filter(auth_sessions::refresh_token_hash.eq(token.as_bytes().as_slice()));
        let account = session.select(auth_sessions::account_id).get_result::<Id>(lease.connection()).await;
        Ok(account.optional().map_err(store_error)?.map(|it| AccountId::new(it.0)))
    }

    async fn sessions(
        &self,
        account: AccountId,
        now: DateTime<Utc>,
        page: PageRequest,
    ) -> Result<Option<Page<SessionView>>, StoreError> {
        let mut lease = self.reader().await?;
        let length = ready(Ok(Length::exact()));
        let column = |Time| "auth_sessions.last_used_at";
        let window = Window::of(page, Order::of(&[], Time), column, "auth_sessions.id", length).await?;
        let Some(mut window) = window else { return Ok(None) };

        let mut query = auth_sessions::table
            .filter(goes_on(account, now))
            .select((
                (
                    auth_sessions::id,
                    auth_sessions::user_agent,
                    auth_sessions::address,
                    auth_sessions::opened_at,
                    auth_sessions::last_used_at,
                ),
                window.length(|| auth_sessions::table.filter(goes_on(account, now)).count()),
            ))
            .into_boxed();
        for (Time, direction) in &window.order.keys {
            query = then_by!(query, auth_sessions::last_used_at, direction);
        }
        query = then_by!(query, auth_sessions::id, window.order.ties);
        if let Some(beyond) = window.beyond.take() {
            query = query.filter(beyond);
        }
        let query = query.limit(window.limit).offset(window.offset);
        let Some(page) = window.filled::<SessionRow>(query.load(lease.connection()).await.map_err(store_error)?)?
        else {
            return Ok(None);
        };
        let (rows, page) = page.taken();
        Ok(Some(page.with(rows.into_iter().map(session).collect())))
    }

    async fn ended_since(&self, since: DateTime<Utc>) -> Result<Vec<(SessionId, DateTime<Utc>)>, StoreError> {
        let mut lease = self.reader().await?;
        let ended = auth_sessions::table
            .filter(auth_sessions::ended_at.ge(since.naive_utc()))
            .select((auth_sessions::id, auth_sessions::ended_at.assume_not_null()));
        let ended: Vec<(Id, NaiveDateTime)> = ended.load(lease.connection()).await.map_err(store_error)?;
        Ok(ended.into_iter().map(|(id, at)| (SessionId::new(id.0), at.and_utc())).collect())
    }

    async fn api_key(&self, prefix: &str) -> Result<Option<ApiKey>, StoreError> {
        let mut lease = self.reader().await?;
        let key = auth_api_keys::table.filter(auth_api_keys::prefix.eq(prefix)).select(ApiKeyRow::as_select());
        let key: Option<ApiKeyRow> = key.get_result(lease.connection()).await.optional().map_err(store_error)?;
        // To MySQL, blanks at the end make no difference.
        key.filter(|it| it.prefix == prefix).map(ApiKeyRow::into_key).transpose()
    }

    async fn api_keys(&self, page: PageRequest) -> Result<Option<Page<ApiKeyView>>, StoreError> {
        let mut lease = self.reader().await?;
        let length = ready(Ok(Length::exact()));
        let column = |Time| "auth_api_keys.created_at";
        let window = Window::of(page, Order::of(&[], Time), column, "auth_api_keys.id", length).await?;
        let Some(mut window) = window else { return Ok(None) };

        let mut query = auth_api_keys::table
            .filter(auth_api_keys::revoked_at.is_null())
            .select((
                ApiKeyRow::as_select(),
                window.length(|| auth_api_keys::table.filter(auth_api_keys::revoked_at.is_null()).count()),
            ))
            .into_boxed();
        for (Time, direction) in &window.order.keys {
            query = then_by!(query, auth_api_keys::created_at, direction);
        }
        query = then_by!(query, auth_api_keys::id, window.order.ties);
        if let Some(beyond) = window.beyond.take() {
            query = query.filter(beyond);
        }
        let query = query.limit(window.limit).offset(window.offset);
        let Some(page) = window.filled::<ApiKeyRow>(query.load(lease.connection()).await.map_err(store_error)?)? else {
            return Ok(None);
        };
        let (rows, page) = page.taken();
        let views = rows.into_iter().map(|row| row.into_key().map(|it| view(it.snapshot())));
        Ok(Some(page.with(views.collect::<Result<_, _>>()?)))
    }

    async fn is_allowed(&self, number: &PhoneNumber) -> Result<bool, StoreError> {
        let mut lease = self.reader().await?;
        let allowed = diesel::select(exists(auth_allowed_numbers::table.find(number.as_str())));
        allowed.get_result(lease.connection()).await.map_err(store_error)
    }
}

/// A session as it is listed: its id, its device, and when it was opened and used.
type SessionRow = (Id, Option<String>, Option<String>, NaiveDateTime, NaiveDateTime);

impl Row<Time> for SessionRow {
    fn time(&self, Time: Time) -> Option<NaiveDateTime> {
        Some(self.4)
    }

    fn id(&self) -> Id {
        self.0
    }
}

impl Row<Time> for ApiKeyRow {
    fn time(&self, Time: Time) -> Option<NaiveDateTime> {
        Some(self.created_at)
    }

    fn id(&self) -> Id {
        self.id
    }
}

#[diesel::dsl::auto_type(no_type_alias)]
fn goes_on(account: AccountId, now: DateTime<Utc>) -> _ {
    let (account, now): (Id, NaiveDateTime) = (Id(account.as_uuid()), now.naive_utc());
    auth_sessions::account_id.eq(account).and(auth_sessions::ended_at.is_null()).and(auth_sessions::expires_at.gt(now))
}

fn session((id, user_agent, address, opened_at, last_used_at): SessionRow) -> SessionView {
    SessionView {
        id: SessionId::new(id.0),
        user_agent,
        address,
        opened_at: opened_at.and_utc(),
        last_used_at: last_used_at.and_utc(),
    }
}

fn view(key: ApiKeySnapshot) -> ApiKeyView {
    let ApiKeySnapshot { id, name, prefix, scopes, created_at, expires_at, last_used_at, .. } = key;
    ApiKeyView { id, name, prefix, scopes: scopes.into_iter().collect(), created_at, expires_at, last_used_at }
}
