//! Staff register a parcel.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{Item, ItemId, Sku, TrackingNumber};

use crate::{ItemView, Shipping, WRITE};

/// How often a random number is drawn again when it is taken. With 10^10 numbers a day, one
/// collision is rare and five in a row mean that something else is wrong.
pub(crate) const MAX_DRAWS: usize = 5;

/// What to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterItem {
    /// The seller's article number.
    pub sku: Sku,
}

/// Why nothing was registered.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum RegisterItemError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Registers a parcel under a fresh tracking number.
    pub async fn register_item(&self, actor: &Actor, command: RegisterItem) -> Result<ItemView, RegisterItemError> {
        self.retried(|| self.try_to_register_item(actor, command.clone())).await
    }

    async fn try_to_register_item(&self, actor: &Actor, command: RegisterItem) -> Result<ItemView, RegisterItemError> {
        actor.require(WRITE)?;
        let now = self.clock.now();
        let id = ItemId::new(self.ids.uuid());

        let mut work = self.store.begin().await?;
        let mut draws = 1;
        let item = loop {
            let number = TrackingNumber::generated(now.date_naive(), self.ids.below(TrackingNumber::PER_DAY));
            let item = Item::register(id, number, command.sku.clone(), now);
            match work.items().add(&item).await {
                Ok(()) => break item,
                Err(StoreError::Duplicate { .. }) if draws < MAX_DRAWS => draws += 1,
                Err(error) => return Err(error.into()),
            }
        };
        work.commit().await?;
        Ok(ItemView::of(&item, Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use kernel_application::testing::{anyone, nobody};

    fn a_command() -> RegisterItem {
        RegisterItem { sku: Sku::parse("SHOE-42").expect("an sku") }
    }

    #[tokio::test]
    async fn a_registered_item_gets_a_tracking_number_of_the_day() {
        let mut world = World::default();
        world.work.items.expect_add().times(1).returning(|_| Ok(()));
        let (shipping, outcome) = world.commits();

        let item = shipping.register_item(&anyone(), a_command()).await.expect("it is registered");

        assert!(item.tracking_number.as_str().starts_with("20260102-"));
        assert_eq!(item.sku, "SHOE-42");
        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn a_number_that_is_taken_is_drawn_again() {
        let mut world = World::default();
        let mut calls = 0;
        world.work.items.expect_add().times(3).returning(move |_| {
            calls += 1;
            if calls < 3 { Err(StoreError::Duplicate { key: "tracking_number" }) } else { Ok(()) }
        });
        let (shipping, outcome) = world.commits();

        shipping.register_item(&anyone(), a_command()).await.expect("the third number is free");

        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn drawing_ends() {
        let mut world = World::default();
        let taken = || StoreError::Duplicate { key: "tracking_number" };
        world.work.items.expect_add().times(MAX_DRAWS).returning(move |_| Err(taken()));
        let (shipping, outcome) = world.commits();

        let refusal = shipping.register_item(&anyone(), a_command()).await;

        assert!(matches!(refusal, Err(RegisterItemError::Store(StoreError::Duplicate { .. }))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn who_may_not_write_registers_nothing() {
        let refusal = World::default().never_begins().register_item(&nobody(), a_command()).await;

        assert!(matches!(refusal, Err(RegisterItemError::Denied(Denied::Forbidden(WRITE)))));
    }
}
