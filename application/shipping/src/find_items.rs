//! Looking items up: one, a page, or those of a batch.

use kernel_application::{Actor, Denied, Direction, Page, PageRequest};
use kernel_domain::StoreError;
use shipping_domain::{Alias, TrackingNumber};

use crate::reach::Reach;
use crate::{BatchSummary, ItemFilter, ItemOrder, ItemView, READ, Shipping};

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum FindItemError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no item {0}")]
    UnknownItem(TrackingNumber),
    #[error("there is no batch {0}")]
    UnknownBatch(Alias),
    #[error("the list has no such page")]
    PastTheEnd,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// The item with this number.
    pub async fn item(&self, actor: &Actor, tracking_number: &TrackingNumber) -> Result<ItemView, FindItemError> {
        actor.require(READ)?;
        let item = self.queries.item(tracking_number).await?;
        item.ok_or_else(|| FindItemError::UnknownItem(tracking_number.clone()))
    }

    /// A page of items.
    pub async fn items(
        &self,
        actor: &Actor,
        filter: &ItemFilter,
        order: &[(ItemOrder, Direction)],
        page: PageRequest,
    ) -> Result<Page<ItemView>, FindItemError> {
        actor.require(READ)?;
        self.queries.items(filter, order, page).await?.ok_or(FindItemError::PastTheEnd)
    }

    /// A page of the items that are or were in a batch; for a driver, in one on a transport of theirs, and without the
    /// other batches in the items' histories: other transports are none of a driver's business.
    pub async fn items_of_batch(
        &self,
        actor: &Actor,
        alias: &Alias,
        filter: ItemFilter,
        order: &[(ItemOrder, Direction)],
        page: PageRequest,
    ) -> Result<Page<ItemView>, FindItemError> {
        let reach = Reach::of(actor, READ)?;
        let shown = |it: &BatchSummary| {
            let own = it.transport.as_ref().is_some_and(|it| reach.shows(it));
            reach == Reach::Everything || own
        };
        let batch = self.queries.batch(alias).await?.filter(shown);
        let batch = batch.ok_or_else(|| FindItemError::UnknownBatch(alias.clone()))?;
        let filter = ItemFilter { batch: Some(batch.id), ..filter };
        let found = self.queries.items(&filter, order, page).await?.ok_or(FindItemError::PastTheEnd)?;
        if reach == Reach::Everything {
            return Ok(found);
        }
        let (mut items, page) = found.taken();
        for item in &mut items {
            item.history.retain(|it| it.alias == *alias);
        }
        Ok(page.with(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, a_batch_summary, a_summary, an_item_view};
    use crate::{DRIVE, PastBatch};
    use kernel_application::testing::{an_actor_who, anyone};
    use shipping_domain::DriverId;
    use shipping_domain::testing::{a_batch, a_driver, a_transport, an_item};

    fn somebody_who_drives() -> Actor {
        an_actor_who(|it| it == DRIVE)
    }

    /// An item of this batch, on a transport with this driver, that travelled with another batch before.
    fn on_board(alias: &Alias, driver: DriverId) -> World {
        let past = |alias: Alias| PastBatch { alias, completed: false, transport: None };
        let mut item = an_item_view(an_item().build().tracking_number());
        item.history = vec![past(alias.clone()), past(a_batch().build().alias().clone())];
        let mut batch = a_batch_summary(alias);
        batch.transport = Some(a_summary(&a_transport().driven_by(driver).build()));
        let mut world = World::default();
        world.queries.expect_batch().returning(move |_| Ok(Some(batch.clone())));
        world
            .queries
            .expect_items()
            .returning(move |_, _, page| Ok(Some(Page::numbered(vec![item.clone()], 1, 1, page.size()))));
        world
    }

    async fn histories_for(actor: &Actor, world: World, alias: &Alias) -> Result<Vec<Vec<PastBatch>>, FindItemError> {
        let shipping = world.never_begins();
        let page = shipping.items_of_batch(actor, alias, ItemFilter::default(), &[], PageRequest::default()).await?;
        Ok(page.entries.into_iter().map(|it| it.history).collect())
    }

    #[tokio::test]
    async fn a_driver_sees_of_an_items_past_the_batch_on_board_alone() {
        let (alias, driver) = (a_batch().build().alias().clone(), somebody_who_drives());
        let own = DriverId::new(driver.user_id().expect("a user"));

        let shown = histories_for(&driver, on_board(&alias, own), &alias).await.expect("it is theirs");
        let all = histories_for(&anyone(), on_board(&alias, own), &alias).await.expect("staff see everything");

        assert_eq!(shown[0].iter().map(|it| &it.alias).collect::<Vec<_>>(), [&alias]);
        assert_eq!(all[0].len(), 2);
    }

    #[tokio::test]
    async fn a_batch_with_another_driver_does_not_exist_for_a_driver() {
        let alias = a_batch().build().alias().clone();

        let refusal = histories_for(&somebody_who_drives(), on_board(&alias, a_driver()), &alias).await;

        assert!(matches!(refusal, Err(FindItemError::UnknownBatch(it)) if it == alias));
    }
}
