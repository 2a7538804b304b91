//! The user context's store: one unit of work, seen through its ports.

mod queries;
mod users;

use async_trait::async_trait;
use kernel_domain::{Outbox, RecordedEvent, StoreError};
use user_domain::{UserRepository, UserStore, UserWork};

use super::{Stores, Unit};

#[async_trait]
impl UserStore for Stores {
    async fn begin(&self) -> Result<Box<dyn UserWork>, StoreError> {
        Ok(Box::new(Work { unit: self.begin_unit().await? }))
    }
}

struct Work {
    unit: Unit,
}

#[async_trait]
impl UserWork for Work {
    fn users(&mut self) -> &mut dyn UserRepository {
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
