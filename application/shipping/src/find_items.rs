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

    /// A page of the items that are or were in a batch; for a driver, in one on a transport of theirs.
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
        self.queries.items(&filter, order, page).await?.ok_or(FindItemError::PastTheEnd)
    }
}
