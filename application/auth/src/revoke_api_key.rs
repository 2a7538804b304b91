//! A key opens doors no more.

use auth_domain::ApiKeyId;
use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;

use crate::{Auth, MANAGE_API_KEYS};

/// Why the key stays as it is.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum RevokeApiKeyError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no API key {0}")]
    Unknown(ApiKeyId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Revokes a key for good, on every instance within a second.
    pub async fn revoke_api_key(&self, actor: &Actor, id: ApiKeyId) -> Result<(), RevokeApiKeyError> {
        actor.require(MANAGE_API_KEYS)?;

        let mut work = self.store.begin().await?;
        let mut key = work.api_keys().find(id).await?.ok_or(RevokeApiKeyError::Unknown(id))?;
        key.revoke(self.clock.now());
        work.api_keys().save(&key).await?;
        work.commit().await?;
        self.recent_keys.forget(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::ApiKey;
    use auth_domain::testing::a_new_api_key;
    use kernel_application::testing::{anyone, noon};

    use crate::testing::World;

    #[tokio::test]
    async fn a_key_that_was_remembered_is_forgotten() {
        let key = ApiKey::create(a_new_api_key(), noon()).expect("a key");
        let mut world = World::default();
        let found = key.clone();
        world.work.api_keys.expect_find().returning(move |_| Ok(Some(found.clone())));
        let revoked = |it: &ApiKey| it.snapshot().revoked_at == Some(noon());
        world.work.api_keys.expect_save().times(1).withf(revoked).returning(|_| Ok(()));
        let (auth, committed) = world.commits();
        auth.recent_keys.keep("mk_1".to_owned(), key.clone(), noon());

        auth.revoke_api_key(&anyone(), key.id()).await.expect("it is revoked");

        assert!(committed.happened());
        assert!(auth.recent_keys.find("mk_1", noon()).is_none());
    }
}
