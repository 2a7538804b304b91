//! Every use case that changes something is tried again when the store was contended.
//!
//! That is safe: nothing of an attempt that failed so was kept, and each begins at the beginning, with what the other
//! contexts say by then.

use kernel_application::{MayPass, retried};
use kernel_domain::StoreError;

use crate::{
    ChangeItemError, CompleteTransportError, DeleteBatchError, DeleteItemError, DeleteTransportError, LoadBatchesError,
    OpenBatchError, PackItemsError, PlanTransportError, RegisterItemError, RenameBatchError, ReplanTransportError,
    Shipping, StartTransportError, UnpackItemsError,
};

impl Shipping {
    /// Makes attempts at a use case until one ends otherwise than by bad luck, or was the last.
    pub(crate) async fn retried<T, E: MayPass, F>(&self, attempt: impl Fn() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        retried(&*self.pauses, &*self.ids, attempt).await
    }
}

/// Bad luck is the store's: rules and rights stand.
macro_rules! pass_with_the_store {
    ($($error:ident),+ $(,)?) => {
        $(impl MayPass for $error {
            fn may_pass(&self) -> bool {
                if let Self::Store(error) = self { StoreError::may_pass(error) } else { false }
            }
        })+
    };
}

pass_with_the_store![
    ChangeItemError,
    CompleteTransportError,
    DeleteBatchError,
    DeleteItemError,
    DeleteTransportError,
    LoadBatchesError,
    OpenBatchError,
    PackItemsError,
    PlanTransportError,
    RegisterItemError,
    RenameBatchError,
    ReplanTransportError,
    StartTransportError,
    UnpackItemsError,
];

#[cfg(test)]
mod tests {
    use kernel_application::MAX_RETRIES;
    use kernel_application::testing::anyone;
    use shipping_domain::testing::a_transport;

    use super::*;
    use crate::testing::{MockedWork, World};

    fn contended() -> MockedWork {
        let mut work = MockedWork::default();
        work.transports.expect_find().returning(|_| Err(StoreError::Contended("deadlock".into())));
        work
    }

    #[tokio::test]
    async fn a_deadlock_is_survived_in_another_unit_of_work() {
        let transport = a_transport().build();
        let mut world = World::finding_transport(&transport);
        world.work.batches.expect_carried_by().returning(|_| Ok(vec![]));
        world.work.transports.expect_remove().times(1).returning(|_| Ok(()));
        world.before = vec![contended(), contended()];
        let (shipping, outcome) = world.commits();

        shipping.delete_transport(&anyone(), transport.id()).await.expect("the third time it succeeds");

        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn a_store_that_stays_contended_is_given_up() {
        let transport = a_transport().build();
        let mut world = World::finding_transport(&transport);
        world.before = (0..=MAX_RETRIES).map(|_| contended()).collect();
        let (shipping, outcome) = world.commits();

        let refusal = shipping.delete_transport(&anyone(), transport.id()).await;

        assert!(matches!(refusal, Err(DeleteTransportError::Store(StoreError::Contended(_)))));
        assert!(!outcome.committed());
    }
}
