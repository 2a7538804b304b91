//! A session goes on: its refresh token is exchanged for the next pair.

use auth_domain::{CannotRenew, FoundSession, RefreshTokenHash, Session};
use kernel_domain::StoreError;

use crate::{Auth, IssueError, RefreshToken, SignInName, TokenPair};

/// Why the session does not go on.
#[derive(Debug, thiserror::Error)]
pub enum RenewSessionError {
    /// It is no refresh token of ours.
    #[error("the refresh token is not valid")]
    Invalid,
    /// It was used before: there are two of it, one of them stolen. The session has ended.
    #[error("the refresh token was used before")]
    Reused,
    /// It ended, or expired.
    #[error(transparent)]
    Refused(#[from] CannotRenew),
    /// The account cannot be used any more.
    #[error("the account cannot be used")]
    Inactive,
    /// Our keys do not work.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Exchanges a refresh token. It is good once: shown again, it ends the session, since nobody knows who of the two
    /// is the owner (OWASP ASVS 5, 10.4.5).
    pub async fn renew_session(&self, shown: &RefreshToken) -> Result<TokenPair, RenewSessionError> {
        let token = self.refresh_tokens.hash(shown);
        let account = match self.queries.account_of(token).await? {
            Some(id) => self.accounts.find(&SignInName::Account(id)).await?.filter(|it| it.active),
            None => return self.refuse(token).await,
        };
        let account = account.ok_or(RenewSessionError::Inactive)?;
        let now = self.clock.now();
        let refresh = self.refresh_tokens.fresh();

        let mut work = self.store.begin().await?;
        match work.sessions().by_refresh_token(token).await? {
            Some(FoundSession::Current(mut session)) => {
                session.renew(self.refresh_tokens.hash(&refresh), now)?;
                let access = self.access_token(&account, &session, now)?;
                work.sessions().save(&session).await?;
                work.commit().await?;
                Ok(TokenPair { access, refresh })
            }
            // Somebody was faster with the same token.
            Some(FoundSession::Spent(_)) => {
                drop(work);
                self.refuse(token).await
            }
            None => Err(RenewSessionError::Invalid),
        }
    }

    /// Refuses a token that cannot be exchanged; one that was exchanged before ends its session.
    async fn refuse(&self, token: RefreshTokenHash) -> Result<TokenPair, RenewSessionError> {
        let now = self.clock.now();
        let mut work = self.store.begin().await?;
        let mut session: Session = match work.sessions().by_refresh_token(token).await? {
            Some(FoundSession::Spent(session)) => session,
            Some(FoundSession::Current(_)) | None => return Err(RenewSessionError::Invalid),
        };
        session.end(now);
        work.sessions().save(&session).await?;
        work.commit().await?;
        self.ended.note([session.id()], now);
        Err(RenewSessionError::Reused)
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::testing::session_of;
    use kernel_application::testing::noon;

    use super::*;
    use crate::Account;
    use crate::testing::{World, an_account};

    fn shown() -> RefreshToken {
        RefreshToken::new("shown")
    }

    fn world(account: &Account) -> World {
        let mut world = World::with_account(Some(account.clone()));
        let id = account.id;
        world.queries.expect_account_of().returning(move |_| Ok(Some(id)));
        world
    }

    #[tokio::test]
    async fn a_token_is_exchanged_for_the_next_one() {
        let account = an_account();
        let session = session_of(account.id);
        let old = session.snapshot().refresh_token;
        let mut world = world(&account);
        world
            .work
            .sessions
            .expect_by_refresh_token()
            .returning(move |_| Ok(Some(FoundSession::Current(session.clone()))));
        let exchanged = move |it: &Session| it.snapshot().refresh_token != old;
        world.work.sessions.expect_save().times(1).withf(exchanged).returning(|_| Ok(()));
        let (auth, committed) = world.commits();

        auth.renew_session(&shown()).await.expect("the session goes on");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_token_that_was_used_before_ends_the_session_at_once() {
        let account = an_account();
        let session = session_of(account.id);
        let id = session.id();
        let mut world = World::default();
        world.queries.expect_account_of().returning(|_| Ok(None));
        world
            .work
            .sessions
            .expect_by_refresh_token()
            .returning(move |_| Ok(Some(FoundSession::Spent(session.clone()))));
        let ended = |it: &Session| it.snapshot().ended_at == Some(noon());
        world.work.sessions.expect_save().times(1).withf(ended).returning(|_| Ok(()));
        let (auth, committed) = world.commits();

        assert!(matches!(auth.renew_session(&shown()).await, Err(RenewSessionError::Reused)));
        assert!(committed.happened());
        assert!(auth.ended.has(id, account.id));
    }

    #[tokio::test]
    async fn who_was_switched_off_gets_no_further_token() {
        let off = Account { active: false, ..an_account() };
        let (auth, committed) = world(&off).commits();

        assert!(matches!(auth.renew_session(&shown()).await, Err(RenewSessionError::Inactive)));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn a_session_that_ended_does_not_go_on() {
        let account = an_account();
        let mut session = session_of(account.id);
        session.end(noon());
        let mut world = world(&account);
        world
            .work
            .sessions
            .expect_by_refresh_token()
            .returning(move |_| Ok(Some(FoundSession::Current(session.clone()))));
        let (auth, committed) = world.commits();

        let refused = auth.renew_session(&shown()).await;

        assert!(matches!(refused, Err(RenewSessionError::Refused(CannotRenew::Ended))));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn what_was_never_a_token_ends_nothing() {
        let mut world = World::default();
        world.queries.expect_account_of().returning(|_| Ok(None));
        world.work.sessions.expect_by_refresh_token().returning(|_| Ok(None));
        world.work.sessions.expect_save().never();
        let (auth, _) = world.commits();

        assert!(matches!(auth.renew_session(&shown()).await, Err(RenewSessionError::Invalid)));
    }
}
