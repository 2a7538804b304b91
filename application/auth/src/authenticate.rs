//! A request shows an access token or an API key: who is it?

use kernel_application::{Actor, Identity};
use kernel_domain::{CorrelationId, StoreError};

use crate::{Auth, PresentedKey, RequestFacts, TokenRefused};

/// The token that a request shows.
pub struct PresentedToken<'a> {
    /// The token.
    pub token: &'a str,
    /// What is asked, for tokens that were narrowed.
    pub request: &'a RequestFacts,
    /// The request.
    pub correlation_id: CorrelationId,
}

/// The API key that a request shows.
pub struct PresentedApiKey {
    /// The key.
    pub key: PresentedKey,
    /// The request.
    pub correlation_id: CorrelationId,
}

/// Why nobody was recognised.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum AuthenticateError {
    #[error(transparent)]
    Token(#[from] TokenRefused),
    /// Unknown, expired or revoked.
    #[error("the API key is not valid")]
    Key,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Who shows this token, with the rights it gives in this request. Touches no database.
    pub fn authenticate(&self, presented: PresentedToken<'_>) -> Result<Actor, AuthenticateError> {
        let PresentedToken { token, request, correlation_id } = presented;
        let verified = self.access_tokens.verify(token, request, self.clock.now())?;
        if self.ended.has(verified.session_id, verified.account_id) {
            return Err(TokenRefused::Invalid.into());
        }
        let identity =
            Identity::User { user_id: verified.account_id.as_uuid(), session_id: verified.session_id.as_uuid() };
        Ok(Actor::new(identity, correlation_id, verified.rights))
    }

    /// Who shows this key, with the rights it gives. Reads one row at most, and none for what cannot be a key.
    pub async fn authenticate_key(&self, presented: PresentedApiKey) -> Result<Actor, AuthenticateError> {
        let PresentedApiKey { key, correlation_id } = presented;
        let fingerprint = self.api_keys.read(&key).ok_or(AuthenticateError::Key)?;
        let now = self.clock.now();
        let known = if let Some(known) = self.recent_keys.find(&fingerprint.prefix, now) {
            known
        } else {
            let found = self.queries.api_key(&fingerprint.prefix).await?.ok_or(AuthenticateError::Key)?;
            self.recent_keys.keep(fingerprint.prefix, found.clone(), now);
            found
        };
        if !known.admits(fingerprint.hash, now) {
            return Err(AuthenticateError::Key);
        }
        self.recent_keys.used(known.id(), now);
        let rights = self.api_keys.rights(known.id(), known.scopes());
        Ok(Actor::new(Identity::ApiKey { key_id: known.id().as_uuid() }, correlation_id, rights))
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::testing::a_new_api_key;
    use auth_domain::{ApiKey, ApiKeyHash, NewApiKey};
    use kernel_application::testing::{every_right, noon};
    use uuid::Uuid;

    use super::*;
    use crate::testing::World;
    use crate::{KeyFingerprint, MockApiKeys};

    fn shown() -> PresentedApiKey {
        PresentedApiKey {
            key: PresentedKey::new("mk_00000001.secret"),
            correlation_id: CorrelationId::from(Uuid::from_u128(1)),
        }
    }

    fn key() -> ApiKey {
        let new = NewApiKey { hash: ApiKeyHash::new([7; 32]), ..a_new_api_key() };
        ApiKey::create(new, noon()).expect("a key")
    }

    fn reading(hash: u8) -> MockApiKeys {
        let mut keys = MockApiKeys::new();
        let fingerprint = KeyFingerprint { prefix: "mk_00000001".to_owned(), hash: ApiKeyHash::new([hash; 32]) };
        keys.expect_read().returning(move |_| Some(fingerprint.clone()));
        keys.expect_rights().returning(|_, _| every_right());
        keys
    }

    #[tokio::test]
    async fn a_key_is_looked_up_once_a_second_and_noted_as_used() {
        let mut world = World { api_keys: reading(7), ..World::default() };
        let key = key();
        let known = key.clone();
        world.queries.expect_api_key().times(1).returning(move |_| Ok(Some(known.clone())));
        let noted = key.id();
        world.work.api_keys.expect_used().times(1).withf(move |uses| uses == [(noted, noon())]).returning(|_| Ok(()));
        let (auth, committed) = world.commits();

        for _ in 0..3 {
            let actor = auth.authenticate_key(shown()).await.expect("the key is good");
            assert_eq!(actor.identity, Identity::ApiKey { key_id: key.id().as_uuid() });
        }
        auth.keep_key_uses().await.expect("they are kept");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn the_right_prefix_with_the_wrong_secret_opens_nothing() {
        let mut world = World { api_keys: reading(8), ..World::default() };
        world.queries.expect_api_key().returning(|_| Ok(Some(key())));
        let (auth, _) = world.commits();

        assert!(matches!(auth.authenticate_key(shown()).await, Err(AuthenticateError::Key)));
    }

    #[tokio::test]
    async fn what_cannot_be_a_key_costs_no_statement() {
        let mut world = World::default();
        world.api_keys.expect_read().returning(|_| None);
        world.queries.expect_api_key().never();
        let (auth, _) = world.commits();

        assert!(matches!(auth.authenticate_key(shown()).await, Err(AuthenticateError::Key)));
    }
}
