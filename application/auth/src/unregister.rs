//! Somebody leaves for good.

use auth_domain::{AccountId, FoundSession};
use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;

use crate::{Auth, CloseAccountError, OWN_SESSIONS, RefreshToken};

/// Why nobody left.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum UnregisterError {
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is no refresh token of whoever asks.
    #[error("the refresh token is not yours")]
    NotYours,
    #[error(transparent)]
    Account(#[from] CloseAccountError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Closes the account of whoever asks, who shows a refresh token of theirs to prove that they mean it.
    ///
    /// The account is closed first, which is announced: should the rest be interrupted, whoever hears of it does it.
    pub async fn unregister(&self, actor: &Actor, shown: &RefreshToken) -> Result<(), UnregisterError> {
        actor.require(OWN_SESSIONS)?;
        let account = actor.user_id().map(AccountId::new).ok_or(UnregisterError::NotYours)?;
        self.require_own(account, shown).await?;
        let closed_at = self.clock.now();
        self.accounts.close(account, &actor.correlation_id).await?;
        Ok(self.forget_account(account, closed_at).await?)
    }

    async fn require_own(&self, account: AccountId, shown: &RefreshToken) -> Result<(), UnregisterError> {
        let mut work = self.store.begin().await?;
        match work.sessions().by_refresh_token(self.refresh_tokens.hash(shown)).await? {
            Some(FoundSession::Current(session)) if session.account_id() == account => Ok(()),
            Some(FoundSession::Current(_) | FoundSession::Spent(_)) | None => Err(UnregisterError::NotYours),
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::testing::{a_session, session_of};
    use kernel_application::testing::anyone;

    use super::*;
    use crate::testing::World;

    fn shown() -> RefreshToken {
        RefreshToken::new("shown")
    }

    #[tokio::test]
    async fn who_leaves_leaves_nothing_behind() {
        let me = AccountId::new(anyone().user_id().expect("a user"));
        let session = session_of(me);
        let id = session.id();
        let mut world = World::default();
        world
            .work
            .sessions
            .expect_by_refresh_token()
            .returning(move |_| Ok(Some(FoundSession::Current(session.clone()))));
        world.accounts.expect_close().times(1).withf(move |it, _| *it == me).returning(|_, _| Ok(()));
        world.second_work.sessions.expect_end_all().times(1).returning(move |_, _, _| Ok(vec![id]));
        world.second_work.credentials.expect_remove().times(1).returning(|_| Ok(()));
        world.second_work.verifications.expect_forget().times(1).returning(|_, _| Ok(()));
        let (auth, _) = world.commits();

        auth.unregister(&anyone(), &shown()).await.expect("they leave");

        assert!(auth.ended.has(id, me));
    }

    #[tokio::test]
    async fn a_token_of_somebody_else_closes_no_account() {
        let mut world = World::default();
        world.work.sessions.expect_by_refresh_token().returning(|_| Ok(Some(FoundSession::Current(a_session()))));
        world.accounts.expect_close().never();
        let (auth, _) = world.commits();

        assert!(matches!(auth.unregister(&anyone(), &shown()).await, Err(UnregisterError::NotYours)));
    }
}
