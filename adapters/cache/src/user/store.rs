//! Units of work that tell when what is kept of a user is true no more.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_domain::{Outbox, StoreError};
use user_application::ProfileRecord;
use user_domain::{DiscardedImageRepository, User, UserId, UserRepository, UserStore, UserWork};

use crate::ViewCache;
use crate::views::Eviction;

/// Evicts the users whom a unit of work added or saved, right before it is committed and again once it was.
pub(super) struct EvictingUserStore {
    pub(super) inner: Arc<dyn UserStore>,
    pub(super) views: ViewCache,
}

#[async_trait]
impl UserStore for EvictingUserStore {
    async fn begin(&self) -> Result<Box<dyn UserWork>, StoreError> {
        let inner = self.inner.begin().await?;
        Ok(Box::new(EvictingWork { inner, changed: Vec::new(), views: self.views.clone() }))
    }
}

struct EvictingWork {
    inner: Box<dyn UserWork>,
    changed: Vec<UserId>,
    views: ViewCache,
}

#[async_trait]
impl UserWork for EvictingWork {
    fn users(&mut self) -> &mut dyn UserRepository {
        self
    }

    fn discarded_images(&mut self) -> &mut dyn DiscardedImageRepository {
        self.inner.discarded_images()
    }

    fn outbox(&mut self) -> &mut dyn Outbox {
        self.inner.outbox()
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self { inner, changed, views } = *self;
        let eviction = Eviction::from(&views);
        for user in changed {
            eviction.add::<ProfileRecord>(&user);
        }
        eviction.ahead().await;
        let outcome = inner.commit().await;
        // After an error, too: a commit whose answer was lost may have been made.
        eviction.now().await;
        outcome
    }
}

#[async_trait]
impl UserRepository for EvictingWork {
    async fn add(&mut self, user: &User) -> Result<(), StoreError> {
        self.changed.push(user.id());
        self.inner.users().add(user).await
    }

    async fn find(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.inner.users().find(id).await
    }

    async fn save(&mut self, user: &User) -> Result<(), StoreError> {
        self.changed.push(user.id());
        self.inner.users().save(user).await
    }
}
