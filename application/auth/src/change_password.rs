//! Somebody chooses another password.

use auth_domain::{AccountId, Credential, NewPassword, Password, SessionId};
use kernel_application::{Actor, Denied, Identity};
use kernel_domain::StoreError;

use crate::{Auth, OWN_SESSIONS, Verified};

/// The old password and the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePassword {
    /// The one they have; nothing if they never had one.
    pub current: Option<Password>,
    /// The one they want.
    pub new: NewPassword,
}

/// Why the password stays as it is.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum ChangePasswordError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("the current password is another one")]
    WrongPassword,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Changes the password of whoever asks, and ends every other session of theirs: whoever knew the old one is out.
    pub async fn change_password(&self, actor: &Actor, change: ChangePassword) -> Result<(), ChangePasswordError> {
        actor.require(OWN_SESSIONS)?;
        let Identity::User { user_id, session_id } = actor.identity else {
            return Err(Denied::Forbidden(OWN_SESSIONS).into());
        };
        let account_id = AccountId::new(user_id);
        let kept = self.queries.password_hash(account_id).await?;
        if kept.is_some() {
            let current = change.current.unwrap_or_else(|| Password::typed(""));
            if self.passwords.verify(&current, kept).await? == Verified::Wrong {
                return Err(ChangePasswordError::WrongPassword);
            }
        }
        let password_hash = self.passwords.hash(&change.new).await?;
        self.keep_password(Credential { account_id, password_hash }, Some(SessionId::new(session_id))).await?;
        Ok(())
    }

    /// Sets an account's password, whatever it was, and ends every session of it.
    pub async fn set_password(&self, account_id: AccountId, password: &NewPassword) -> Result<(), StoreError> {
        let password_hash = self.passwords.hash(password).await?;
        self.keep_password(Credential { account_id, password_hash }, None).await
    }

    async fn keep_password(&self, credential: Credential, but: Option<SessionId>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut work = self.store.begin().await?;
        work.credentials().save(&credential).await?;
        let ended = work.sessions().end_all(credential.account_id, but, now).await?;
        work.commit().await?;
        self.ended.note(ended, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::PasswordHash;
    use auth_domain::testing::{a_session, an_account};
    use kernel_application::testing::anyone;

    use super::*;
    use crate::testing::World;

    fn to(current: Option<&str>) -> ChangePassword {
        let new = NewPassword::choose(Password::typed("battery staple")).expect("long enough");
        ChangePassword { current: current.map(Password::typed), new }
    }

    fn world(kept: Option<&'static str>, verified: Verified) -> World {
        let mut world = World::default();
        world.queries.expect_password_hash().returning(move |_| Ok(kept.map(PasswordHash::new)));
        world.passwords.expect_verify().returning(move |_, _| Ok(verified.clone()));
        world.passwords.expect_hash().returning(|_| Ok(PasswordHash::new("new")));
        world
    }

    #[tokio::test]
    async fn whoever_knew_the_old_password_is_out() {
        let mut world = world(Some("kept"), Verified::Right);
        world.work.credentials.expect_save().times(1).returning(|_| Ok(()));
        world.work.sessions.expect_end_all().times(1).withf(|_, but, _| but.is_some()).returning(|_, _, _| Ok(vec![]));
        let (auth, committed) = world.commits();

        auth.change_password(&anyone(), to(Some("correct horse"))).await.expect("it is changed");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn who_does_not_know_the_password_does_not_change_it() {
        for shown in [None, Some("wrong")] {
            let (auth, committed) = world(Some("kept"), Verified::Wrong).commits();

            let refused = auth.change_password(&anyone(), to(shown)).await;

            assert!(matches!(refused, Err(ChangePasswordError::WrongPassword)));
            assert!(!committed.happened());
        }
    }

    #[tokio::test]
    async fn who_never_had_a_password_gets_one() {
        let mut world = world(None, Verified::Wrong);
        world.work.credentials.expect_save().times(1).returning(|_| Ok(()));
        world.work.sessions.expect_end_all().returning(|_, _, _| Ok(vec![]));
        let (auth, _) = world.commits();

        auth.change_password(&anyone(), to(None)).await.expect("it is set");
    }

    #[tokio::test]
    async fn where_an_operator_sets_a_password_nobody_stays_signed_in() {
        let (account, session) = (an_account(), a_session().id());
        let mut world = world(Some("kept"), Verified::Wrong);
        let set = move |it: &Credential| (it.account_id, it.password_hash.as_str()) == (account, "new");
        world.work.credentials.expect_save().times(1).withf(set).returning(|_| Ok(()));
        let all = move |it: &AccountId, but: &Option<SessionId>, _: &_| *it == account && but.is_none();
        world.work.sessions.expect_end_all().times(1).withf(all).returning(move |_, _, _| Ok(vec![session]));
        let (auth, committed) = world.commits();

        auth.set_password(account, &to(None).new).await.expect("it is set");

        assert!(committed.happened());
        assert!(auth.ended.has(session, account));
    }
}
