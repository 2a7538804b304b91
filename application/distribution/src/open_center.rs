//! Management opens a distribution center.

use distribution_domain::{Center, CenterCode, CenterId, CenterName, StaffId};
use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;

use crate::{CenterSummary, CenterView, Distribution, MANAGE};

/// What to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCenter {
    /// Its code.
    pub code: CenterCode,
    /// Its name.
    pub name: CenterName,
    /// Who works there.
    pub staff: Vec<StaffId>,
}

/// Why nothing was opened.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum OpenCenterError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Distribution {
    /// Opens a center under a code that nobody else has.
    pub async fn open_center(&self, actor: &Actor, command: OpenCenter) -> Result<CenterView, OpenCenterError> {
        actor.require(MANAGE)?;
        let id = CenterId::new(self.ids.uuid());
        let center = Center::open(id, command.code, command.name, command.staff, self.clock.now());
        let view = self.with_staff_of_one(CenterSummary::of(&center)).await?;

        self.retried(|| self.keep_opened(&center)).await?;
        Ok(view)
    }

    async fn keep_opened(&self, center: &Center) -> Result<(), StoreError> {
        let mut work = self.store.begin().await?;
        work.centers().add(center).await?;
        work.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use distribution_domain::testing::a_staff_member;
    use kernel_application::testing::{anyone, nobody};

    fn abc001(staff: Vec<StaffId>) -> OpenCenter {
        OpenCenter {
            code: CenterCode::parse("ABC001").expect("a code"),
            name: CenterName::parse("North").expect("a name"),
            staff,
        }
    }

    #[tokio::test]
    async fn an_opened_center_shows_who_works_there() {
        let mut world = World::default();
        world.work.centers.expect_add().times(1).returning(|_| Ok(()));
        let (distribution, committed) = world.commits();
        let ann = a_staff_member();

        let center = distribution.open_center(&anyone(), abc001(vec![ann])).await.expect("it opens");

        assert_eq!(center.staff.iter().map(|it| it.id).collect::<Vec<_>>(), [ann]);
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_code_that_is_taken_opens_nothing() {
        let mut world = World::default();
        world.work.centers.expect_add().returning(|_| Err(StoreError::Duplicate { key: "center_code" }));
        let (distribution, committed) = world.commits();

        let refusal = distribution.open_center(&anyone(), abc001(vec![])).await;

        assert!(matches!(refusal, Err(OpenCenterError::Store(StoreError::Duplicate { key: "center_code" }))));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn who_may_not_manage_opens_nothing() {
        let (distribution, _) = World::default().commits();

        let refusal = distribution.open_center(&nobody(), abc001(vec![])).await;

        assert!(matches!(refusal, Err(OpenCenterError::Denied(Denied::Forbidden(MANAGE)))));
    }
}
