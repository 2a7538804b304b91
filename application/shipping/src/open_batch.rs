//! Staff open a batch to pack items into.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{Alias, Batch, BatchId};

use crate::register_item::MAX_DRAWS;
use crate::{BatchSummary, BatchView, Shipping, WRITE};

/// What to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenBatch {
    /// Its name; without one, a name is drawn.
    pub alias: Option<Alias>,
}

/// Why no batch was opened.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum OpenBatchError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Opens a batch, under the name given or a fresh one.
    pub async fn open_batch(&self, actor: &Actor, command: OpenBatch) -> Result<BatchView, OpenBatchError> {
        self.retried(|| self.try_to_open_batch(actor, command.clone())).await
    }

    async fn try_to_open_batch(&self, actor: &Actor, command: OpenBatch) -> Result<BatchView, OpenBatchError> {
        actor.require(WRITE)?;
        let now = self.clock.now();
        let id = BatchId::new(self.ids.uuid());

        let mut work = self.store.begin().await?;
        let mut draws = 1;
        let batch = loop {
            let fresh = || Alias::generated(now.date_naive(), self.ids.below(Alias::PER_DAY));
            let batch = Batch::open(id, command.alias.clone().unwrap_or_else(fresh), now);
            match work.batches().add(&batch).await {
                Ok(()) => break batch,
                Err(StoreError::Duplicate { .. }) if command.alias.is_none() && draws < MAX_DRAWS => draws += 1,
                Err(error) => return Err(error.into()),
            }
        };
        work.commit().await?;
        Ok(BatchView::fresh(&batch))
    }
}

impl BatchView {
    /// A batch that is on no transport yet.
    fn fresh(batch: &Batch) -> Self {
        let summary = BatchSummary {
            id: batch.id(),
            alias: batch.alias().clone(),
            completed: false,
            transport: None,
            created_at: batch.created_at(),
            completed_at: None,
        };
        Self { summary, transport: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use kernel_application::testing::{anyone, nobody};

    #[tokio::test]
    async fn a_batch_without_a_name_gets_one() {
        let mut world = World::default();
        let mut calls = 0;
        world.work.batches.expect_add().times(2).returning(move |_| {
            calls += 1;
            if calls == 1 { Err(StoreError::Duplicate { key: "alias" }) } else { Ok(()) }
        });
        let (shipping, outcome) = world.commits();

        let batch = shipping.open_batch(&anyone(), OpenBatch { alias: None }).await.expect("it opens");

        assert!(batch.summary.alias.as_str().starts_with("20260102-"));
        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn a_name_that_is_taken_is_not_changed_behind_the_callers_back() {
        let mut world = World::default();
        world.work.batches.expect_add().times(1).returning(|_| Err(StoreError::Duplicate { key: "alias" }));
        let (shipping, outcome) = world.commits();

        let alias = Alias::parse("north-7").ok();
        let refusal = shipping.open_batch(&anyone(), OpenBatch { alias }).await;

        assert!(matches!(refusal, Err(OpenBatchError::Store(StoreError::Duplicate { key: "alias" }))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn who_may_not_write_opens_nothing() {
        let refusal = World::default().never_begins().open_batch(&nobody(), OpenBatch { alias: None }).await;

        assert!(matches!(refusal, Err(OpenBatchError::Denied(Denied::Forbidden(WRITE)))));
    }
}
