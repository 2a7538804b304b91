//! Staff give a batch another name.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{Alias, CannotChangeBatch};

use crate::register_item::MAX_DRAWS;
use crate::{BatchSummary, BatchView, Shipping, WRITE};

/// What to rename.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenameBatch {
    /// The batch, by the name it has.
    pub alias: Alias,
    /// The name that it gets.
    pub to: NewAlias,
}

/// What becomes of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewAlias {
    /// It stays.
    Same,
    /// One is drawn.
    Drawn,
    /// It is this one.
    Given(Alias),
}

/// Why it keeps its name.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum RenameBatchError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no batch {0}")]
    UnknownBatch(Alias),
    #[error(transparent)]
    CannotChange(#[from] CannotChangeBatch),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Renames a batch that has not left. What there is to show is asked for before anything is written: as long as the batch is
    /// in this unit of work, it goes on no transport, and the one that it is on does not leave.
    pub async fn rename_batch(&self, actor: &Actor, command: RenameBatch) -> Result<BatchView, RenameBatchError> {
        self.retried(|| self.try_to_rename_batch(actor, command.clone())).await
    }

    async fn try_to_rename_batch(&self, actor: &Actor, command: RenameBatch) -> Result<BatchView, RenameBatchError> {
        actor.require(WRITE)?;
        let RenameBatch { alias, to } = command;
        let unknown = || RenameBatchError::UnknownBatch(alias.clone());
        let today = self.clock.now().date_naive();

        let mut work = self.store.begin().await?;
        let mut batch = work.batches().find(std::slice::from_ref(&alias)).await?.pop().ok_or_else(unknown)?;
        let known = self.queries.batches_by_id(&[batch.id()]).await?;
        let known = self.with_transports(known).await?.pop().ok_or_else(unknown)?;
        let mut draws = 1;
        loop {
            match &to {
                NewAlias::Same => break,
                NewAlias::Drawn => batch.rename(Alias::generated(today, self.ids.below(Alias::PER_DAY)))?,
                NewAlias::Given(name) => batch.rename(name.clone())?,
            }
            if *batch.alias() == alias {
                break;
            }
            match work.batches().save(std::slice::from_ref(&batch)).await {
                Ok(()) => break,
                Err(StoreError::Duplicate { .. }) if to == NewAlias::Drawn && draws < MAX_DRAWS => draws += 1,
                Err(error) => return Err(error.into()),
            }
        }
        work.commit().await?;
        let summary = BatchSummary { alias: batch.alias().clone(), ..known.summary };
        Ok(BatchView { summary, ..known })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, a_batch_summary, a_summary};
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::Batch;
    use shipping_domain::testing::{a_batch, a_transport};

    fn finding(batch: &Batch) -> World {
        let mut world = World::finding_batch(batch);
        let summary = a_batch_summary(batch.alias());
        world.queries.expect_batches_by_id().returning(move |_| Ok(vec![summary.clone()]));
        world
    }

    fn rename(batch: &Batch, to: NewAlias) -> RenameBatch {
        RenameBatch { alias: batch.alias().clone(), to }
    }

    fn friday() -> NewAlias {
        NewAlias::Given(Alias::parse("friday").expect("an alias"))
    }

    #[tokio::test]
    async fn a_renamed_batch_is_kept_and_shown() {
        let batch = a_batch().build();
        let mut world = finding(&batch);
        world.work.batches.expect_save().times(1).returning(|_| Ok(()));
        let (shipping, outcome) = world.commits();

        let renamed = shipping.rename_batch(&anyone(), rename(&batch, friday())).await.expect("it is renamed");

        assert_eq!(renamed.summary.alias.as_str(), "friday");
        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn a_drawn_name_that_is_taken_is_drawn_again_and_a_given_one_is_not() {
        let batch = a_batch().build();
        let mut world = finding(&batch);
        let mut calls = 0;
        world.work.batches.expect_save().times(2).returning(move |_| {
            calls += 1;
            if calls == 1 { Err(StoreError::Duplicate { key: "alias" }) } else { Ok(()) }
        });
        let (shipping, _) = world.commits();
        shipping.rename_batch(&anyone(), rename(&batch, NewAlias::Drawn)).await.expect("the second name is free");

        let mut world = finding(&batch);
        world.work.batches.expect_save().times(1).returning(|_| Err(StoreError::Duplicate { key: "alias" }));
        let (shipping, outcome) = world.commits();
        let refusal = shipping.rename_batch(&anyone(), rename(&batch, friday())).await;

        assert!(matches!(refusal, Err(RenameBatchError::Store(StoreError::Duplicate { key: "alias" }))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn what_cannot_be_shown_is_not_kept() {
        let transport = a_transport().build();
        let batch = a_batch().loaded_on(&transport).build();
        let mut world = World { others_answer: false, ..World::finding_batch(&batch) };
        let on_board = BatchSummary { transport: Some(a_summary(&transport)), ..a_batch_summary(batch.alias()) };
        world.queries.expect_batches_by_id().returning(move |_| Ok(vec![on_board.clone()]));
        world.work.batches.expect_save().never();
        let (shipping, outcome) = world.commits();

        let refusal = shipping.rename_batch(&anyone(), rename(&batch, friday())).await;

        assert!(matches!(refusal, Err(RenameBatchError::Store(StoreError::Unavailable(_)))));
        assert!(!outcome.committed(), "who asks again finds it under its old name");
    }

    #[tokio::test]
    async fn a_name_that_stays_is_not_written() {
        let batch = a_batch().build();
        let (shipping, _) = finding(&batch).commits();

        let same = shipping.rename_batch(&anyone(), rename(&batch, NewAlias::Same)).await.expect("nothing changes");

        assert_eq!(same.summary.alias, *batch.alias());
    }

    #[tokio::test]
    async fn a_batch_that_left_keeps_its_name() {
        let batch = a_batch().departed().build();
        let (shipping, outcome) = finding(&batch).commits();

        let refusal = shipping.rename_batch(&anyone(), rename(&batch, friday())).await;

        assert!(matches!(refusal, Err(RenameBatchError::CannotChange(CannotChangeBatch::Departed(_)))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn who_may_not_write_renames_nothing() {
        let command = rename(&a_batch().build(), friday());
        let refusal = World::default().never_begins().rename_batch(&nobody(), command).await;

        assert!(matches!(refusal, Err(RenameBatchError::Denied(Denied::Forbidden(WRITE)))));
    }
}
