//! The read side.

use async_trait::async_trait;
use auth_domain::{AccountId, PasswordHash};
use kernel_domain::StoreError;

/// Reads what auth owns.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AuthQueries: Send + Sync {
    /// The hash of an account's password, if it has one. One statement.
    async fn password_hash(&self, account: AccountId) -> Result<Option<PasswordHash>, StoreError>;
}
