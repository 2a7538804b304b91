//! The read side.

use async_trait::async_trait;
use auth_domain::{
    AccountId, ApiKey, ApiKeyId, ApiKeyName, PasswordHash, PhoneNumber, RefreshTokenHash, Scope, SessionId,
};
use chrono::{DateTime, Utc};
use kernel_application::{Page, PageRequest};
use kernel_domain::StoreError;

/// A session, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of a session")]
pub struct SessionView {
    pub id: SessionId,
    pub user_agent: Option<String>,
    pub address: Option<String>,
    pub opened_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
}

/// An API key, as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of a key")]
pub struct ApiKeyView {
    pub id: ApiKeyId,
    pub name: ApiKeyName,
    pub prefix: String,
    pub scopes: Vec<Scope>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Reads what auth owns.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AuthQueries: Send + Sync {
    /// The hash of an account's password, if it has one. One statement.
    async fn password_hash(&self, account: AccountId) -> Result<Option<PasswordHash>, StoreError>;

    /// The account whose session has this refresh token now. One statement.
    async fn account_of(&self, token: RefreshTokenHash) -> Result<Option<AccountId>, StoreError>;

    /// A page of an account's sessions that go on at `now`, those used last first; `None` past the end.
    async fn sessions(
        &self,
        account: AccountId,
        now: DateTime<Utc>,
        page: PageRequest,
    ) -> Result<Option<Page<SessionView>>, StoreError>;

    /// Sessions that ended at `since` or later, with when they did.
    async fn ended_since(&self, since: DateTime<Utc>) -> Result<Vec<(SessionId, DateTime<Utc>)>, StoreError>;

    /// The API key with this prefix. One statement, by an index.
    async fn api_key(&self, prefix: &str) -> Result<Option<ApiKey>, StoreError>;

    /// A page of API keys that are not revoked, the newest first; `None` past the end.
    async fn api_keys(&self, page: PageRequest) -> Result<Option<Page<ApiKeyView>>, StoreError>;

    /// Whether the owner of this number may sign up as staff.
    async fn is_allowed(&self, number: &PhoneNumber) -> Result<bool, StoreError>;
}
