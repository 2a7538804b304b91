//! The store of auth: what every adapter promises.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel_domain::{Outbox, StoreError};

use crate::{
    AccountId, AllowedNumber, ApiKey, ApiKeyId, Credential, PasswordHash, PhoneNumber, PhoneVerification,
    RefreshTokenHash, Session, SessionId,
};

/// Opens units of work over everything that auth owns.
#[async_trait]
pub trait AuthStore: Send + Sync {
    /// Begins a unit of work.
    async fn begin(&self) -> Result<Box<dyn AuthWork>, StoreError>;

    /// Keeps a new session of an account that still has the password that was just proved, as a unit of work of its
    /// own: one statement. False if it was changed or forgotten meanwhile; then nothing is kept.
    async fn open(&self, session: &Session, proved: &PasswordHash) -> Result<bool, StoreError>;
}

/// One unit of work: all of it is kept on [`commit`](Self::commit), none of it otherwise.
///
/// What it found is its own until it ends: another unit of work that wants the same waits, or is refused
/// with [`StoreError::Conflict`] or [`StoreError::Contended`].
#[async_trait]
pub trait AuthWork: Send {
    /// The passwords.
    fn credentials(&mut self) -> &mut dyn CredentialRepository;
    /// The sessions.
    fn sessions(&mut self) -> &mut dyn SessionRepository;
    /// The numbers that are being proved, and the log of that.
    fn verifications(&mut self) -> &mut dyn VerificationRepository;
    /// The API keys.
    fn api_keys(&mut self) -> &mut dyn ApiKeyRepository;
    /// The numbers whose owners may sign up as staff.
    fn allowed_numbers(&mut self) -> &mut dyn AllowedNumberRepository;
    /// The events that go out with this unit of work.
    fn outbox(&mut self) -> &mut dyn Outbox;
    /// Keeps everything.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Passwords, by account.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CredentialRepository: Send {
    /// Keeps a credential, in the place of the account's last one.
    async fn save(&mut self, credential: &Credential) -> Result<(), StoreError>;

    /// Keeps a credential if the account still has this hash; else somebody changed it meanwhile, and theirs stays.
    async fn replace(&mut self, old: &PasswordHash, credential: &Credential) -> Result<(), StoreError>;

    /// Forgets an account's credential, if there is one.
    async fn remove(&mut self, account: AccountId) -> Result<(), StoreError>;
}

/// A session that a refresh token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundSession {
    /// It is the one that may be exchanged.
    Current(Session),
    /// It was exchanged before: somebody has a copy.
    Spent(Session),
}

impl FoundSession {
    /// The session, whichever of its refresh tokens this is.
    pub fn session(&self) -> &Session {
        match self {
            Self::Current(session) | Self::Spent(session) => session,
        }
    }
}

/// Sessions, by id and by refresh token.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SessionRepository: Send {
    /// Keeps a new session.
    async fn add(&mut self, session: &Session) -> Result<(), StoreError>;

    /// The session whose refresh token this is, or was.
    async fn by_refresh_token(&mut self, token: RefreshTokenHash) -> Result<Option<FoundSession>, StoreError>;

    /// A session of this account.
    async fn find(&mut self, account: AccountId, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// Keeps changes to a session that this unit of work found. A refresh token that it had before is
    /// remembered as spent for as long as the session is kept.
    async fn save(&mut self, session: &Session) -> Result<(), StoreError>;

    /// Ends every session of an account that has not ended, but for `but`; which ones.
    async fn end_all(
        &mut self,
        account: AccountId,
        but: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// Ends every session of an account that was opened by `opened_by` and has not ended; which ones.
    async fn end_opened(
        &mut self,
        account: AccountId,
        opened_by: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// Removes sessions that expired by `expired_by` or ended by `ended_by`, at most `limit` of them; how many.
    async fn purge(
        &mut self,
        expired_by: DateTime<Utc>,
        ended_by: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError>;
}

/// Numbers that are being proved.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait VerificationRepository: Send {
    /// What is known of a number: its [`PhoneVerification::REQUESTS`] latest challenges.
    async fn find(&mut self, number: &PhoneNumber) -> Result<PhoneVerification, StoreError>;

    /// Keeps the newest challenge of a number that this unit of work found, be it new or changed.
    /// [`StoreError::Conflict`] if somebody else was faster.
    async fn save(&mut self, verification: &PhoneVerification) -> Result<(), StoreError>;

    /// Forgets whatever was tried `until` then with the numbers that this account proved. What somebody else has begun
    /// with them since stays.
    async fn forget(&mut self, account: AccountId, until: DateTime<Utc>) -> Result<(), StoreError>;

    /// Removes challenges that were requested before `before`, the oldest first and at most `limit` of them; how many. The
    /// newest one of a number stays while it tells of wrong tokens since the last right one.
    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}

/// API keys, by id.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ApiKeyRepository: Send {
    /// Keeps a new key. [`StoreError::Duplicate`] with `prefix` if that prefix is taken.
    async fn add(&mut self, key: &ApiKey) -> Result<(), StoreError>;

    /// The key with this id.
    async fn find(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;

    /// Keeps changes to a key that this unit of work found.
    async fn save(&mut self, key: &ApiKey) -> Result<(), StoreError>;

    /// Notes when keys were last used; one that is gone is left out, and no time moves back.
    async fn used(&mut self, uses: &[(ApiKeyId, DateTime<Utc>)]) -> Result<(), StoreError>;
}

/// Numbers whose owners may sign up as staff.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AllowedNumberRepository: Send {
    /// Allows a number, or describes it anew.
    async fn save(&mut self, number: &AllowedNumber) -> Result<(), StoreError>;

    /// Allows a number no longer; whether it was allowed.
    async fn remove(&mut self, number: &PhoneNumber) -> Result<bool, StoreError>;
}
