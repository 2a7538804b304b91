//! What auth needs: the user context, numbering plans, a password hasher, and three kinds of tokens.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_domain::{
    AccountId, ApiKeyHash, ApiKeyId, NewPassword, Password, PasswordHash, PhoneNumber, RefreshTokenHash, Scope,
    SessionId,
};
use chrono::{DateTime, NaiveDate, Utc};
use kernel_application::Rights;
use kernel_domain::{BoxError, CorrelationId, StoreError};

use crate::Country;

/// How somebody says who they are.
#[derive(Clone, PartialEq, Eq)]
pub enum SignInName {
    /// By username.
    Username(String),
    /// By phone number.
    PhoneNumber(PhoneNumber),
    /// By the account that a session is theirs of.
    Account(AccountId),
}

/// Names and numbers are personal and have no place in a log.
impl fmt::Debug for SignInName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Username(_) => f.write_str("Username(…)"),
            Self::PhoneNumber(_) => f.write_str("PhoneNumber(…)"),
            Self::Account(id) => write!(f, "Account({id})"),
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

/// An account to open.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// The identifier it gets.
    pub id: AccountId,
    /// The name to sign in with; without one, the digits of the number.
    pub username: Option<String>,
    /// The number.
    pub phone_number: PhoneNumber,
    /// What its owner is.
    pub account_type: AccountType,
    /// Both flags.
    pub is_superuser: bool,
    /// The name its owner goes by.
    pub full_name: Option<String>,
    /// When its owner was born. Only drivers are asked.
    pub date_of_birth: Option<NaiveDate>,
}

/// Why no account was opened.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum RegisterError {
    #[error("{0} is not a username")]
    InvalidUsername(String),
    #[error("{0} is not a full name")]
    InvalidFullName(String),
    /// `username` or `phonenumber`.
    #[error("somebody else has this {0}")]
    Taken(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why no account was closed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum CloseAccountError {
    #[error("there is no such account")]
    Unknown,
    #[error("the account was closed already")]
    AlreadyClosed,
    #[error("the account is that of a superuser")]
    Superuser,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The user context: who there is.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AccountDirectory: Send + Sync {
    /// The account that goes by this name. A name that cannot be one is an unknown one. One statement.
    async fn find(&self, name: &SignInName) -> Result<Option<Account>, StoreError>;

    /// Who has this number. One statement.
    async fn standing(&self, number: &PhoneNumber) -> Result<NumberStanding, StoreError>;

    /// Opens an account.
    async fn register(&self, account: NewAccount, correlation_id: &CorrelationId) -> Result<(), RegisterError>;

    /// Closes an account for good, and forgets whose it was.
    async fn close(&self, account: AccountId, correlation_id: &CorrelationId) -> Result<(), CloseAccountError>;

    /// Accounts that could be used until `since` at least, and cannot be used any more.
    async fn deactivated_since(&self, since: DateTime<Utc>) -> Result<Vec<AccountId>, StoreError>;

    /// What a profile of this account shows, for whoever has just opened it.
    async fn profile(&self, account: AccountId) -> Result<Option<Profile>, StoreError>;
}

/// Somebody's profile, as they see it themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Who.
    pub account_id: AccountId,
    /// The number, in E.164 form.
    pub phone_number: Option<String>,
    /// The name to sign in with.
    pub username: String,
    /// The name they go by.
    pub full_name: Option<String>,
    /// Where their picture can be fetched.
    pub image_url: Option<String>,
    /// What they are.
    pub account_type: AccountType,
    /// The permission groups of staff.
    pub groups: Vec<String>,
    /// When a driver was born.
    pub date_of_birth: Option<NaiveDate>,
}

/// The number is in no numbering plan: nobody can have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no country has such a phone number")]
pub struct UnassignableNumber;

/// The numbering plans of the world (ITU-T E.164), which change with the years.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait NumberingPlans: Send + Sync {
    /// The number as its country writes it in international form: some write a zero too many.
    fn assignable(&self, number: &PhoneNumber) -> Result<PhoneNumber, UnassignableNumber>;

    /// The country whose plan has this number; none for numbers of no country, such as those of satellites.
    fn country(&self, number: &PhoneNumber) -> Option<Country>;
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
    async fn verify(&self, password: &Password, hash: Option<PasswordHash>) -> Result<Verified, StoreError>;
}

/// What checking a password came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// It is not the one.
    Wrong,
    /// It is.
    Right,
    /// It is, but it was hashed in an older way: this hash is to be kept instead.
    Outdated(PasswordHash),
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

/// A key by which anybody can tell our tokens from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The id by which tokens name it.
    pub id: u32,
    /// `ed25519`.
    pub algorithm: &'static str,
    /// The key, in hexadecimal digits.
    pub hex: String,
}

/// Signs and reads access tokens.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait AccessTokens: Send + Sync {
    /// A token that says so.
    fn issue(&self, claims: &Claims) -> Result<String, IssueError>;

    /// Reads a token. What its holder took away from it is missing from its rights.
    fn verify(&self, token: &str, request: &RequestFacts, now: DateTime<Utc>) -> Result<VerifiedToken, TokenRefused>;

    /// The keys whose tokens are believed; none where only we can tell.
    fn public_keys(&self) -> Vec<PublicKey>;
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

/// An API key as its holder shows it: a prefix, a dot and a secret. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentedKey(String);

impl PresentedKey {
    /// Takes a key's text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The key's text, for its holder.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey(…)")
    }
}

/// What is found with a key, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFingerprint {
    /// The part that may be shown: it finds the key.
    pub prefix: String,
    /// The SHA-256 of the whole key.
    pub hash: ApiKeyHash,
}

/// Makes and reads API keys: 256 random bits behind a prefix, with a checksum, so that one that was mistyped or made up
/// costs nothing, and one that leaked is found by a pattern.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait ApiKeys: Send + Sync {
    /// A fresh key.
    fn fresh(&self) -> (PresentedKey, KeyFingerprint);

    /// What finds and proves a key; `None` if it cannot be one of ours.
    fn read(&self, key: &PresentedKey) -> Option<KeyFingerprint>;

    /// What the holder of a key may do.
    fn rights(&self, id: ApiKeyId, scopes: &BTreeSet<Scope>) -> Arc<dyn Rights>;
}

#[cfg(test)]
mod tests {
    use auth_domain::testing::{a_phone_number, an_account};

    use super::*;

    #[test]
    fn a_log_shows_neither_names_nor_numbers_nor_tokens_nor_keys() {
        let account = an_account();
        for (shown, written) in [
            (format!("{:?}", SignInName::Username("ann".to_owned())), "Username(…)".to_owned()),
            (format!("{:?}", SignInName::PhoneNumber(a_phone_number())), "PhoneNumber(…)".to_owned()),
            (format!("{:?}", SignInName::Account(account)), format!("Account({account})")),
            (format!("{:?}", RefreshToken::new("secret")), "RefreshToken(…)".to_owned()),
            (format!("{:?}", PresentedKey::new("mk_1.secret")), "PresentedKey(…)".to_owned()),
        ] {
            assert_eq!(shown, written);
        }
    }

    #[test]
    fn whoever_holds_a_refresh_token_gets_all_of_it() {
        assert_eq!(RefreshToken::new("fresh").expose(), "fresh");
    }

    /// Tokens that are around say so: a change here makes drivers of nobody.
    #[test]
    fn the_words_of_tokens_do_not_change() {
        assert_eq!([AccountType::Staff, AccountType::Driver].map(AccountType::name), ["STAFF", "DRIVER"]);
    }
}
