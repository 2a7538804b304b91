//! Staff correct what is written on an item, or say what became of it.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{CannotChangeStatus, ItemStatus, Sku, TrackingNumber};

use crate::{ItemView, Shipping, WRITE};

/// What to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeItem {
    /// The item.
    pub tracking_number: TrackingNumber,
    /// Its new article number, if it gets one.
    pub sku: Option<Sku>,
    /// How it fares from now on, if that changes.
    pub status: Option<ItemStatus>,
}

/// Why it stays as it is.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum ChangeItemError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no item {0}")]
    UnknownItem(TrackingNumber),
    #[error(transparent)]
    CannotChangeStatus(#[from] CannotChangeStatus),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Changes an item: all that was asked for, or nothing.
    pub async fn change_item(&self, actor: &Actor, command: ChangeItem) -> Result<ItemView, ChangeItemError> {
        self.retried(|| self.try_to_change_item(actor, command.clone())).await
    }

    async fn try_to_change_item(&self, actor: &Actor, command: ChangeItem) -> Result<ItemView, ChangeItemError> {
        actor.require(WRITE)?;
        let ChangeItem { tracking_number, sku, status } = command;
        let unknown = || ChangeItemError::UnknownItem(tracking_number.clone());
        let known = self.queries.item(&tracking_number).await?.ok_or_else(unknown)?;

        let mut work = self.store.begin().await?;
        let mut item = work.items().find(std::slice::from_ref(&tracking_number)).await?.pop().ok_or_else(unknown)?;
        let before = item.clone();

        if let Some(status) = status {
            item.change_status(status, self.clock.now())?;
        }
        if let Some(sku) = sku {
            item.relabel(sku);
        }

        if item != before {
            work.items().save(std::slice::from_ref(&item)).await?;
        }
        work.commit().await?;
        // Told from what is known: a read that failed now would hide that the item has changed.
        Ok(ItemView::of(&item, known.history))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, an_item_view};
    use kernel_application::testing::{anyone, nobody, noon};
    use shipping_domain::Item;
    use shipping_domain::testing::an_item;

    fn finding(item: &Item) -> World {
        let mut world = World::default();
        let view = an_item_view(item.tracking_number());
        world.queries.expect_item().returning(move |_| Ok(Some(view.clone())));
        world.finds_items(vec![item.clone()]);
        world
    }

    fn change(item: &Item) -> ChangeItem {
        ChangeItem { tracking_number: item.tracking_number().clone(), sku: None, status: None }
    }

    #[tokio::test]
    async fn a_changed_item_is_kept_and_shown() {
        let item = an_item().with_status(ItemStatus::Moving).build();
        let mut world = finding(&item);
        world.work.items.expect_save().times(1).returning(|_| Ok(()));
        let (shipping, outcome) = world.commits();

        let sku = Sku::parse("HAT-7").ok();
        let command = ChangeItem { sku, status: Some(ItemStatus::Completed), ..change(&item) };
        let changed = shipping.change_item(&anyone(), command).await.expect("it changes");

        assert_eq!((changed.sku.as_str(), changed.status), ("HAT-7", ItemStatus::Completed));
        assert_eq!(changed.completed_at, Some(noon()));
        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn what_stays_as_it_is_is_not_written() {
        let item = an_item().with_status(ItemStatus::Lost).build();
        let (shipping, _) = finding(&item).commits();

        let command = ChangeItem { status: Some(ItemStatus::Lost), ..change(&item) };
        let same = shipping.change_item(&anyone(), command).await.expect("nothing changes");

        assert_eq!(same.status, ItemStatus::Lost);
    }

    #[tokio::test]
    async fn a_status_that_does_not_follow_changes_nothing_at_all() {
        let item = an_item().build();
        let (shipping, outcome) = finding(&item).commits();

        let sku = Sku::parse("HAT-7").ok();
        let command = ChangeItem { sku, status: Some(ItemStatus::Completed), ..change(&item) };
        let refusal = shipping.change_item(&anyone(), command).await;

        assert!(matches!(refusal, Err(ChangeItemError::CannotChangeStatus(_))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn who_may_not_write_changes_nothing() {
        let refusal = World::default().never_begins().change_item(&nobody(), change(&an_item().build())).await;

        assert!(matches!(refusal, Err(ChangeItemError::Denied(Denied::Forbidden(WRITE)))));
    }
}
