//! Management closes a center that nobody needs any more.

use distribution_domain::{CannotClose, CenterId};
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
    /// A transport that is planned at the very same moment may get away with it: it then leads to a center that is no
    /// more, and does not start.
    pub async fn close_center(&self, actor: &Actor, id: CenterId) -> Result<(), CloseCenterError> {
        actor.require(MANAGE)?;
        let known = self.queries.center(id).await?.ok_or(CloseCenterError::UnknownCenter(id))?;
        let is_used = self.usage.is_used(&known.code).await?;

        let mut work = self.store.begin().await?;
        let center = work.centers().find(id).await?.ok_or(CloseCenterError::UnknownCenter(id))?;
        center.close(is_used)?;
        work.centers().remove(&center).await?;
        Ok(work.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use distribution_domain::Center;
    use distribution_domain::testing::a_center;
    use kernel_application::testing::{anyone, nobody};

    use super::*;
    use crate::testing::World;

    /// A world in which there is this center, used or not.
    fn with(center: &Center, is_used: bool) -> World {
        let mut world = World::with_center(center);
        let code = center.code().clone();
        world.usage.expect_is_used().withf(move |it| *it == code).returning(move |_| Ok(is_used));
        world
    }

    #[tokio::test]
    async fn a_center_that_nobody_uses_is_removed() {
        let center = a_center().build();
        let mut world = with(&center, false);
        let closed = center.clone();
        world.work.centers.expect_remove().times(1).withf(move |it| *it == closed).returning(|_| Ok(()));
        let (distribution, committed) = world.commits();

        distribution.close_center(&anyone(), center.id()).await.expect("it closes");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_center_that_is_used_stays() {
        let center = a_center().build();
        let (distribution, committed) = with(&center, true).commits();

        let refusal = distribution.close_center(&anyone(), center.id()).await;

        assert!(matches!(refusal, Err(CloseCenterError::Refused(CannotClose::InUse(code))) if code == *center.code()));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn a_center_that_is_not_there_cannot_be_closed() {
        let (center, other) = (a_center().build(), a_center().build());
        let (distribution, committed) = with(&center, false).commits();

        let refusal = distribution.close_center(&anyone(), other.id()).await;

        assert!(matches!(refusal, Err(CloseCenterError::UnknownCenter(id)) if id == other.id()));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn a_center_that_went_while_its_use_was_asked_for_is_not_there() {
        let center = a_center().build();
        let mut world = with(&center, false);
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
