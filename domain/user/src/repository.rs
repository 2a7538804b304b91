//! The store of users: what every adapter promises.

use async_trait::async_trait;
use kernel_domain::{Outbox, StoreError};

use crate::User;

/// Opens units of work over everything that the user context owns.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Begins a unit of work.
    async fn begin(&self) -> Result<Box<dyn UserWork>, StoreError>;
}

/// One unit of work: all of it is kept on [`commit`](Self::commit), none of it otherwise.
#[async_trait]
pub trait UserWork: Send {
    /// The users.
    fn users(&mut self) -> &mut dyn UserRepository;
    /// The events that go out with this unit of work.
    fn outbox(&mut self) -> &mut dyn Outbox;
    /// Keeps everything.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Users, by id.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait UserRepository: Send {
    /// Keeps a new user. [`StoreError::Duplicate`] with `username` or `phonenumber` if that is taken.
    async fn add(&mut self, user: &User) -> Result<(), StoreError>;
}
