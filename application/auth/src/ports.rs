//! What auth needs: the user context, a password hasher, and two kinds of tokens.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_domain::{AccountId, NewPassword, Password, PasswordHash, RefreshTokenHash, SessionId};
use chrono::{DateTime, Utc};
use kernel_application::Rights;
use kernel_domain::{BoxError, CorrelationId, StoreError};

/// How somebody says who they are.
#[derive(Clone, PartialEq, Eq)]
pub enum SignInName {
    /// By username.
    Username(String),
    /// By phone number, in any international spelling.
    PhoneNumber(String),
}

/// A phone number is personal and has no place in a log.
impl fmt::Debug for SignInName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Username(_) => f.write_str("Username(…)"),
            Self::PhoneNumber(_) => f.write_str("PhoneNumber(…)"),
        }
    }
}

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountType {
    /// Works in a center.
    Staff,
    /// Drives transports.
    Driver,
}

impl AccountType {
    /// The word that tokens use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Staff => "STAFF",
            Self::Driver => "DRIVER",
        }
    }
}

/// An account, as auth sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// Whether it can be used: neither switched off, nor banned, nor given up.
    pub active: bool,
    /// What its owner is.
    pub account_type: AccountType,
    /// The staff flag.
    pub is_staff: bool,
    /// The superuser flag.
    pub is_superuser: bool,
    /// The permission groups its owner is in.
    pub groups: Vec<String>,
}

/// An account to open.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// The identifier it gets.
    pub id: AccountId,
    /// The name to sign in with; without one, the digits of the number.
    pub username: Option<String>,
    /// The number, in any international spelling.
    pub phone_number: String,
    /// What its owner is.
    pub account_type: AccountType,
    /// Both flags.
    pub is_superuser: bool,
}

/// Why no account was opened.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum RegisterError {
    #[error("{0} is not a phone number in international form")]
    InvalidPhoneNumber(String),
    #[error("{0} is not a username")]
    InvalidUsername(String),
    /// `username` or `phonenumber`.
    #[error("somebody else has this {0}")]
    Taken(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The user context: who there is.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AccountDirectory: Send + Sync {
    /// The account that goes by this name. A name that cannot be one is an unknown one.
    async fn find(&self, name: &SignInName) -> Result<Option<Account>, StoreError>;

    /// Opens an account.
    async fn register(&self, account: NewAccount, correlation_id: &CorrelationId) -> Result<(), RegisterError>;
}

/// Hashes passwords, off the async threads and a few at a time. [`StoreError::Unavailable`] when
/// too many wait already.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// The hash of a new password.
    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, StoreError>;

    /// Whether `password` is the one that was hashed. Without a hash it is not, after as much
    /// time as with one: an answer must not tell whether there is such an account.
    async fn verify(&self, password: &Password, hash: Option<PasswordHash>) -> Result<bool, StoreError>;
}

/// What an access token says of its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who.
    pub account_id: AccountId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// What the holder is.
    pub account_type: AccountType,
    /// The staff flag.
    pub is_staff: bool,
    /// The superuser flag.
    pub is_superuser: bool,
    /// The permission groups the holder is in.
    pub groups: Vec<String>,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// The token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the access token could not be signed")]
pub struct IssueError(#[source] pub BoxError);

/// What a token may be narrowed to: its holder can allow one method, one path or a time only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    /// The HTTP method, in upper case.
    pub method: String,
    /// The path, with a slash at its end.
    pub path: String,
}

/// A token that is ours, and what it allows in this request.
#[derive(Clone)]
pub struct VerifiedToken {
    /// Who.
    pub account_id: AccountId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// What it allows.
    pub rights: Arc<dyn Rights>,
}

/// Why a token was refused.
#[derive(Debug, thiserror::Error)]
pub enum TokenRefused {
    /// It is not ours, forged, too long or expired.
    #[error("the token is not valid")]
    Invalid,
    /// It could not be read in time; trying again is safe.
    #[error("the token could not be read in time")]
    Undecided(#[source] BoxError),
}

/// Signs and reads access tokens.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait AccessTokens: Send + Sync {
    /// A token that says so.
    fn issue(&self, claims: &Claims) -> Result<String, IssueError>;

    /// Reads a token. What its holder took away from it is missing from its rights.
    fn verify(&self, token: &str, request: &RequestFacts, now: DateTime<Utc>) -> Result<VerifiedToken, TokenRefused>;
}

/// A token that renews a session, shown to its holder once. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// Takes a token's text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token's text, for its holder.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

/// Makes refresh tokens: 256 random bits, kept as their SHA-256.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait RefreshTokens: Send + Sync {
    /// A fresh token.
    fn fresh(&self) -> RefreshToken;

    /// What is kept of a token.
    fn hash(&self, token: &RefreshToken) -> RefreshTokenHash;
}
