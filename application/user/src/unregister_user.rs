//! Somebody leaves, or the staff closes their account for them.

use chrono::{DateTime, Utc};
use kernel_application::{Actor, Denied, record};
use kernel_domain::{CorrelationId, StoreError};
use user_domain::{CannotClose, ImageKey, User, UserEvent, UserId, UserWork};

use crate::{MANAGE_USERS, Users};

/// Why no account was closed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum UnregisterUserError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no user {0}")]
    UnknownUser(UserId),
    #[error(transparent)]
    Refused(#[from] CannotClose),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Users {
    /// Closes somebody's account, for the staff.
    pub async fn unregister_user(&self, actor: &Actor, id: UserId) -> Result<(), UnregisterUserError> {
        actor.require(MANAGE_USERS)?;
        self.close(id, &actor.correlation_id).await
    }

    /// Closes somebody's account, for the context that knows that it is they who leave. Nothing is kept that tells
    /// who they were, and their number may sign up again.
    pub async fn close(&self, id: UserId, correlation_id: &CorrelationId) -> Result<(), UnregisterUserError> {
        let now = self.clock.now();

        let mut work = self.store.begin().await?;
        let mut user = work.users().find(id).await?.ok_or(UnregisterUserError::UnknownUser(id))?;
        let closed = user.unregister(now)?;
        Ok(self.keep_closed(work, &user, closed, correlation_id, now).await?)
    }

    /// Keeps and announces what closing an account came to; its picture goes.
    pub(crate) async fn keep_closed(
        &self,
        mut work: Box<dyn UserWork>,
        user: &User,
        (event, image): (UserEvent, Option<ImageKey>),
        correlation_id: &CorrelationId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        work.users().save(user).await?;
        if let Some(image) = image {
            work.discarded_images().add(&image, now).await?;
        }
        work.outbox().append(&[record(&event, correlation_id, &*self.ids, now)]).await?;
        work.commit().await
    }
}

#[cfg(test)]
mod tests {
    use user_domain::UserState;
    use uuid::Uuid;

    use super::*;
    use crate::testing::{World, a_user};

    const KIM: UserId = UserId::new(Uuid::from_u128(1));

    fn request() -> CorrelationId {
        CorrelationId::from(Uuid::from_u128(2))
    }

    #[tokio::test]
    async fn who_leaves_is_announced() {
        let mut world = World::with_user(&a_user(KIM));
        let left = |user: &user_domain::User| matches!(user.snapshot().state, UserState::Unregistered { .. });
        world.work.users.expect_save().times(1).withf(left).returning(|_| Ok(()));
        let announced =
            |events: &[kernel_domain::RecordedEvent]| events.len() == 1 && events[0].name == "UserDeactivated";
        world.work.outbox.expect_append().times(1).withf(announced).returning(|_| Ok(()));
        let (users, committed) = world.commits();

        users.close(KIM, &request()).await.expect("they leave");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn who_is_unknown_cannot_leave() {
        let mut world = World::default();
        world.work.users.expect_find().returning(|_| Ok(None));
        let (users, _) = world.commits();

        assert!(matches!(users.close(KIM, &request()).await, Err(UnregisterUserError::UnknownUser(KIM))));
    }
}
