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
        // Read before anything is kept: a read that failed afterwards would hide that the item has changed. As long as the
        // item is in this unit of work, it goes into no batch and comes out of none.
        let history = self.queries.histories(&[item.id()]).await?.remove(&item.id()).unwrap_or_default();
        work.commit().await?;
        Ok(ItemView::of(&item, history))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use kernel_application::testing::{anyone, nobody, noon};
    use shipping_domain::Item;
    use shipping_domain::testing::an_item;

    fn finding(item: &Item) -> World {
        let mut world = World::default();
        world.has_no_histories();
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
    async fn what_cannot_be_shown_is_not_kept() {
        let item = an_item().build();
        let mut world = World::default();
        world.finds_items(vec![item.clone()]);
        world.work.items.expect_save().returning(|_| Ok(()));
        world.queries.expect_histories().returning(|_| Err(StoreError::unavailable("it is down")));
        let (shipping, outcome) = world.commits();

        let refusal =
            shipping.change_item(&anyone(), ChangeItem { sku: Sku::parse("HAT-7").ok(), ..change(&item) }).await;

        assert!(matches!(refusal, Err(ChangeItemError::Store(StoreError::Unavailable(_)))));
        assert!(!outcome.committed(), "who asks again finds it as it was");
    }

    #[tokio::test]
    async fn who_may_not_write_changes_nothing() {
        let refusal = World::default().never_begins().change_item(&nobody(), change(&an_item().build())).await;

        assert!(matches!(refusal, Err(ChangeItemError::Denied(Denied::Forbidden(WRITE)))));
    }
}
