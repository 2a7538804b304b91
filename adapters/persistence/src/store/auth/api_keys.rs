//! API keys as rows, and back.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use auth_domain::{AccountId, ApiKey, ApiKeyHash, ApiKeyId, ApiKeyName, ApiKeyRepository, ApiKeySnapshot, Scope};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Binary, Timestamp};
use diesel_async::RunQueryDsl;
use kernel_domain::StoreError;

use super::super::record::{self, Binds, Record, record};
use super::super::{Backend, corrupt};
use super::Work;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::auth_api_keys;
use crate::sql::Locked;

/// Keys in one statement at most: the text grows with each, and expressions may only be so large.
const NOTED_AT_ONCE: usize = 100;

#[derive(Queryable, Selectable)]
#[diesel(table_name = auth_api_keys)]
pub(super) struct ApiKeyRow {
    pub(super) id: Id,
    name: String,
    pub(super) prefix: String,
    key_hash: Vec<u8>,
    scopes: String,
    created_by: Option<Id>,
    pub(super) created_at: NaiveDateTime,
    expires_at: Option<NaiveDateTime>,
    last_used_at: Option<NaiveDateTime>,
    revoked_at: Option<NaiveDateTime>,
}

record!(ApiKeyRow in auth_api_keys {
    id; name, prefix, key_hash, scopes, created_by, created_at, expires_at, last_used_at, revoked_at
});

#[async_trait]
impl ApiKeyRepository for Work {
    async fn add(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        record::insert(self.unit.connection()?, &[ApiKeyRow::of(key)]).await.map_err(store_error)
    }

    async fn find(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let key = Locked(auth_api_keys::table.find(Id(id.as_uuid())).select(ApiKeyRow::as_select()));
        let key: Option<ApiKeyRow> = key.get_result(self.unit.connection()?).await.optional().map_err(store_error)?;
        key.map(ApiKeyRow::into_key).transpose()
    }

    async fn save(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        record::overwrite(self.unit.connection()?, &[ApiKeyRow::of(key)]).await.map_err(store_error)
    }

    async fn used(&mut self, uses: &[(ApiKeyId, DateTime<Utc>)]) -> Result<(), StoreError> {
        let mut latest = BTreeMap::new();
        for (key, at) in uses {
            let known = latest.entry(Id(key.as_uuid())).or_insert(at.naive_utc());
            *known = at.naive_utc().max(*known);
        }
        let latest: Vec<_> = latest.into_iter().collect();
        for uses in latest.chunks(NOTED_AT_ONCE) {
            Noted { uses }.execute(self.unit.connection()?).await.map_err(store_error)?;
        }
        Ok(())
    }
}

/// Notes when each of some keys was last used, unless something later is noted already.
struct Noted<'u> {
    uses: &'u [(Id, NaiveDateTime)],
}

impl QueryId for Noted<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Backend> for Noted<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("UPDATE auth_api_keys SET last_used_at = CASE");
        for (id, at) in self.uses {
            out.push_sql(" WHEN id = ");
            out.push_bind_param::<Binary, _>(id)?;
            out.push_sql(" AND (last_used_at IS NULL OR last_used_at < ");
            out.push_bind_param::<Timestamp, _>(at)?;
            out.push_sql(") THEN ");
            out.push_bind_param::<Timestamp, _>(at)?;
        }
        out.push_sql(" ELSE last_used_at END WHERE id IN (");
        for (place, (id, _)) in self.uses.iter().enumerate() {
            out.push_sql(if place == 0 { "" } else { ", " });
            out.push_bind_param::<Binary, _>(id)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl ApiKeyRow {
    fn of(key: &ApiKey) -> Self {
        let ApiKeySnapshot {
            id,
            name,
            prefix,
            hash,
            scopes,
            created_by,
            created_at,
            expires_at,
            last_used_at,
            revoked_at,
        } = key.snapshot();
        Self {
            id: Id(id.as_uuid()),
            name: name.as_str().to_owned(),
            prefix,
            key_hash: hash.as_bytes().to_vec(),
            scopes: scopes.into_iter().map(Scope::name).collect::<Vec<_>>().join(","),
            created_by: created_by.map(|it| Id(it.as_uuid())),
            created_at: created_at.naive_utc(),
            expires_at: expires_at.map(|it| it.naive_utc()),
            last_used_at: last_used_at.map(|it| it.naive_utc()),
            revoked_at: revoked_at.map(|it| it.naive_utc()),
        }
    }

    pub(super) fn into_key(self) -> Result<ApiKey, StoreError> {
        let unlike = |_| StoreError::corrupt("API key", "its hash is no digest");
        Ok(ApiKey::from(ApiKeySnapshot {
            id: ApiKeyId::new(self.id.0),
            name: ApiKeyName::parse(&self.name).map_err(corrupt("API key"))?,
            scopes: self.scopes()?,
            prefix: self.prefix,
            hash: ApiKeyHash::new(self.key_hash.try_into().map_err(unlike)?),
            created_by: self.created_by.map(|it| AccountId::new(it.0)),
            created_at: self.created_at.and_utc(),
            expires_at: self.expires_at.map(|it| it.and_utc()),
            last_used_at: self.last_used_at.map(|it| it.and_utc()),
            revoked_at: self.revoked_at.map(|it| it.and_utc()),
        }))
    }

    fn scopes(&self) -> Result<BTreeSet<Scope>, StoreError> {
        let unknown = |name| move || StoreError::corrupt("API key", format!("one of its scopes is {name}"));
        self.scopes.split(',').map(|name| Scope::named(name).ok_or_else(unknown(name))).collect()
    }
}
