//! Staff delete an item that was registered by mistake.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{CannotDelete, TrackingNumber};

use crate::{Shipping, WRITE};

/// Why it stays.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum DeleteItemError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no item {0}")]
    UnknownItem(TrackingNumber),
    #[error(transparent)]
    CannotDelete(#[from] CannotDelete),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Deletes an item, and its history with it.
    pub async fn delete_item(&self, actor: &Actor, tracking_number: &TrackingNumber) -> Result<(), DeleteItemError> {
        self.retried(|| self.try_to_delete_item(actor, tracking_number)).await
    }

    async fn try_to_delete_item(&self, actor: &Actor, tracking_number: &TrackingNumber) -> Result<(), DeleteItemError> {
        actor.require(WRITE)?;

        let mut work = self.store.begin().await?;
        let item = work.items().find(std::slice::from_ref(tracking_number)).await?.pop();
        let item = item.ok_or_else(|| DeleteItemError::UnknownItem(tracking_number.clone()))?;

        item.can_be_deleted()?;

        work.items().remove(&item).await?;
        Ok(work.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::testing::{a_batch, an_item};

    #[tokio::test]
    async fn a_deleted_item_is_gone() {
        let item = an_item().build();
        let mut world = World::default();
        world.finds_items(vec![item.clone()]);
        world.work.items.expect_remove().times(1).returning(|_| Ok(()));
        let (shipping, outcome) = world.commits();

        shipping.delete_item(&anyone(), item.tracking_number()).await.expect("it is deleted");

        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn an_item_in_an_open_batch_stays() {
        let item = an_item().in_batch(&a_batch().build()).build();
        let mut world = World::default();
        world.finds_items(vec![item.clone()]);
        let (shipping, outcome) = world.commits();

        let refusal = shipping.delete_item(&anyone(), item.tracking_number()).await;

        assert!(matches!(refusal, Err(DeleteItemError::CannotDelete(CannotDelete::ItemPacked(_)))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn who_may_not_write_deletes_nothing() {
        let item = an_item().build();
        let refusal = World::default().never_begins().delete_item(&nobody(), item.tracking_number()).await;

        assert!(matches!(refusal, Err(DeleteItemError::Denied(Denied::Forbidden(WRITE)))));
    }
}
