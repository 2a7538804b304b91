//! API keys: what a machine shows instead of signing in.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};

use crate::{AccountId, ApiKeyId};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// To look at items, batches and transports.
    ReadShipping,
    /// To change them.
    WriteShipping,
    /// To look at distribution centers.
    ReadDistribution,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 3] = [Self::ReadShipping, Self::WriteShipping, Self::ReadDistribution];

    /// The word that the API, the database and the rights use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadShipping => "shipping:read",
            Self::WriteShipping => "shipping:write",
            Self::ReadDistribution => "distribution:read",
        }
    }

    /// The scope with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// What a key is for unless somebody says otherwise.
    pub fn usual() -> BTreeSet<Self> {
        [Self::ReadShipping, Self::WriteShipping].into()
    }
}

/// What a key is called by whoever looks after it: 1 to 50 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyName(String);

/// Why a text is no name of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApiKeyName {
    /// There is nothing in it.
    #[error("a name may not be blank")]
    Blank,
    /// It is longer than [`ApiKeyName::MAX_CHARS`].
    #[error("a name has at most {} characters", ApiKeyName::MAX_CHARS)]
    TooLong,
}

impl ApiKeyName {
    /// Characters in the longest name.
    pub const MAX_CHARS: usize = 50;

    /// Takes a name as given, without surrounding white space.
    pub fn parse(raw: &str) -> Result<Self, InvalidApiKeyName> {
        let name = raw.trim();
        match name.chars().count() {
            0 => Err(InvalidApiKeyName::Blank),
            1..=Self::MAX_CHARS => Ok(Self(name.to_owned())),
            _ => Err(InvalidApiKeyName::TooLong),
        }
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The SHA-256 of a whole key: its 256 random bits leave nothing to guess (OWASP ASVS 5, 6.5.2). `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ApiKeyHash([u8; 32]);

impl ApiKeyHash {
    /// Takes a digest.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyHash(…)")
    }
}

/// What a machine may do, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    id: ApiKeyId,
    name: ApiKeyName,
    /// The part of the key that may be shown, to tell keys apart.
    prefix: String,
    hash: ApiKeyHash,
    scopes: BTreeSet<Scope>,
    /// Who made it; nobody, if an operator did on the command line.
    created_by: Option<AccountId>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

/// A key to make.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `ApiKey`")]
pub struct NewApiKey {
    pub id: ApiKeyId,
    pub name: ApiKeyName,
    pub prefix: String,
    pub hash: ApiKeyHash,
    pub scopes: BTreeSet<Scope>,
    pub created_by: Option<AccountId>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why a key cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotCreateApiKey {
    /// It would have expired already.
    #[error("the key would have expired already")]
    AlreadyExpired,
    /// It would be good for nothing.
    #[error("the key would have no scope")]
    NoScope,
}

impl ApiKey {
    /// Makes a key.
    pub fn create(new: NewApiKey, now: DateTime<Utc>) -> Result<Self, CannotCreateApiKey> {
        let NewApiKey { id, name, prefix, hash, scopes, created_by, expires_at } = new;
        if scopes.is_empty() {
            return Err(CannotCreateApiKey::NoScope);
        }
        if expires_at.is_some_and(|it| it <= now) {
            return Err(CannotCreateApiKey::AlreadyExpired);
        }
        Ok(Self {
            id,
            name,
            prefix,
            hash,
            scopes,
            created_by,
            created_at: now,
            expires_at,
            last_used_at: None,
            revoked_at: None,
        })
    }

    /// Its identifier.
    pub fn id(&self) -> ApiKeyId {
        self.id
    }

    /// What it is for.
    pub fn scopes(&self) -> &BTreeSet<Scope> {
        &self.scopes
    }

    /// Whether this is the key's hash, and the key opens anything now.
    pub fn admits(&self, hash: ApiKeyHash, now: DateTime<Utc>) -> bool {
        self.hash == hash && self.revoked_at.is_none() && self.expires_at.is_none_or(|it| now < it)
    }

    /// Revokes it, for good. What was revoked stays as it is.
    pub fn revoke(&mut self, now: DateTime<Utc>) {
        self.revoked_at.get_or_insert(now);
    }
}

/// Everything a store must keep to bring a key back, unjudged: rules guard transitions, never history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `ApiKey`")]
pub struct ApiKeySnapshot {
    pub id: ApiKeyId,
    pub name: ApiKeyName,
    pub prefix: String,
    pub hash: ApiKeyHash,
    pub scopes: BTreeSet<Scope>,
    pub created_by: Option<AccountId>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// What a store keeps.
    pub fn snapshot(&self) -> ApiKeySnapshot {
        let Self { id, name, prefix, hash, scopes, created_by, created_at, expires_at, last_used_at, revoked_at } =
            self.clone();
        ApiKeySnapshot { id, name, prefix, hash, scopes, created_by, created_at, expires_at, last_used_at, revoked_at }
    }
}

impl From<ApiKeySnapshot> for ApiKey {
    fn from(kept: ApiKeySnapshot) -> Self {
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
        } = kept;
        Self { id, name, prefix, hash, scopes, created_by, created_at, expires_at, last_used_at, revoked_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{a_new_api_key, noon};
    use chrono::TimeDelta;

    const HASH: ApiKeyHash = ApiKeyHash::new([7; 32]);

    #[test]
    fn a_name_is_trimmed_bounded_and_never_blank() {
        assert_eq!(ApiKeyName::parse(" scanner ").map(|it| it.as_str().to_owned()), Ok("scanner".to_owned()));
        assert_eq!(ApiKeyName::parse("  "), Err(InvalidApiKeyName::Blank));
        assert!(ApiKeyName::parse(&"창".repeat(50)).is_ok(), "characters count, not bytes");
        assert_eq!(ApiKeyName::parse(&"창".repeat(51)), Err(InvalidApiKeyName::TooLong));
    }

    #[test]
    fn a_store_gets_the_hash_and_a_log_does_not() {
        assert_eq!(HASH.as_bytes(), &[7; 32]);
        assert_eq!(format!("{HASH:?}"), "ApiKeyHash(…)");
    }

    #[test]
    fn a_key_is_for_shipping_unless_somebody_says_otherwise() {
        let key = ApiKey::create(a_new_api_key(), noon()).expect("a key");

        assert_eq!(*key.scopes(), [Scope::ReadShipping, Scope::WriteShipping].into());
    }

    #[test]
    fn a_key_opens_until_it_expires() {
        let expires_at = Some(noon() + TimeDelta::days(1));
        let key = ApiKey::create(NewApiKey { hash: HASH, expires_at, ..a_new_api_key() }, noon()).expect("a key");

        assert!(key.admits(HASH, noon()));
        assert!(!key.admits(HASH, noon() + TimeDelta::days(1)));
        assert!(!key.admits(ApiKeyHash::new([8; 32]), noon()));
    }

    #[test]
    fn a_key_that_was_revoked_opens_nothing() {
        let mut key = ApiKey::create(NewApiKey { hash: HASH, ..a_new_api_key() }, noon()).expect("a key");

        key.revoke(noon());
        let before = key.clone();

        assert!(!key.admits(HASH, noon()));
        key.revoke(noon() + TimeDelta::hours(1));
        assert_eq!(key, before, "it was revoked once");
    }

    #[test]
    fn a_key_without_a_use_is_not_made() {
        let without_scopes = NewApiKey { scopes: BTreeSet::new(), ..a_new_api_key() };
        assert_eq!(ApiKey::create(without_scopes, noon()), Err(CannotCreateApiKey::NoScope));

        let expired = NewApiKey { expires_at: Some(noon()), ..a_new_api_key() };
        assert_eq!(ApiKey::create(expired, noon()), Err(CannotCreateApiKey::AlreadyExpired));
    }

    #[test]
    fn every_scope_can_be_read_back() {
        for scope in Scope::ALL {
            assert_eq!(Scope::named(scope.name()), Some(scope));
        }
        assert_eq!(Scope::named("user:self"), None);
    }
}
