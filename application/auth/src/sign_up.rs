//! Somebody opens an account with a number that they proved is theirs.

use auth_domain::{AccountId, Credential, Device, NewPassword, NotConfirmed, PhoneNumber};
use chrono::NaiveDate;
use kernel_domain::{CorrelationId, StoreError};

use crate::{
    Account, AccountType, Auth, IssueError, NewAccount, NumberStanding, Profile, RegisterError, TokenPair,
    UnassignableNumber,
};

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    /// Their number.
    pub phone_number: PhoneNumber,
    /// What they are.
    pub account_type: AccountType,
    /// The name they go by.
    pub full_name: Option<String>,
    /// When they were born. Only drivers are asked.
    pub date_of_birth: Option<NaiveDate>,
    /// What they will sign in with, besides their phone.
    pub password: Option<NewPassword>,
    /// Where they sign up.
    pub device: Device,
    /// The request.
    pub correlation_id: CorrelationId,
}

/// Who has signed up, and is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedUp {
    /// What they see of themselves.
    pub profile: Profile,
    /// What proves it.
    pub tokens: TokenPair,
}

/// Why nobody has signed up.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum SignUpError {
    #[error(transparent)]
    Unassignable(#[from] UnassignableNumber),
    #[error(transparent)]
    NotConfirmed(#[from] NotConfirmed),
    #[error("the number is banned")]
    Banned,
    #[error("the number is not among those of the staff")]
    NotStaff,
    #[error(transparent)]
    Register(#[from] RegisterError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Opens an account, and a session of it: all of it is kept, its announcement included, or nothing is.
    pub async fn sign_up(&self, command: SignUp) -> Result<SignedUp, SignUpError> {
        let SignUp { phone_number, account_type, full_name, date_of_birth, password, device, correlation_id } = command;
        let phone_number = self.numbering_plans.assignable(&phone_number)?;
        self.require_confirmed(&phone_number).await?;
        match self.accounts.standing(&phone_number).await? {
            NumberStanding::Free => {}
            NumberStanding::Taken(_) => return Err(RegisterError::Taken("phonenumber").into()),
            NumberStanding::Banned => return Err(SignUpError::Banned),
        }
        if account_type == AccountType::Staff && !self.may_be_staff(&phone_number).await? {
            return Err(SignUpError::NotStaff);
        }
        let password_hash = match &password {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };

        let id = AccountId::new(self.ids.uuid());
        let account =
            Account { id, active: true, account_type, is_staff: false, is_superuser: false, groups: Vec::new() };
        let new = NewAccount {
            id,
            username: None,
            phone_number: phone_number.clone(),
            account_type,
            is_superuser: false,
            full_name,
            date_of_birth,
        };
        let now = self.clock.now();
        let (session, tokens) = self.new_session(&account, device, now)?;
        let opened = async {
            self.accounts.register(new, &correlation_id).await?;

            let mut work = self.store.begin().await?;
            let mut verification = work.verifications().find(&phone_number).await?;
            if verification.spend(id, now).is_ok() {
                work.verifications().save(&verification).await?;
            }
            if let Some(password_hash) = password_hash {
                work.credentials().save(&Credential { account_id: id, password_hash }).await?;
            }
            work.sessions().add(&session).await?;
            Ok::<_, SignUpError>(work.commit().await?)
        };
        self.scope.all_or_nothing(opened).await?;
        self.recent_numbers.keep(phone_number.clone(), Some(id), now);

        let profile = self.accounts.profile(id).await?;
        let profile = profile.ok_or_else(|| StoreError::unavailable("the account that was opened is not there"))?;
        Ok(SignedUp { profile, tokens })
    }

    async fn require_confirmed(&self, number: &PhoneNumber) -> Result<(), SignUpError> {
        if self.policy.bypass.covers(number) {
            return Ok(());
        }
        let mut work = self.store.begin().await?;
        let verification = work.verifications().find(number).await?;
        Ok(verification.confirmed_for_sign_up(self.clock.now())?)
    }

    async fn may_be_staff(&self, number: &PhoneNumber) -> Result<bool, StoreError> {
        Ok(self.policy.staff_sign_up_is_open || self.queries.is_allowed(number).await?)
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::testing::{a_challenge, a_phone_number, hash_of};
    use auth_domain::{PhoneVerification, Purpose, ShownBy};
    use kernel_application::testing::noon;
    use uuid::Uuid;

    use super::*;
    use crate::testing::{World, a_profile};

    fn a_driver(phone_number: PhoneNumber) -> SignUp {
        SignUp {
            phone_number,
            account_type: AccountType::Driver,
            full_name: Some("Kim Minsu".to_owned()),
            date_of_birth: None,
            password: None,
            device: Device::default(),
            correlation_id: CorrelationId::from(Uuid::from_u128(1)),
        }
    }

    fn confirmed(number: &PhoneNumber) -> PhoneVerification {
        let mut verification = PhoneVerification::of(number.clone(), vec![]);
        verification.request(a_challenge(Purpose::SignUp), ShownBy::Anybody, noon()).expect("the first");
        verification.confirm(Purpose::SignUp, hash_of("123456"), ShownBy::Anybody, noon()).expect("it can be compared");
        verification
    }

    /// A world in which a number is confirmed and free.
    fn world() -> (World, PhoneNumber) {
        let number = a_phone_number();
        let mut world = World::default();
        for work in [&mut world.work, &mut world.second_work] {
            let known = confirmed(&number);
            work.verifications.expect_find().returning(move |_| Ok(known.clone()));
        }
        world.accounts.expect_standing().returning(|_| Ok(NumberStanding::Free));
        (world, number)
    }

    #[tokio::test]
    async fn who_proved_their_number_gets_an_account_and_a_session() {
        let (mut world, number) = world();
        let named = |it: &NewAccount, _: &CorrelationId| it.full_name.as_deref() == Some("Kim Minsu");
        world.accounts.expect_register().times(1).withf(named).returning(|_, _| Ok(()));
        world.accounts.expect_profile().returning(|id| Ok(Some(a_profile(id))));
        let used_up = |it: &PhoneVerification| it.confirmed_for_sign_up(noon()).is_err();
        world.second_work.verifications.expect_save().times(1).withf(used_up).returning(|_| Ok(()));
        world.second_work.sessions.expect_add().times(1).returning(|_| Ok(()));
        world.second_work.credentials.expect_save().never();
        let (auth, _) = world.commits();

        auth.sign_up(a_driver(number)).await.expect("they sign up");
    }

    #[tokio::test]
    async fn who_did_not_prove_their_number_is_told_nothing_else() {
        let mut world = World::default();
        world.work.verifications.expect_find().returning(|it| Ok(PhoneVerification::of(it.clone(), vec![])));
        world.accounts.expect_standing().never();
        world.accounts.expect_register().never();
        let (auth, _) = world.commits();

        let refused = auth.sign_up(a_driver(a_phone_number())).await;

        assert!(matches!(refused, Err(SignUpError::NotConfirmed(_))));
    }

    #[tokio::test]
    async fn only_allowed_numbers_sign_up_as_staff_where_it_is_not_open() {
        for (allowed, open, signs_up) in [(false, false, false), (true, false, true), (false, true, true)] {
            let (mut world, number) = world();
            world.queries.expect_is_allowed().returning(move |_| Ok(allowed));
            world.accounts.expect_register().times(usize::from(signs_up)).returning(|_, _| Ok(()));
            world.accounts.expect_profile().returning(|id| Ok(Some(a_profile(id))));
            world.second_work.verifications.expect_save().returning(|_| Ok(()));
            world.second_work.sessions.expect_add().returning(|_| Ok(()));
            let (mut auth, _) = world.commits();
            auth.policy.staff_sign_up_is_open = open;

            let command = SignUp { account_type: AccountType::Staff, ..a_driver(number) };
            assert_eq!(auth.sign_up(command).await.is_ok(), signs_up);
        }
    }

    #[tokio::test]
    async fn a_number_that_is_taken_or_banned_opens_no_account() {
        for standing in [NumberStanding::Taken(crate::testing::an_account()), NumberStanding::Banned] {
            let number = a_phone_number();
            let mut world = World::default();
            let known = confirmed(&number);
            world.work.verifications.expect_find().returning(move |_| Ok(known.clone()));
            world.accounts.expect_standing().returning(move |_| Ok(standing.clone()));
            world.accounts.expect_register().never();
            let (auth, _) = world.commits();

            assert!(auth.sign_up(a_driver(number)).await.is_err());
        }
    }
}
