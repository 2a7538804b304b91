//! Somebody signs in with a password.

use auth_domain::{Password, Session, SessionId};
use chrono::TimeDelta;
use kernel_domain::StoreError;

use crate::{Account, Auth, Claims, IssueError, RefreshToken, SignInName};

/// How long an access token is good.
const ACCESS_LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// Who, and how they prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Who they say they are.
    pub name: SignInName,
    /// What they know.
    pub password: Password,
}

/// The two tokens of a new session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Opens doors for a quarter of an hour.
    pub access: String,
    /// Gets the next pair.
    pub refresh: RefreshToken,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown, inactive or the wrong password: nobody is told which.
    #[error("no active account was found with the given credentials")]
    WrongCredentials,
    /// Our keys do not work.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The store or the password hasher did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Signs somebody in. Every wrong credential gets the same answer after the same time: a
    /// password is hashed even if there is no account.
    pub async fn sign_in(&self, command: SignIn) -> Result<SignedIn, SignInError> {
        let account = self.accounts.find(&command.name).await?;
        let hash = match &account {
            Some(account) => self.queries.password_hash(account.id).await?,
            None => None,
        };
        let proved = self.passwords.verify(&command.password, hash).await?;

        match account {
            Some(account) if proved && account.active => self.open_session(account).await,
            _ => Err(SignInError::WrongCredentials),
        }
    }

    async fn open_session(&self, account: Account) -> Result<SignedIn, SignInError> {
        let now = self.clock.now();
        let refresh = self.refresh_tokens.fresh();
        let session_id = SessionId::new(self.ids.uuid());
        let session = Session::open(session_id, account.id, self.refresh_tokens.hash(&refresh), now);
        let access = self.access_tokens.issue(&Claims {
            account_id: account.id,
            session_id,
            account_type: account.account_type,
            is_staff: account.is_staff,
            is_superuser: account.is_superuser,
            groups: account.groups,
            expires_at: now + ACCESS_LIFETIME,
        })?;

        let mut work = self.store.begin().await?;
        work.sessions().add(&session).await?;
        work.commit().await?;
        Ok(SignedIn { access, refresh })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, an_account};
    use auth_domain::PasswordHash;

    fn a_command() -> SignIn {
        SignIn { name: SignInName::Username("ann".to_owned()), password: Password::typed("correct horse") }
    }

    #[tokio::test]
    async fn who_knows_the_password_gets_a_session_and_two_tokens() {
        let mut world = World::with_account(Some(an_account()));
        world.queries.expect_password_hash().returning(|_| Ok(Some(PasswordHash::new("kept"))));
        world.passwords.expect_verify().times(1).returning(|_, _| Ok(true));
        world.work.sessions.expect_add().times(1).returning(|_| Ok(()));
        let (auth, committed) = world.commits();

        let tokens = auth.sign_in(a_command()).await.expect("they are in");

        assert_eq!((tokens.access.as_str(), tokens.refresh.expose()), ("signed", "fresh"));
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_wrong_password_opens_nothing() {
        let mut world = World::with_account(Some(an_account()));
        world.queries.expect_password_hash().returning(|_| Ok(Some(PasswordHash::new("kept"))));
        world.passwords.expect_verify().times(1).returning(|_, _| Ok(false));
        let (auth, committed) = world.commits();

        assert!(matches!(auth.sign_in(a_command()).await, Err(SignInError::WrongCredentials)));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn an_inactive_account_is_refused_like_a_wrong_password() {
        let mut world = World::with_account(Some(Account { active: false, ..an_account() }));
        world.queries.expect_password_hash().returning(|_| Ok(Some(PasswordHash::new("kept"))));
        world.passwords.expect_verify().times(1).returning(|_, _| Ok(true));
        let (auth, committed) = world.commits();

        assert!(matches!(auth.sign_in(a_command()).await, Err(SignInError::WrongCredentials)));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn a_stranger_costs_as_much_as_anybody() {
        let mut world = World::with_account(None);
        world.passwords.expect_verify().times(1).withf(|_, hash| hash.is_none()).returning(|_, _| Ok(false));
        let (auth, _) = world.commits();

        assert!(matches!(auth.sign_in(a_command()).await, Err(SignInError::WrongCredentials)));
    }

    #[tokio::test]
    async fn an_account_without_a_password_costs_as_much_as_anybody() {
        let mut world = World::with_account(Some(an_account()));
        world.queries.expect_password_hash().returning(|_| Ok(None));
        world.passwords.expect_verify().times(1).withf(|_, hash| hash.is_none()).returning(|_, _| Ok(false));
        let (auth, _) = world.commits();

        assert!(matches!(auth.sign_in(a_command()).await, Err(SignInError::WrongCredentials)));
    }
}
