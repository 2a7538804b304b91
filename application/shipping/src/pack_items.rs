//! Staff put items into a batch: all of them, or none.

use kernel_application::{Actor, Denied, MAX_ENTRIES};
use kernel_domain::StoreError;
use shipping_domain::{Alias, CannotPack, Item, Named, Refused, TrackingNumber};

use crate::{ItemView, Shipping, WRITE};

/// What to pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackItems {
    /// The batch to pack into.
    pub alias: Alias,
    /// The items, as their labels were read, at most [`MAX_ENTRIES`]; one that is named twice goes in once.
    pub tracking_numbers: Vec<String>,
}

/// Why nothing was packed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum PackItemsError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no batch {0}")]
    UnknownBatch(Alias),
    #[error("at most {MAX_ENTRIES} items are packed at once")]
    TooMany,
    /// The batch takes no items at all.
    #[error(transparent)]
    BatchClosed(CannotPack),
    /// Every item that cannot go in.
    #[error("some items cannot be packed")]
    Items(Vec<Refused<CannotPack>>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Packs the items, and answers with them in the order of the command.
    pub async fn pack_items(&self, actor: &Actor, command: PackItems) -> Result<Vec<ItemView>, PackItemsError> {
        self.retried(|| self.try_to_pack_items(actor, command.clone())).await
    }

    async fn try_to_pack_items(&self, actor: &Actor, command: PackItems) -> Result<Vec<ItemView>, PackItemsError> {
        actor.require(WRITE)?;
        if command.tracking_numbers.len() > MAX_ENTRIES {
            return Err(PackItemsError::TooMany);
        }
        let numbers: Vec<_> = command.tracking_numbers.iter().filter_map(|it| TrackingNumber::parse(it).ok()).collect();

        let mut work = self.store.begin().await?;
        let batch = work.batches().find(std::slice::from_ref(&command.alias)).await?.pop();
        let batch = batch.ok_or_else(|| PackItemsError::UnknownBatch(command.alias.clone()))?;
        batch.accepts_items().map_err(PackItemsError::BatchClosed)?;
        let found = work.items().find(&numbers).await?;

        let items = Named::items(command.tracking_numbers, found);
        let packed = batch.pack_all(items, self.clock.now()).map_err(PackItemsError::Items)?;

        if !packed.changed.is_empty() {
            work.items().save(&packed.changed).await?;
            work.outbox().append(&self.recorded(&packed.events, actor)).await?;
        }
        work.commit().await?;
        self.items_in_order(&packed.named).await.map_err(PackItemsError::Store)
    }

    /// The items in the order of their names, as they were left.
    pub(crate) async fn items_in_order(&self, items: &Named<Item>) -> Result<Vec<ItemView>, StoreError> {
        let ids: Vec<_> = items.once_each().map(Item::id).collect();
        let histories = self.queries.histories(&ids).await?;
        let view = |it: &Item| ItemView::of(it, histories.get(&it.id()).cloned().unwrap_or_default());
        Ok(items.in_order().map(view).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::testing::{a_batch, an_item};
    use shipping_domain::{Batch, ItemStatus};

    fn command(batch: &Batch, items: &[&Item]) -> PackItems {
        let tracking_numbers = items.iter().map(|it| it.tracking_number().to_string()).collect();
        PackItems { alias: batch.alias().clone(), tracking_numbers }
    }

    #[tokio::test]
    async fn packed_items_are_kept_and_announced() {
        let (batch, shoe, hat) = (a_batch().build(), an_item().build(), an_item().build());
        let mut world = World::finding_batch(&batch);
        world.finds_items(vec![shoe.clone(), hat.clone()]);
        world.work.items.expect_save().times(1).withf(|saved| saved.len() == 2).returning(|_| Ok(()));
        world.has_no_histories();
        let (shipping, outcome) = world.commits();

        let answer = shipping.pack_items(&anyone(), command(&batch, &[&shoe, &hat])).await.expect("they go in");

        let numbers: Vec<_> = answer.iter().map(|it| &it.tracking_number).collect();
        assert_eq!(numbers, [shoe.tracking_number(), hat.tracking_number()], "in the order of the command");
        assert_eq!(outcome.announced(), ["ItemAddedToBatch", "ItemAddedToBatch"]);
        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn an_item_named_twice_goes_in_once() {
        let (batch, shoe) = (a_batch().build(), an_item().build());
        let mut world = World::finding_batch(&batch);
        world.finds_items(vec![shoe.clone()]);
        world.work.items.expect_save().times(1).withf(|saved| saved.len() == 1).returning(|_| Ok(()));
        world.has_no_histories();
        let (shipping, outcome) = world.commits();

        shipping.pack_items(&anyone(), command(&batch, &[&shoe, &shoe])).await.expect("it goes in");

        assert_eq!(outcome.announced(), ["ItemAddedToBatch"]);
    }

    #[tokio::test]
    async fn every_fault_is_told_with_its_place_and_nothing_is_kept() {
        let (batch, shoe) = (a_batch().build(), an_item().build());
        let (lost, unknown) = (an_item().with_status(ItemStatus::Lost).build(), an_item().build());
        let mut world = World::finding_batch(&batch);
        world.finds_items(vec![shoe.clone(), lost.clone()]);
        let (shipping, outcome) = world.commits();

        let refusal = shipping.pack_items(&anyone(), command(&batch, &[&shoe, &lost, &unknown])).await;

        let Err(PackItemsError::Items(faults)) = refusal else { panic!("{refusal:?}") };
        assert!(matches!(
            &faults[..],
            [
                Refused { index: 1, reason: CannotPack::InvalidStatus { .. } },
                Refused { index: 2, reason: CannotPack::UnknownItem(_) },
            ]
        ));
        assert!(!outcome.committed());
        assert!(outcome.announced().is_empty());
    }

    #[tokio::test]
    async fn what_cannot_be_a_tracking_number_is_told_with_the_other_faults() {
        let (batch, unknown) = (a_batch().build(), an_item().build());
        let mut world = World::finding_batch(&batch);
        world.finds_items(vec![]);
        let (shipping, _) = world.commits();

        let command = PackItems {
            tracking_numbers: vec!["nonsense".to_owned(), unknown.tracking_number().to_string()],
            ..command(&batch, &[])
        };
        let refusal = shipping.pack_items(&anyone(), command).await;

        let Err(PackItemsError::Items(faults)) = refusal else { panic!("{refusal:?}") };
        assert_eq!(faults.iter().map(|it| it.index).collect::<Vec<_>>(), [0, 1]);
    }

    #[tokio::test]
    async fn a_command_that_is_too_long_is_not_begun() {
        let too_many =
            PackItems { tracking_numbers: vec![String::new(); MAX_ENTRIES + 1], ..command(&a_batch().build(), &[]) };

        let refusal = World::default().never_begins().pack_items(&anyone(), too_many).await;

        assert!(matches!(refusal, Err(PackItemsError::TooMany)));
    }

    #[tokio::test]
    async fn a_closed_batch_refuses_before_its_items_are_looked_at() {
        let batch = a_batch().departed().build();
        let (shipping, outcome) = World::finding_batch(&batch).commits();

        let refusal = shipping.pack_items(&anyone(), command(&batch, &[])).await;

        assert!(matches!(refusal, Err(PackItemsError::BatchClosed(CannotPack::BatchDeparted(_)))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn a_batch_that_does_not_exist_takes_nothing() {
        let batch = a_batch().build();
        let mut world = World::default();
        world.work.batches.expect_find().returning(|_| Ok(vec![]));
        let (shipping, _) = world.commits();

        let refusal = shipping.pack_items(&anyone(), command(&batch, &[])).await;

        assert!(matches!(refusal, Err(PackItemsError::UnknownBatch(it)) if it == *batch.alias()));
    }

    #[tokio::test]
    async fn who_may_not_write_packs_nothing() {
        let refusal = World::default().never_begins().pack_items(&nobody(), command(&a_batch().build(), &[])).await;

        assert!(matches!(refusal, Err(PackItemsError::Denied(Denied::Forbidden(WRITE)))));
    }
}
