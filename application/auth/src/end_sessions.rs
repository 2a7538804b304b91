//! Somebody signs out on another device, or on all others.

use auth_domain::{AccountId, SessionId};
use kernel_application::{Actor, Denied, Identity};
use kernel_domain::StoreError;

use crate::{Auth, OWN_SESSIONS};

/// Why no session ended.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum EndSessionError {
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Whoever asks has no such session.
    #[error("there is no session {0}")]
    Unknown(SessionId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Ends one session of whoever asks.
    pub async fn end_session(&self, actor: &Actor, id: SessionId) -> Result<(), EndSessionError> {
        actor.require(OWN_SESSIONS)?;
        let account = actor.user_id().map(AccountId::new).ok_or(EndSessionError::Unknown(id))?;
        let now = self.clock.now();

        let mut work = self.store.begin().await?;
        let mut session = work.sessions().find(account, id).await?.ok_or(EndSessionError::Unknown(id))?;
        session.end(now);
        work.sessions().save(&session).await?;
        work.commit().await?;
        self.ended.note([id], now);
        Ok(())
    }

    /// Ends every session of whoever asks, but for the one that asks.
    pub async fn end_other_sessions(&self, actor: &Actor) -> Result<(), EndSessionError> {
        actor.require(OWN_SESSIONS)?;
        let Identity::User { user_id, session_id } = actor.identity else { return Ok(()) };
        let now = self.clock.now();

        let mut work = self.store.begin().await?;
        let current = Some(SessionId::new(session_id));
        let ended = work.sessions().end_all(AccountId::new(user_id), current, now).await?;
        work.commit().await?;
        self.ended.note(ended, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::testing::session_of;
    use kernel_application::testing::anyone;

    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn a_session_of_ones_own_ends_at_once() {
        let me = AccountId::new(anyone().user_id().expect("a user"));
        let session = session_of(me);
        let id = session.id();
        let mut world = World::default();
        world
            .work
            .sessions
            .expect_find()
            .withf(move |it, _| *it == me)
            .returning(move |_, _| Ok(Some(session.clone())));
        world.work.sessions.expect_save().times(1).returning(|_| Ok(()));
        let (auth, committed) = world.commits();

        auth.end_session(&anyone(), id).await.expect("it ends");

        assert!(committed.happened());
        assert!(auth.ended.has(id, me));
    }

    #[tokio::test]
    async fn all_others_end_and_the_one_that_asks_stays() {
        let Identity::User { session_id, user_id } = anyone().identity else { panic!("a user") };
        let other = SessionId::new(uuid::Uuid::from_u128(9));
        let mut world = World::default();
        let but = move |_: &AccountId, but: &Option<SessionId>, _: &chrono::DateTime<chrono::Utc>| {
            *but == Some(SessionId::new(session_id))
        };
        world.work.sessions.expect_end_all().times(1).withf(but).returning(move |_, _, _| Ok(vec![other]));
        let (auth, committed) = world.commits();

        auth.end_other_sessions(&anyone()).await.expect("they end");

        assert!(committed.happened());
        assert!(auth.ended.has(other, AccountId::new(user_id)));
        assert!(!auth.ended.has(SessionId::new(session_id), AccountId::new(user_id)));
    }
}
