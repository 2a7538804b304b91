//! Somebody signs out on one device.

use auth_domain::{AccountId, FoundSession, Session};
use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;

use crate::{Auth, OWN_SESSIONS, RefreshToken};

/// Why no session ended.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum SignOutError {
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is no refresh token of whoever asks.
    #[error("the refresh token is not yours")]
    NotYours,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Ends the session that a refresh token of whoever asks belongs to.
    pub async fn sign_out(&self, actor: &Actor, shown: &RefreshToken) -> Result<(), SignOutError> {
        actor.require(OWN_SESSIONS)?;
        let account = actor.user_id().map(AccountId::new).ok_or(SignOutError::NotYours)?;
        let now = self.clock.now();

        let mut work = self.store.begin().await?;
        let mut session: Session = match work.sessions().by_refresh_token(self.refresh_tokens.hash(shown)).await? {
            Some(FoundSession::Current(session) | FoundSession::Spent(session)) => session,
            None => return Err(SignOutError::NotYours),
        };
        if session.account_id() != account {
            return Err(SignOutError::NotYours);
        }
        session.end(now);
        work.sessions().save(&session).await?;
        work.commit().await?;
        self.ended.note([session.id()], now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::testing::{a_session, session_of};
    use kernel_application::testing::{anyone, nobody};

    use super::*;
    use crate::testing::World;

    fn shown() -> RefreshToken {
        RefreshToken::new("shown")
    }

    #[tokio::test]
    async fn the_session_ends_and_its_access_tokens_with_it() {
        let me = AccountId::new(anyone().user_id().expect("a user"));
        let session = session_of(me);
        let id = session.id();
        let mut world = World::default();
        world
            .work
            .sessions
            .expect_by_refresh_token()
            .returning(move |_| Ok(Some(FoundSession::Current(session.clone()))));
        let ended = |it: &Session| it.snapshot().ended_at.is_some();
        world.work.sessions.expect_save().times(1).withf(ended).returning(|_| Ok(()));
        let (auth, committed) = world.commits();

        auth.sign_out(&anyone(), &shown()).await.expect("they are signed out");

        assert!(committed.happened());
        assert!(auth.ended.has(id, me));
    }

    #[tokio::test]
    async fn nobody_signs_anybody_else_out() {
        for found in [Some(FoundSession::Current(a_session())), None] {
            let mut world = World::default();
            world.work.sessions.expect_by_refresh_token().returning(move |_| Ok(found.clone()));
            world.work.sessions.expect_save().never();
            let (auth, committed) = world.commits();

            assert!(matches!(auth.sign_out(&anyone(), &shown()).await, Err(SignOutError::NotYours)));
            assert!(!committed.happened());
        }
    }

    #[tokio::test]
    async fn who_may_not_ends_nothing() {
        let (auth, _) = World::default().commits();

        assert!(matches!(auth.sign_out(&nobody(), &shown()).await, Err(SignOutError::Denied(_))));
    }
}
