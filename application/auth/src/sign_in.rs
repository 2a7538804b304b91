//! Somebody signs in with a password.

use std::time::Duration;

use auth_domain::{AccountId, Credential, Device, Password, PasswordHash};
use chrono::TimeDelta;
use kernel_domain::StoreError;

use crate::{Auth, IssueError, SignInName, TokenPair, Verified};

/// Who, and how they prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Who they say they are.
    pub name: SignInName,
    /// What they know.
    pub password: Password,
    /// Where they sign in.
    pub device: Device,
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

/// A password that was proved is proved again if its hash was replaced meanwhile: by another password, which ended all
/// sessions, or by a better hash of the same.
const ATTEMPTS: usize = 2;

/// To find somebody takes a database about a tenth of a millisecond longer than to find nobody. So a hash begins after a
/// whole number of these, in microseconds, whoever was found.
const STEP: i64 = 2_000;

impl Auth {
    /// Signs somebody in. Every wrong credential gets the same answer after the same time: a
    /// password is hashed even if there is no account.
    pub async fn sign_in(&self, command: SignIn) -> Result<TokenPair, SignInError> {
        let SignIn { name, password, device } = command;
        let name = match name {
            // In the form that it is kept in. One that nobody can have is looked up as it is: finding nobody takes its time.
            SignInName::PhoneNumber(number) => {
                SignInName::PhoneNumber(self.numbering_plans.assignable(&number).unwrap_or(number))
            }
            name => name,
        };
        let began = self.clock.now();
        let account = self.accounts.find(&name).await?;
        for _ in 0..ATTEMPTS {
            // A hash is looked up for nobody, too: that takes time.
            let id = account.as_ref().map_or_else(|| AccountId::new(self.ids.uuid()), |it| it.id);
            let hash = self.queries.password_hash(id).await?.filter(|_| account.is_some());
            self.pauses.pause(rest_of_step(self.clock.now() - began)).await;
            let verified = self.passwords.verify(&password, hash.clone()).await?;
            let account = account.as_ref().filter(|it| it.active && verified != Verified::Wrong);
            let (Some(account), Some(hash)) = (account, hash) else { break };

            let (session, tokens) = self.new_session(account, device.clone(), self.clock.now())?;
            if self.store.open(&session, &hash).await? {
                if let Verified::Outdated(new) = verified {
                    self.upgrade(account.id, &hash, new).await;
                }
                return Ok(tokens);
            }
        }
        Err(SignInError::WrongCredentials)
    }

    /// Keeps a hash of today in the place of one that was made in an older way, unless the password was changed meanwhile.
    /// If that fails, the next sign-in tries again.
    async fn upgrade(&self, account_id: AccountId, old: &PasswordHash, password_hash: PasswordHash) {
        let kept = async {
            let mut work = self.store.begin().await?;
            work.credentials().replace(old, &Credential { account_id, password_hash }).await?;
            work.commit().await
        };
        // Whoever signed in is signed in; the old hash still proves it.
        let _: Result<(), StoreError> = kept.await;
    }
}

/// How long it is to the end of the step. Of a clock that was set back meanwhile, no longer than one.
fn rest_of_step(took: TimeDelta) -> Duration {
    let over = took.num_microseconds().unwrap_or_default().rem_euclid(STEP);
    Duration::from_micros((STEP - over).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use chrono::{DateTime, Utc};
    use kernel_application::testing::noon;
    use kernel_application::{Clock, Pauses};

    use super::*;
    use crate::Account;
    use crate::testing::{World, an_account};

    fn a_command() -> SignIn {
        SignIn {
            name: SignInName::Username("ann".to_owned()),
            password: Password::typed("correct horse"),
            device: Device::default(),
        }
    }

    fn world(account: Option<Account>, verified: Verified) -> World {
        let mut world = World::with_account(account);
        world.queries.expect_password_hash().returning(|_| Ok(Some(PasswordHash::new("kept"))));
        world.passwords.expect_verify().times(1).returning(move |_, _| Ok(verified.clone()));
        world
    }

    #[tokio::test]
    async fn the_right_password_opens_a_session() {
        let mut world = world(Some(an_account()), Verified::Right);
        world.sessions_may_be_opened = 1;
        let (auth, _) = world.commits();

        let tokens = auth.sign_in(a_command()).await.expect("they are signed in");

        assert_eq!(tokens.access, "signed");
    }

    #[tokio::test]
    async fn a_wrong_password_opens_nothing() {
        let (auth, _) = world(Some(an_account()), Verified::Wrong).commits();

        assert!(matches!(auth.sign_in(a_command()).await, Err(SignInError::WrongCredentials)));
    }

    #[tokio::test]
    async fn a_password_that_is_changed_meanwhile_opens_nothing() {
        let mut world = World::with_account(Some(an_account()));
        world.queries.expect_password_hash().times(2).returning(|_| Ok(Some(PasswordHash::new("kept"))));
        world.passwords.expect_verify().times(2).returning(|_, _| Ok(Verified::Right));
        let (auth, _) = world.commits();

        assert!(matches!(auth.sign_in(a_command()).await, Err(SignInError::WrongCredentials)));
    }

    #[tokio::test]
    async fn an_account_that_is_off_opens_nothing_even_with_the_right_password() {
        let off = Account { active: false, ..an_account() };
        let (auth, _) = world(Some(off), Verified::Right).commits();

        assert!(matches!(auth.sign_in(a_command()).await, Err(SignInError::WrongCredentials)));
    }

    #[tokio::test]
    async fn an_unknown_account_costs_as_much_as_anybody() {
        let mut world = World::with_account(None);
        world.queries.expect_password_hash().times(1).returning(|_| Ok(None));
        world.passwords.expect_verify().times(1).withf(|_, hash| hash.is_none()).returning(|_, _| Ok(Verified::Wrong));
        let (auth, _) = world.commits();

        assert!(matches!(auth.sign_in(a_command()).await, Err(SignInError::WrongCredentials)));
    }

    /// A time that passes with each look at it and with each pause.
    struct Passing {
        each: TimeDelta,
        so_far: Mutex<TimeDelta>,
    }

    impl Passing {
        fn pass(&self, time: TimeDelta) -> DateTime<Utc> {
            let mut so_far = self.so_far.lock().expect("nobody panicked with it");
            *so_far += time;
            noon() + *so_far
        }
    }

    impl Clock for Passing {
        fn now(&self) -> DateTime<Utc> {
            self.pass(self.each)
        }
    }

    #[async_trait]
    impl Pauses for Passing {
        async fn pause(&self, time: Duration) {
            self.pass(TimeDelta::from_std(time).expect("a short time"));
        }
    }

    #[tokio::test]
    async fn whoever_is_found_and_whoever_is_not_wait_equally_long_for_the_hash() {
        for (account, micros) in [(Some(an_account()), 700), (None, 550)] {
            let (auth, _) = world(account, Verified::Wrong).commits();
            let passing = Arc::new(Passing { each: TimeDelta::microseconds(micros), so_far: Mutex::default() });
            let auth = Auth { clock: passing.clone(), pauses: passing.clone(), ..auth };

            auth.sign_in(a_command()).await.expect_err("the password is wrong");

            let looked = *passing.so_far.lock().expect("a time") - TimeDelta::microseconds(micros);
            assert_eq!(looked, TimeDelta::microseconds(STEP), "from the first look at the clock");
        }
    }

    #[test]
    fn a_step_ends_after_a_whole_number_of_them_also_where_a_clock_was_set_back() {
        for (took, rest) in [(0, 2_000), (700, 1_300), (2_100, 1_900), (-500, 500)] {
            assert_eq!(rest_of_step(TimeDelta::microseconds(took)), Duration::from_micros(rest), "{took}");
        }
    }

    #[tokio::test]
    async fn an_account_without_a_password_costs_as_much_as_anybody() {
        let mut world = World::with_account(Some(an_account()));
        world.queries.expect_password_hash().returning(|_| Ok(None));
        world.passwords.expect_verify().times(1).withf(|_, hash| hash.is_none()).returning(|_, _| Ok(Verified::Wrong));
        let (auth, _) = world.commits();

        assert!(matches!(auth.sign_in(a_command()).await, Err(SignInError::WrongCredentials)));
    }

    #[tokio::test]
    async fn a_hash_of_older_days_is_replaced_once_its_password_is_known() {
        let mut world = world(Some(an_account()), Verified::Outdated(PasswordHash::new("new")));
        world.sessions_may_be_opened = 1;
        let replaced = |old: &PasswordHash, it: &Credential| {
            *old == PasswordHash::new("kept") && it.password_hash == PasswordHash::new("new")
        };
        world.work.credentials.expect_replace().times(1).withf(replaced).returning(|_, _| Ok(()));
        let (auth, committed) = world.commits();

        auth.sign_in(a_command()).await.expect("they are signed in");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_hash_that_cannot_be_replaced_now_keeps_nobody_out() {
        let mut world = world(Some(an_account()), Verified::Outdated(PasswordHash::new("new")));
        world.sessions_may_be_opened = 1;
        world.work.credentials.expect_replace().returning(|_, _| Err(StoreError::unavailable("busy")));
        let (auth, _) = world.commits();

        assert!(auth.sign_in(a_command()).await.is_ok());
    }
}
