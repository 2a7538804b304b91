//! The staff throws somebody out for good.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use user_domain::{CannotClose, UserId};

use crate::{MANAGE_USERS, Users};

/// Why nobody was banned.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum BanUserError {
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
    /// Bans somebody: nothing is kept that tells who they were, and their number stays out.
    pub async fn ban_user(&self, actor: &Actor, id: UserId) -> Result<(), BanUserError> {
        actor.require(MANAGE_USERS)?;
        let now = self.clock.now();

        let mut work = self.store.begin().await?;
        let mut user = work.users().find(id).await?.ok_or(BanUserError::UnknownUser(id))?;
        let hash = user.phone_number().map(|it| self.hash_of(it));
        let closed = user.ban(hash, now)?;
        Ok(self.keep_closed(work, &user, closed, &actor.correlation_id, now).await?)
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::{anyone, nobody};
    use user_domain::UserState;
    use uuid::Uuid;

    use super::*;
    use crate::testing::{World, a_user};

    const KIM: UserId = UserId::new(Uuid::from_u128(1));

    #[tokio::test]
    async fn who_is_banned_is_announced_and_their_number_is_remembered_by_its_hash() {
        let mut world = World::with_user(&a_user(KIM));
        let remembered =
            |user: &user_domain::User| matches!(user.snapshot().state, UserState::Banned { phone_number: Some(_), .. });
        world.work.users.expect_save().times(1).withf(remembered).returning(|_| Ok(()));
        let announced = |events: &[kernel_domain::RecordedEvent]| events.len() == 1 && events[0].name == "UserBanned";
        world.work.outbox.expect_append().times(1).withf(announced).returning(|_| Ok(()));
        let (users, committed) = world.commits();

        users.ban_user(&anyone(), KIM).await.expect("they are banned");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn who_may_not_bans_nobody() {
        let (users, committed) = World::default().commits();

        assert!(matches!(users.ban_user(&nobody(), KIM).await, Err(BanUserError::Denied(_))));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn nobody_is_banned_twice() {
        let mut gone = a_user(KIM);
        gone.ban(None, kernel_application::testing::noon()).expect("once");
        let (users, committed) = World::with_user(&gone).commits();

        let refused = users.ban_user(&anyone(), KIM).await;

        assert!(matches!(refused, Err(BanUserError::Refused(CannotClose::AlreadyClosed))));
        assert!(!committed.happened());
    }
}
