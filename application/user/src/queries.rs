//! The read side: rows straight to views, without entities or units of work.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel_application::{Page, PageRequest};
use kernel_domain::StoreError;
use user_domain::{
    Email, ImageKey, PhoneNumber, PhoneNumberHash, Privileges, Role, UserId, UserState, UserType, Username,
};

/// Somebody's profile, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRecord {
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
    /// Where their picture is kept.
    pub image: Option<ImageKey>,
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
    /// By identifier.
    Id(UserId),
    /// By username.
    Username(Username),
    /// By phone number.
    PhoneNumber(PhoneNumber),
}

/// Who has a phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberStanding {
    /// Nobody.
    Free,
    /// This account.
    Taken(Account),
    /// Somebody who was banned: nobody may have it.
    Banned,
}

/// A user, as the staff sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of a user")]
pub struct UserView {
    pub id: UserId,
    pub username: Username,
    pub phone_number: Option<PhoneNumber>,
    pub email: Option<Email>,
    pub role: Role,
    pub privileges: Privileges,
    pub state: UserState,
    pub joined_at: DateTime<Utc>,
}

/// Which users to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserFilter {
    /// Only those of this type.
    pub user_type: Option<UserType>,
    /// Only those whose account can be used, or cannot.
    pub is_active: Option<bool>,
    /// Only those who are banned, or are not.
    pub is_banned: Option<bool>,
    /// Only the one with this number.
    pub phone_number: Option<PhoneNumber>,
    /// Only those whose username, full name or number's digits contain this text, in any case.
    pub text: Option<String>,
}

/// Reads what the user context owns, each in a fixed number of statements.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait UserQueries: Send + Sync {
    /// The profiles of these users, in any order; unknown ones are left out.
    async fn profiles(&self, users: &[UserId]) -> Result<Vec<ProfileRecord>, StoreError>;

    /// The account that goes by this name. One statement.
    async fn account(&self, name: &AccountName) -> Result<Option<Account>, StoreError>;

    /// Who has this number, which is kept as one of these hashes once it is banned. One statement.
    async fn standing(&self, number: &PhoneNumber, hashes: &[PhoneNumberHash]) -> Result<NumberStanding, StoreError>;

    /// Users whose accounts cannot be used, and could until `since` at least.
    async fn deactivated_since(&self, since: DateTime<Utc>) -> Result<Vec<UserId>, StoreError>;

    /// The user with this id.
    async fn user(&self, id: UserId) -> Result<Option<UserView>, StoreError>;

    /// A page of users, those who joined last first; `None` past the end.
    async fn users(&self, filter: &UserFilter, page: PageRequest) -> Result<Option<Page<UserView>>, StoreError>;

    /// Pictures whose files may go by `now`, at most `limit` of them, the oldest first.
    async fn discarded_images(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<ImageKey>, StoreError>;
}
