//! Passwords, by account.

use async_trait::async_trait;
use auth_domain::{AccountId, Credential, CredentialRepository, PasswordHash};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::StoreError;

use super::super::record::{self, Binds, Record, record};
use super::Work;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::auth_credentials;

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

    async fn replace(&mut self, old: &PasswordHash, credential: &Credential) -> Result<(), StoreError> {
        let kept = auth_credentials::table
            .find(Id(credential.account_id.as_uuid()))
            .filter(auth_credentials::password_hash.eq(old.as_str()));
        let replaced = diesel::update(kept).set(auth_credentials::password_hash.eq(credential.password_hash.as_str()));
        replaced.execute(self.unit.connection()?).await.map(drop).map_err(store_error)
    }

    async fn remove(&mut self, account: AccountId) -> Result<(), StoreError> {
        let credential = auth_credentials::table.find(Id(account.as_uuid()));
        diesel::delete(credential).execute(self.unit.connection()?).await.map(drop).map_err(store_error)
    }
}
