//! Management gives a center another name, or other people.

use distribution_domain::{Center, CenterId, CenterName, StaffId};
use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;

use crate::{CenterSummary, CenterView, Distribution, MANAGE};

/// What to change. What is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeCenter {
    /// What it is called from now on.
    pub name: Option<CenterName>,
    /// Who works there from now on.
    pub staff: Option<Vec<StaffId>>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum ChangeCenterError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no center {0}")]
    UnknownCenter(CenterId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Distribution {
    /// Changes a center, and shows it as it is then. Whoever changes one wants it: an attempt to close it is over, also one
    /// that was cut short and that nobody finishes.
    pub async fn change_center(
        &self,
        actor: &Actor,
        id: CenterId,
        change: ChangeCenter,
    ) -> Result<CenterView, ChangeCenterError> {
        actor.require(MANAGE)?;
        let center = self.retried(|| self.keep_changed(id, change.clone())).await?;
        // Only now: who works there may have been known to the unit of work alone.
        Ok(self.with_staff_of_one(CenterSummary::of(&center)).await?)
    }

    async fn keep_changed(&self, id: CenterId, change: ChangeCenter) -> Result<Center, ChangeCenterError> {
        let mut work = self.store.begin().await?;
        let mut center = work.centers().find(id).await?.ok_or(ChangeCenterError::UnknownCenter(id))?;
        if let Some(name) = change.name {
            center.rename(name);
        }
        if let Some(staff) = change.staff {
            center.restaff(staff);
        }
        center.reopen();
        work.centers().save(&center).await?;
        work.commit().await?;
        Ok(center)
    }
}

#[cfg(test)]
mod tests {
    use distribution_domain::testing::{a_center, a_staff_member, an_attempt};
    use kernel_application::testing::{anyone, nobody};

    use super::*;
    use crate::testing::World;

    fn busan() -> CenterName {
        CenterName::parse("Busan").expect("a name")
    }

    #[tokio::test]
    async fn a_changed_center_is_kept_and_shown_with_those_of_its_people_who_exist() {
        let (ann, bob, gone) = (a_staff_member(), a_staff_member(), a_staff_member());
        let center = a_center().staffed_by(&[ann]).build();
        let mut world = World { unknown_staff: vec![gone], ..World::with_center(&center) };
        let changed = move |it: &Center| it.name().as_str() == "Busan" && it.staff() == [gone, bob];
        world.work.centers.expect_save().times(1).withf(changed).returning(|_| Ok(()));
        let (distribution, committed) = world.commits();

        let change = ChangeCenter { name: Some(busan()), staff: Some(vec![gone, bob]) };
        let view = distribution.change_center(&anyone(), center.id(), change).await.expect("it changes");

        assert!(committed.happened());
        assert_eq!((view.code, view.name.as_str()), (center.code().clone(), "Busan"));
        assert_eq!(view.staff.iter().map(|it| it.id).collect::<Vec<_>>(), [bob]);
    }

    #[tokio::test]
    async fn what_is_left_out_stays_as_it_is() {
        let center = a_center().staffed_by(&[a_staff_member()]).build();
        let mut renamed = center.clone();
        renamed.rename(busan());
        let mut deserted = center.clone();
        deserted.restaff(vec![]);
        for (change, expected) in [
            (ChangeCenter::default(), center.clone()),
            (ChangeCenter { name: Some(busan()), staff: None }, renamed),
            (ChangeCenter { name: None, staff: Some(vec![]) }, deserted),
        ] {
            let mut world = World::with_center(&center);
            world.work.centers.expect_save().times(1).withf(move |it| *it == expected).returning(|_| Ok(()));
            let (distribution, committed) = world.commits();

            distribution.change_center(&anyone(), center.id(), change).await.expect("it changes");

            assert!(committed.happened());
        }
    }

    #[tokio::test]
    async fn a_center_whose_closing_was_cut_short_takes_plans_again() {
        let center = a_center().build();
        let mut closing = center.clone();
        closing.begin_to_close(an_attempt());
        let mut world = World::with_center(&closing);
        world.work.centers.expect_save().times(1).withf(move |it| *it == center).returning(|_| Ok(()));
        let (distribution, committed) = world.commits();

        distribution.change_center(&anyone(), closing.id(), ChangeCenter::default()).await.expect("it changes");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_center_that_is_not_there_or_cannot_be_kept_is_left_alone() {
        let (center, other) = (a_center().build(), a_center().build());
        let (distribution, committed) = World::with_center(&center).commits();

        let refusal = distribution.change_center(&anyone(), other.id(), ChangeCenter::default()).await;

        assert!(matches!(refusal, Err(ChangeCenterError::UnknownCenter(id)) if id == other.id()));
        assert!(!committed.happened());

        let mut world = World::with_center(&center);
        world.work.centers.expect_save().returning(|_| Err(StoreError::unavailable("it is away")));
        let (distribution, committed) = world.commits();

        let refusal = distribution.change_center(&anyone(), center.id(), ChangeCenter::default()).await;

        assert!(matches!(refusal, Err(ChangeCenterError::Store(StoreError::Unavailable(_)))));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn who_may_not_manage_changes_nothing() {
        let center = a_center().build();
        let (distribution, committed) = World::with_center(&center).commits();

        let refusal = distribution.change_center(&nobody(), center.id(), ChangeCenter::default()).await;

        assert!(matches!(refusal, Err(ChangeCenterError::Denied(Denied::Forbidden(MANAGE)))));
        assert!(!committed.happened());
    }
}
