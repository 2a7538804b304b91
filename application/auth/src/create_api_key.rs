//! A machine gets a key.

use std::collections::BTreeSet;

use auth_domain::{AccountId, ApiKey, ApiKeyId, ApiKeyName, CannotCreateApiKey, NewApiKey, Scope};
use chrono::{DateTime, Utc};
use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;

use crate::{ApiKeyView, Auth, MANAGE_API_KEYS, PresentedKey};

/// What the key is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateApiKey {
    /// What it is called.
    pub name: ApiKeyName,
    /// What its holder may do.
    pub scopes: BTreeSet<Scope>,
    /// Until when.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A new key. It is shown now, and never again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedApiKey {
    /// What is kept of it.
    pub view: ApiKeyView,
    /// The key itself.
    pub key: PresentedKey,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum CreateApiKeyError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Refused(#[from] CannotCreateApiKey),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Makes a key, for whoever may.
    pub async fn create_api_key(
        &self,
        actor: &Actor,
        command: CreateApiKey,
    ) -> Result<CreatedApiKey, CreateApiKeyError> {
        actor.require(MANAGE_API_KEYS)?;
        self.make_api_key(command, actor.user_id().map(AccountId::new)).await
    }

    /// Makes a key for an operator, who needs no right.
    pub async fn make_api_key(
        &self,
        command: CreateApiKey,
        created_by: Option<AccountId>,
    ) -> Result<CreatedApiKey, CreateApiKeyError> {
        let CreateApiKey { name, scopes, expires_at } = command;
        let (key, fingerprint) = self.api_keys.fresh();
        let now = self.clock.now();
        let new = NewApiKey {
            id: ApiKeyId::new(self.ids.uuid()),
            name: name.clone(),
            prefix: fingerprint.prefix.clone(),
            hash: fingerprint.hash,
            scopes,
            created_by,
            expires_at,
        };
        let api_key = ApiKey::create(new, now)?;

        let mut work = self.store.begin().await?;
        work.api_keys().add(&api_key).await?;
        work.commit().await?;
        let view = ApiKeyView {
            id: api_key.id(),
            name,
            prefix: fingerprint.prefix,
            scopes: api_key.scopes().iter().copied().collect(),
            created_at: now,
            expires_at,
            last_used_at: None,
        };
        Ok(CreatedApiKey { view, key })
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::ApiKeyHash;
    use kernel_application::testing::{anyone, nobody, noon};

    use super::*;
    use crate::KeyFingerprint;
    use crate::testing::World;

    fn a_command() -> CreateApiKey {
        let name = ApiKeyName::parse("scanner").expect("a name");
        CreateApiKey { name, scopes: Scope::usual(), expires_at: None }
    }

    fn world() -> World {
        let mut world = World::default();
        world.api_keys.expect_fresh().returning(|| {
            let fingerprint = KeyFingerprint { prefix: "mk_1".to_owned(), hash: ApiKeyHash::new([7; 32]) };
            (PresentedKey::new("mk_1.secret"), fingerprint)
        });
        world
    }

    #[tokio::test]
    async fn a_key_is_kept_as_a_hash_and_shown_once() {
        let mut world = world();
        let hashed = |it: &ApiKey| it.snapshot().hash == ApiKeyHash::new([7; 32]);
        world.work.api_keys.expect_add().times(1).withf(hashed).returning(|_| Ok(()));
        let (auth, committed) = world.commits();

        let created = auth.create_api_key(&anyone(), a_command()).await.expect("a key");

        assert_eq!(created.key.expose(), "mk_1.secret");
        assert_eq!(created.view.scopes, [Scope::ReadShipping, Scope::WriteShipping]);
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn nobody_makes_keys_without_the_right_to() {
        let (auth, committed) = World::default().commits();

        assert!(matches!(auth.create_api_key(&nobody(), a_command()).await, Err(CreateApiKeyError::Denied(_))));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn a_key_that_has_expired_already_is_not_kept() {
        let command = CreateApiKey { expires_at: Some(noon()), ..a_command() };
        let (auth, committed) = world().commits();

        let refused = auth.create_api_key(&anyone(), command).await;

        assert!(matches!(refused, Err(CreateApiKeyError::Refused(CannotCreateApiKey::AlreadyExpired))));
        assert!(!committed.happened());
    }
}
