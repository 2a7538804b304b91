//! Management closes a center that nobody needs any more.

use distribution_domain::{CannotClose, CenterCode, CenterId, ClosingId};
use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;

use crate::{Distribution, MANAGE};

/// Why nothing was closed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum CloseCenterError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no center {0}")]
    UnknownCenter(CenterId),
    #[error(transparent)]
    Refused(#[from] CannotClose),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Distribution {
    /// Closes a center for good, and frees its code.
    ///
    /// In two steps, so that nobody plans to go to a center that is no more: first it is kept that the center is being
    /// closed, which whoever plans asks for once their plan is written down; then those who rely on it are asked. Of the
    /// two who do this at once, one sees the other. Should the first step be the last, the center takes no more plans
    /// until somebody changes it or closes it again.
    pub async fn close_center(&self, actor: &Actor, id: CenterId) -> Result<(), CloseCenterError> {
        actor.require(MANAGE)?;
        let attempt = ClosingId::new(self.ids.uuid());

        let code = self.retried(|| self.begin_to_close(id, attempt)).await?;

        let is_used = self.usage.is_used(&code).await;

        // Who cannot be asked may need it.
        let may_be_used = *is_used.as_ref().unwrap_or(&true);
        let end = self.retried(|| self.end_of_closing(id, attempt, may_be_used)).await?;
        is_used?;
        match end {
            End::Closed => Ok(()),
            End::StaysOpen(refusal) => Err(refusal.into()),
            End::Overtaken => Err(StoreError::Conflict(format!("center {id}")).into()),
        }
    }

    async fn begin_to_close(&self, id: CenterId, attempt: ClosingId) -> Result<CenterCode, CloseCenterError> {
        let mut work = self.store.begin().await?;
        let mut center = work.centers().find(id).await?.ok_or(CloseCenterError::UnknownCenter(id))?;
        center.begin_to_close(attempt);
        work.centers().save(&center).await?;
        work.commit().await?;
        Ok(center.code().clone())
    }

    async fn end_of_closing(&self, id: CenterId, attempt: ClosingId, is_used: bool) -> Result<End, CloseCenterError> {
        let mut work = self.store.begin().await?;
        let mut center = work.centers().find(id).await?.ok_or(CloseCenterError::UnknownCenter(id))?;
        if !center.is_being_closed_by(attempt) {
            return Ok(End::Overtaken);
        }
        let end = match center.close(is_used) {
            Ok(()) => {
                work.centers().remove(&center).await?;
                End::Closed
            }
            Err(refusal) => {
                center.stay_open(attempt);
                work.centers().save(&center).await?;
                End::StaysOpen(refusal)
            }
        };
        work.commit().await?;
        Ok(end)
    }
}

/// What becomes of an attempt.
enum End {
    Closed,
    StaysOpen(CannotClose),
    /// By another attempt, or by somebody who changed the center and wants it: that is not bad luck, and not tried again.
    Overtaken,
}

#[cfg(test)]
mod tests {
    use distribution_domain::testing::{a_center, an_attempt};
    use kernel_application::testing::{anyone, nobody};

    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn a_center_that_nobody_uses_is_removed() {
        let center = a_center().build();
        let mut world = World::closing(&center, Ok(false));
        let id = center.id();
        world.work.centers.expect_remove().times(1).withf(move |it| it.id() == id).returning(|_| Ok(()));
        let (distribution, committed) = world.commits();

        distribution.close_center(&anyone(), center.id()).await.expect("it closes");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_center_that_is_used_is_opened_again() {
        let center = a_center().build();
        let mut world = World::closing(&center, Ok(true));
        let before = center.clone();
        world.work.centers.expect_save().times(1).withf(move |it| *it == before).returning(|_| Ok(()));
        let (distribution, committed) = world.commits();

        let refusal = distribution.close_center(&anyone(), center.id()).await;

        assert!(matches!(refusal, Err(CloseCenterError::Refused(CannotClose::InUse(code))) if code == *center.code()));
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_center_that_may_be_used_is_opened_again() {
        let center = a_center().build();
        let mut world = World::closing(&center, Err(StoreError::Contended("a plan is being made".into())));
        let before = center.clone();
        world.work.centers.expect_save().times(1).withf(move |it| *it == before).returning(|_| Ok(()));
        let (distribution, committed) = world.commits();

        let refusal = distribution.close_center(&anyone(), center.id()).await;

        assert!(matches!(refusal, Err(CloseCenterError::Store(StoreError::Contended(_)))));
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn who_is_overtaken_by_another_attempt_closes_nothing() {
        let center = a_center().build();
        let mut world = World::closing(&center, Ok(false));
        let mut overtaken = center.clone();
        overtaken.begin_to_close(an_attempt());
        world.work.centers.checkpoint();
        world.work.centers.expect_find().returning(move |_| Ok(Some(overtaken.clone())));
        let (distribution, committed) = world.commits();

        let refusal = distribution.close_center(&anyone(), center.id()).await;

        assert!(matches!(refusal, Err(CloseCenterError::Store(StoreError::Conflict(_)))));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn a_center_that_is_not_there_cannot_be_closed() {
        let (center, other) = (a_center().build(), a_center().build());
        let (distribution, committed) = World::with_center(&center).commits();

        let refusal = distribution.close_center(&anyone(), other.id()).await;

        assert!(matches!(refusal, Err(CloseCenterError::UnknownCenter(id)) if id == other.id()));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn a_center_that_went_while_its_use_was_asked_for_is_not_there() {
        let center = a_center().build();
        let mut world = World::closing(&center, Ok(false));
        world.work.centers.checkpoint();
        world.work.centers.expect_find().returning(|_| Ok(None));
        let (distribution, committed) = world.commits();

        let refusal = distribution.close_center(&anyone(), center.id()).await;

        assert!(matches!(refusal, Err(CloseCenterError::UnknownCenter(_))));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn who_may_not_manage_closes_nothing() {
        let center = a_center().build();
        let (distribution, committed) = World::with_center(&center).commits();

        let refusal = distribution.close_center(&nobody(), center.id()).await;

        assert!(matches!(refusal, Err(CloseCenterError::Denied(Denied::Forbidden(MANAGE)))));
        assert!(!committed.happened());
    }
}
