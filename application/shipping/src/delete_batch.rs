//! Staff delete a batch that nobody needs.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{Alias, CannotDelete};

use crate::{Shipping, WRITE};

/// Why it stays.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum DeleteBatchError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no batch {0}")]
    UnknownBatch(Alias),
    #[error(transparent)]
    CannotDelete(#[from] CannotDelete),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Deletes a batch with nothing in it and on no transport.
    pub async fn delete_batch(&self, actor: &Actor, alias: &Alias) -> Result<(), DeleteBatchError> {
        self.retried(|| self.try_to_delete_batch(actor, alias)).await
    }

    async fn try_to_delete_batch(&self, actor: &Actor, alias: &Alias) -> Result<(), DeleteBatchError> {
        actor.require(WRITE)?;

        let mut work = self.store.begin().await?;
        let batch = work.batches().find(std::slice::from_ref(alias)).await?.pop();
        let batch = batch.ok_or_else(|| DeleteBatchError::UnknownBatch(alias.clone()))?;
        let items = work.items().packed_in(batch.id()).await?;

        batch.can_be_deleted(&items)?;

        work.batches().remove(&batch).await?;
        Ok(work.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::Item;
    use shipping_domain::testing::{a_batch, an_item};

    fn holding(world: &mut World, items: Vec<Item>) {
        world.work.items.expect_packed_in().returning(move |_| Ok(items.clone()));
    }

    #[tokio::test]
    async fn a_deleted_batch_is_gone() {
        let batch = a_batch().build();
        let mut world = World::finding_batch(&batch);
        holding(&mut world, vec![]);
        world.work.batches.expect_remove().times(1).returning(|_| Ok(()));
        let (shipping, outcome) = world.commits();

        shipping.delete_batch(&anyone(), batch.alias()).await.expect("it is deleted");

        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn a_batch_with_an_item_stays() {
        let batch = a_batch().build();
        let mut world = World::finding_batch(&batch);
        holding(&mut world, vec![an_item().in_batch(&batch).build()]);
        let (shipping, outcome) = world.commits();

        let refusal = shipping.delete_batch(&anyone(), batch.alias()).await;

        assert!(matches!(refusal, Err(DeleteBatchError::CannotDelete(CannotDelete::BatchPacked(_)))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn who_may_not_write_deletes_nothing() {
        let batch = a_batch().build();
        let refusal = World::default().never_begins().delete_batch(&nobody(), batch.alias()).await;

        assert!(matches!(refusal, Err(DeleteBatchError::Denied(Denied::Forbidden(WRITE)))));
    }
}
