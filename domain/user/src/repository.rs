//! The store of users: what every adapter promises.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel_domain::{Outbox, StoreError};

use crate::{ImageKey, User, UserId};

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
    /// Pictures whose files are to be removed.
    fn discarded_images(&mut self) -> &mut dyn DiscardedImageRepository;
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

    /// The user with this id.
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StoreError>;

    /// Keeps changes to a user that this unit of work found. [`StoreError::Duplicate`] as for a new one.
    async fn save(&mut self, user: &User) -> Result<(), StoreError>;
}

/// Pictures whose files are to be removed. They are noted in the unit of work that makes them useless, so that none
/// is forgotten, and removed afterwards, so that none is missed.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait DiscardedImageRepository: Send {
    /// Notes a picture whose files may go at `due`; one that was noted before gets this time instead.
    async fn add(&mut self, image: &ImageKey, due: DateTime<Utc>) -> Result<(), StoreError>;

    /// The files of this picture stay, or are gone.
    async fn remove(&mut self, images: &[ImageKey]) -> Result<(), StoreError>;
}
