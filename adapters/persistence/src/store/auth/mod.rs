//! Auth's store: passwords and sessions.

use async_trait::async_trait;
use auth_application::AuthQueries;
use auth_domain::{
    AccountId, AuthStore, AuthWork, Credential, CredentialRepository, PasswordHash, Session, SessionRepository,
    SessionSnapshot,
};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::StoreError;

use super::record::{self, Binds, Record, record};
use super::{Stores, Unit};
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{auth_credentials, auth_sessions};

#[async_trait]
impl AuthStore for Stores {
    async fn begin(&self) -> Result<Box<dyn AuthWork>, StoreError> {
        Ok(Box::new(Work { unit: self.begin_unit().await? }))
    }
}

struct Work {
    unit: Unit,
}

#[async_trait]
impl AuthWork for Work {
    fn credentials(&mut self) -> &mut dyn CredentialRepository {
        self
    }

    fn sessions(&mut self) -> &mut dyn SessionRepository {
        self
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.unit.commit().await
    }
}

struct CredentialRow {
    account_id: Id,
    password_hash: String,
}

record!(CredentialRow in auth_credentials { account_id; password_hash });

#[async_trait]
impl CredentialRepository for Work {
    async fn save(&mut self, credential: &Credential) -> Result<(), StoreError> {
        let row = CredentialRow {
            account_id: Id(credential.account_id.as_uuid()),
            password_hash: credential.password_hash.as_str().to_owned(),
        };
        record::overwrite(self.unit.connection()?, &[row]).await.map_err(store_error)
    }

    async fn remove(&mut self, account: AccountId) -> Result<(), StoreError> {
        let credential = auth_credentials::table.find(Id(account.as_uuid()));
        diesel::delete(credential).execute(self.unit.connection()?).await.map(drop).map_err(store_error)
    }
}

struct SessionRow {
    id: Id,
    account_id: Id,
    refresh_token_hash: Vec<u8>,
    opened_at: NaiveDateTime,
    expires_at: NaiveDateTime,
}

record!(SessionRow in auth_sessions { id; account_id, refresh_token_hash, opened_at, expires_at });

#[async_trait]
impl SessionRepository for Work {
    async fn add(&mut self, session: &Session) -> Result<(), StoreError> {
        let SessionSnapshot { id, account_id, refresh_token, opened_at, expires_at } = session.snapshot();
        let row = SessionRow {
            id: Id(id.as_uuid()),
            account_id: Id(account_id.as_uuid()),
            refresh_token_hash: refresh_token.as_bytes().to_vec(),
            opened_at: opened_at.naive_utc(),
            expires_at: expires_at.naive_utc(),
        };
        record::insert(self.unit.connection()?, &[row]).await.map_err(store_error)
    }
}

#[async_trait]
impl AuthQueries for Stores {
    async fn password_hash(&self, account: AccountId) -> Result<Option<PasswordHash>, StoreError> {
        let mut lease = self.reader().await?;
        let hash = auth_credentials::table.find(Id(account.as_uuid())).select(auth_credentials::password_hash);
        let hash = hash.get_result::<String>(lease.connection()).await.optional().map_err(store_error)?;
        Ok(hash.map(PasswordHash::new))
    }
}
