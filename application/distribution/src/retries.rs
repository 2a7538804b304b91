//! Every unit of work that changes something is tried again when the store was contended.
//!
//! That is safe: nothing of an attempt that failed so was kept, and each begins with what is kept by then.

use kernel_application::{MayPass, retried};
use kernel_domain::StoreError;

use crate::{ChangeCenterError, CloseCenterError, Distribution};

impl Distribution {
    /// Makes attempts at a unit of work until one ends otherwise than by bad luck, or was the last.
    pub(crate) async fn retried<T, E: MayPass, F>(&self, attempt: impl Fn() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        retried(&*self.pauses, &*self.ids, attempt).await
    }
}

impl MayPass for ChangeCenterError {
    fn may_pass(&self) -> bool {
        if let Self::Store(error) = self { StoreError::may_pass(error) } else { false }
    }
}

impl MayPass for CloseCenterError {
    fn may_pass(&self) -> bool {
        if let Self::Store(error) = self { StoreError::may_pass(error) } else { false }
    }
}

#[cfg(test)]
mod tests {
    use distribution_domain::testing::a_center;
    use distribution_domain::{CenterCode, CenterName};
    use kernel_application::MAX_RETRIES;
    use kernel_application::testing::anyone;

    use super::*;
    use crate::testing::{MockedWork, World};
    use crate::{ChangeCenter, OpenCenter, OpenCenterError};

    fn contended() -> MockedWork {
        let mut work = MockedWork::default();
        let deadlock = || StoreError::Contended("deadlock".into());
        work.centers.expect_find().returning(move |_| Err(deadlock()));
        work.centers.expect_add().returning(move |_| Err(deadlock()));
        work
    }

    fn north() -> OpenCenter {
        let (code, name) = (CenterCode::parse("ABC001").expect("a code"), CenterName::parse("North").expect("a name"));
        OpenCenter { code, name, staff: Vec::new() }
    }

    #[tokio::test]
    async fn a_center_is_opened_in_spite_of_a_deadlock() {
        let mut world = World { before: vec![contended(), contended()], ..World::default() };
        world.work.centers.expect_add().times(1).returning(|_| Ok(()));
        let (distribution, committed) = world.commits();

        distribution.open_center(&anyone(), north()).await.expect("the third time it opens");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_center_is_changed_in_spite_of_a_deadlock() {
        let center = a_center().build();
        let mut world = World { before: vec![contended()], ..World::with_center(&center) };
        world.work.centers.expect_save().times(1).returning(|_| Ok(()));
        let (distribution, committed) = world.commits();

        let changed = distribution.change_center(&anyone(), center.id(), ChangeCenter::default()).await;

        changed.expect("the second time it changes");
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_center_is_closed_in_spite_of_a_deadlock_in_either_step() {
        let center = a_center().build();
        let mut world = World::closing(&center, Ok(false));
        world.before.insert(0, contended());
        world.before.push(contended());
        world.work.centers.expect_remove().times(1).returning(|_| Ok(()));
        let (distribution, committed) = world.commits();

        distribution.close_center(&anyone(), center.id()).await.expect("it closes");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_store_that_stays_contended_is_given_up() {
        let world = World { before: (0..=MAX_RETRIES).map(|_| contended()).collect(), ..World::default() };
        let (distribution, committed) = world.commits();

        let refusal = distribution.open_center(&anyone(), north()).await;

        assert!(matches!(refusal, Err(OpenCenterError::Store(StoreError::Contended(_)))));
        assert!(!committed.happened());
    }
}
