//! The read side: rows straight to views, without entities or units of work.

use async_trait::async_trait;
use kernel_domain::StoreError;
use user_domain::{PhoneNumber, Privileges, Role, UserId, UserState, Username};

/// Somebody's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileView {
    /// Who.
    pub id: UserId,
    /// The name they sign in with.
    pub username: Username,
    /// Their number.
    pub phone_number: Option<PhoneNumber>,
    /// What they are, and what is known of them because of it.
    pub role: Role,
    /// The name they go by.
    pub full_name: Option<String>,
    /// Where their picture is.
    pub image: Option<String>,
    /// Whether the account can be used.
    pub state: UserState,
}

/// What whoever signs somebody in has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub id: UserId,
    /// What they are.
    pub role: Role,
    /// Rights beyond those of the role.
    pub privileges: Privileges,
    /// Whether the account can be used.
    pub state: UserState,
}

/// How somebody says who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountName {
    /// By username.
    Username(Username),
    /// By phone number.
    PhoneNumber(PhoneNumber),
}

/// Reads what the user context owns, each in a fixed number of statements.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait UserQueries: Send + Sync {
    /// The profiles of these users, in any order; unknown ones are left out.
    async fn profiles(&self, users: &[UserId]) -> Result<Vec<ProfileView>, StoreError>;

    /// The account that goes by this name.
    async fn account(&self, name: &AccountName) -> Result<Option<Account>, StoreError>;
}
