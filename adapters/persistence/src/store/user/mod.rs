//! The user context's store: one unit of work, seen through its ports.

mod accounts;
mod images;
mod lists;
mod queries;
mod users;

use std::collections::HashMap;

use async_trait::async_trait;
use kernel_domain::{Outbox, RecordedEvent, StoreError};
use user_domain::{DiscardedImageRepository, GroupName, UserId, UserRepository, UserStore, UserWork};

use super::{Stores, Unit};

#[async_trait]
impl UserStore for Stores {
    async fn begin(&self) -> Result<Box<dyn UserWork>, StoreError> {
        Ok(Box::new(Work { unit: self.begin_unit().await?, groups: HashMap::new() }))
    }
}

struct Work {
    unit: Unit,
    /// The groups of each user that was found or saved here, as they are kept.
    groups: HashMap<UserId, Vec<GroupName>>,
}

#[async_trait]
impl UserWork for Work {
    fn users(&mut self) -> &mut dyn UserRepository {
        self
    }

    fn discarded_images(&mut self) -> &mut dyn DiscardedImageRepository {
        self
    }

    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.unit.commit().await
    }
}

#[async_trait]
impl Outbox for Work {
    async fn append(&mut self, events: &[RecordedEvent]) -> Result<(), StoreError> {
        self.unit.append(events).await
    }
}
