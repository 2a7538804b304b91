//! Staff take items out of a batch that has not left: all of them, or none.

use kernel_application::{Actor, Denied, MAX_ENTRIES};
use kernel_domain::StoreError;
use shipping_domain::{Alias, CannotChangeBatch, CannotUnpack, Named, Refused, TrackingNumber};

use crate::{ItemView, Shipping, WRITE};

/// What to take out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpackItems {
    /// The batch to take them out of.
    pub alias: Alias,
    /// The items, as their labels were read, at most [`MAX_ENTRIES`]; one that is not in the batch stays where it is.
    pub tracking_numbers: Vec<String>,
}

/// Why nothing was taken out.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum UnpackItemsError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no batch {0}")]
    UnknownBatch(Alias),
    #[error("at most {MAX_ENTRIES} items are taken out at once")]
    TooMany,
    /// The batch lets nothing out.
    #[error(transparent)]
    BatchClosed(#[from] CannotChangeBatch),
    /// Every item that cannot come out.
    #[error("some items cannot be taken out")]
    Items(Vec<Refused<CannotUnpack>>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Takes the items out, and answers with them in the order of the command.
    pub async fn unpack_items(&self, actor: &Actor, command: UnpackItems) -> Result<Vec<ItemView>, UnpackItemsError> {
        self.retried(|| self.try_to_unpack_items(actor, command.clone())).await
    }

    async fn try_to_unpack_items(
        &self,
        actor: &Actor,
        command: UnpackItems,
    ) -> Result<Vec<ItemView>, UnpackItemsError> {
        actor.require(WRITE)?;
        if command.tracking_numbers.len() > MAX_ENTRIES {
            return Err(UnpackItemsError::TooMany);
        }
        let numbers: Vec<_> = command.tracking_numbers.iter().filter_map(|it| TrackingNumber::parse(it).ok()).collect();

        let mut work = self.store.begin().await?;
        let batch = work.batches().find(std::slice::from_ref(&command.alias)).await?.pop();
        let batch = batch.ok_or_else(|| UnpackItemsError::UnknownBatch(command.alias.clone()))?;
        batch.accepts_changes()?;
        let found = work.items().find(&numbers).await?;

        let items = Named::items(command.tracking_numbers, found);
        let taken_out = batch.unpack_all(items).map_err(UnpackItemsError::Items)?;

        if !taken_out.changed.is_empty() {
            work.items().save_taken_out(&taken_out.changed).await?;
            work.outbox().append(&self.recorded(&taken_out.events, actor)).await?;
        }
        work.commit().await?;
        self.items_in_order(&taken_out.named).await.map_err(UnpackItemsError::Store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::testing::{a_batch, an_item};
    use shipping_domain::{Batch, Item};

    fn command(batch: &Batch, items: &[&Item]) -> UnpackItems {
        let tracking_numbers = items.iter().map(|it| it.tracking_number().to_string()).collect();
        UnpackItems { alias: batch.alias().clone(), tracking_numbers }
    }

    #[tokio::test]
    async fn items_that_are_taken_out_are_kept_and_announced_once_each() {
        let batch = a_batch().build();
        let (shoe, hat) = (an_item().in_batch(&batch).build(), an_item().in_batch(&batch).build());
        let mut world = World::finding_batch(&batch);
        world.finds_items(vec![shoe.clone(), hat.clone()]);
        let empty = |it: &Item| it.packing().is_none();
        world
            .work
            .items
            .expect_save_taken_out()
            .times(1)
            .withf(move |saved| saved.len() == 2 && saved.iter().all(empty))
            .returning(|_| Ok(()));
        world.has_no_histories();
        let (shipping, outcome) = world.commits();

        let command = command(&batch, &[&hat, &shoe, &hat]);
        let answer = shipping.unpack_items(&anyone(), command).await.expect("they come out");

        let numbers: Vec<_> = answer.iter().map(|it| &it.tracking_number).collect();
        assert_eq!(numbers[..2], [hat.tracking_number(), shoe.tracking_number()], "in the order of the command");
        assert_eq!(outcome.announced(), ["ItemRemovedFromBatch", "ItemRemovedFromBatch"]);
        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn an_item_that_is_not_in_the_batch_stays_where_it_is() {
        let (batch, item) = (a_batch().build(), an_item().in_batch(&a_batch().build()).build());
        let mut world = World::finding_batch(&batch);
        world.finds_items(vec![item.clone()]);
        world.has_no_histories();
        let (shipping, outcome) = world.commits();

        shipping.unpack_items(&anyone(), command(&batch, &[&item])).await.expect("nothing happens");

        assert!(outcome.announced().is_empty());
    }

    #[tokio::test]
    async fn every_item_that_does_not_exist_is_told_with_its_place_and_nothing_is_kept() {
        let batch = a_batch().build();
        let shoe = an_item().in_batch(&batch).build();
        let mut world = World::finding_batch(&batch);
        world.finds_items(vec![shoe.clone()]);
        let (shipping, outcome) = world.commits();

        let numbers = ["nonsense", shoe.tracking_number().as_str(), "20300101-0000000000"];
        let command = UnpackItems { tracking_numbers: numbers.map(ToOwned::to_owned).to_vec(), ..command(&batch, &[]) };
        let refusal = shipping.unpack_items(&anyone(), command).await;

        let Err(UnpackItemsError::Items(faults)) = refusal else { panic!("{refusal:?}") };
        assert_eq!(faults.iter().map(|it| it.index).collect::<Vec<_>>(), [0, 2]);
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn a_batch_that_left_lets_nothing_out() {
        let batch = a_batch().departed().build();
        let (shipping, outcome) = World::finding_batch(&batch).commits();

        let refusal = shipping.unpack_items(&anyone(), command(&batch, &[])).await;

        assert!(matches!(refusal, Err(UnpackItemsError::BatchClosed(CannotChangeBatch::Departed(_)))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn a_command_that_is_too_long_is_not_begun() {
        let too_many =
            UnpackItems { tracking_numbers: vec![String::new(); MAX_ENTRIES + 1], ..command(&a_batch().build(), &[]) };

        let refusal = World::default().never_begins().unpack_items(&anyone(), too_many).await;

        assert!(matches!(refusal, Err(UnpackItemsError::TooMany)));
    }

    #[tokio::test]
    async fn who_may_not_write_takes_nothing_out() {
        let refusal = World::default().never_begins().unpack_items(&nobody(), command(&a_batch().build(), &[])).await;

        assert!(matches!(refusal, Err(UnpackItemsError::Denied(Denied::Forbidden(WRITE)))));
    }
}
