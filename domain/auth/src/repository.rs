//! The store of auth: what every adapter promises.

use async_trait::async_trait;
use kernel_domain::StoreError;

use crate::{AccountId, Credential, Session};

/// Opens units of work over everything that auth owns.
#[async_trait]
pub trait AuthStore: Send + Sync {
    /// Begins a unit of work.
    async fn begin(&self) -> Result<Box<dyn AuthWork>, StoreError>;
}

/// One unit of work: all of it is kept on [`commit`](Self::commit), none of it otherwise.
#[async_trait]
pub trait AuthWork: Send {
    /// The passwords.
    fn credentials(&mut self) -> &mut dyn CredentialRepository;
    /// The sessions.
    fn sessions(&mut self) -> &mut dyn SessionRepository;
    /// Keeps everything.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Passwords, by account.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CredentialRepository: Send {
    /// Keeps a credential, in the place of the account's last one.
    async fn save(&mut self, credential: &Credential) -> Result<(), StoreError>;

    /// Forgets an account's credential, if there is one.
    async fn remove(&mut self, account: AccountId) -> Result<(), StoreError>;
}

/// Sessions, by id.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SessionRepository: Send {
    /// Keeps a new session.
    async fn add(&mut self, session: &Session) -> Result<(), StoreError>;
}
