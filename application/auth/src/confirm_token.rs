//! Somebody shows the token that was sent to their phone.

use auth_domain::{CannotConfirm, Comparison, Device, OneTimeToken, PhoneNumber, Purpose};
use kernel_domain::StoreError;

use crate::{Account, Auth, IssueError, NumberStanding, TokenPair, UnassignableNumber};

/// Which number, and what was read on its phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmToken {
    /// The number.
    pub phone_number: PhoneNumber,
    /// What was read there.
    pub token: OneTimeToken,
}

/// Why the number is not proved.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum ConfirmTokenError {
    #[error(transparent)]
    Unassignable(#[from] UnassignableNumber),
    #[error(transparent)]
    Refused(#[from] CannotConfirm),
    #[error("the token is not the one that was sent")]
    Wrong,
    /// The token was right, but there is no account that can be used.
    #[error("the account cannot be used")]
    Inactive,
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Signs in whoever shows the right token.
    pub async fn confirm_sign_in(&self, command: ConfirmToken, device: Device) -> Result<TokenPair, ConfirmTokenError> {
        let ConfirmToken { phone_number, token } = command;
        let phone_number = self.numbering_plans.assignable(&phone_number)?;
        let account = match self.accounts.standing(&phone_number).await? {
            NumberStanding::Taken(account) => Some(account).filter(|it| it.active),
            NumberStanding::Free | NumberStanding::Banned => None,
        };
        if self.policy.bypass.covers(&phone_number) {
            return self.signed_in(account, device).await;
        }
        let now = self.clock.now();
        let token = self.hash_token(&phone_number, Purpose::SignIn, &token);
        let opened = account.map(|it| self.new_session(&it, device, now)).transpose()?;

        let mut work = self.store.begin().await?;
        let mut verification = work.verifications().find(&phone_number).await?;
        let comparison = verification.confirm(Purpose::SignIn, token, now)?;
        work.verifications().save(&verification).await?;
        if let (Comparison::Right, Some((session, _))) = (comparison, &opened) {
            work.sessions().add(session).await?;
        }
        work.commit().await?;
        match (comparison, opened) {
            (Comparison::Wrong, _) => Err(ConfirmTokenError::Wrong),
            (Comparison::Right, Some((_, tokens))) => Ok(tokens),
            (Comparison::Right, None) => Err(ConfirmTokenError::Inactive),
        }
    }

    /// Proves that a number is theirs who want to sign up with it.
    pub async fn confirm_sign_up(&self, command: ConfirmToken) -> Result<(), ConfirmTokenError> {
        let ConfirmToken { phone_number, token } = command;
        let phone_number = self.numbering_plans.assignable(&phone_number)?;
        if self.policy.bypass.covers(&phone_number) {
            return Ok(());
        }
        let token = self.hash_token(&phone_number, Purpose::SignUp, &token);

        let mut work = self.store.begin().await?;
        let mut verification = work.verifications().find(&phone_number).await?;
        let comparison = verification.confirm(Purpose::SignUp, token, self.clock.now())?;
        work.verifications().save(&verification).await?;
        work.commit().await?;
        match comparison {
            Comparison::Right => Ok(()),
            Comparison::Wrong => Err(ConfirmTokenError::Wrong),
        }
    }

    async fn signed_in(&self, account: Option<Account>, device: Device) -> Result<TokenPair, ConfirmTokenError> {
        let account = account.ok_or(ConfirmTokenError::Inactive)?;
        let (session, tokens) = self.new_session(&account, device, self.clock.now())?;
        let mut work = self.store.begin().await?;
        work.sessions().add(&session).await?;
        work.commit().await?;
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::testing::{a_challenge, a_phone_number};
    use auth_domain::{NewChallenge, PhoneVerification};
    use kernel_application::testing::noon;

    use super::*;
    use crate::testing::{World, an_account};

    fn typed(phone_number: &PhoneNumber, token: &str) -> ConfirmToken {
        ConfirmToken { phone_number: phone_number.clone(), token: OneTimeToken::typed(token) }
    }

    /// A number to which `123456` was sent.
    fn world(standing: NumberStanding, purpose: Purpose) -> (World, PhoneNumber) {
        let number = a_phone_number();
        let (auth, _) = World::default().commits();
        let token_hash = auth.hash_token(&number, purpose, &OneTimeToken::typed("123456"));
        let mut verification = PhoneVerification::of(number.clone(), vec![]);
        verification.request(NewChallenge { token_hash, ..a_challenge(purpose) }, noon()).expect("the first");
        let mut world = World::default();
        world.accounts.expect_standing().returning(move |_| Ok(standing.clone()));
        world.work.verifications.expect_find().returning(move |_| Ok(verification.clone()));
        (world, number)
    }

    #[tokio::test]
    async fn the_right_token_opens_a_session_and_is_used_up_with_the_same_commit() {
        let (mut world, number) = world(NumberStanding::Taken(an_account()), Purpose::SignIn);
        world.work.verifications.expect_save().times(1).returning(|_| Ok(()));
        world.work.sessions.expect_add().times(1).returning(|_| Ok(()));
        let (auth, committed) = world.commits();

        auth.confirm_sign_in(typed(&number, "123456"), Device::default()).await.expect("they are signed in");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_wrong_token_opens_nothing_and_counts() {
        let (mut world, number) = world(NumberStanding::Taken(an_account()), Purpose::SignIn);
        let counted = |it: &PhoneVerification| it.newest().is_some_and(|it| it.wrong_tries == 1);
        world.work.verifications.expect_save().times(1).withf(counted).returning(|_| Ok(()));
        world.work.sessions.expect_add().never();
        let (auth, committed) = world.commits();

        let refused = auth.confirm_sign_in(typed(&number, "654321"), Device::default()).await;

        assert!(matches!(refused, Err(ConfirmTokenError::Wrong)));
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn the_right_token_of_an_account_that_is_off_is_used_up_and_opens_nothing() {
        let off = Account { active: false, ..an_account() };
        let (mut world, number) = world(NumberStanding::Taken(off), Purpose::SignIn);
        world.work.verifications.expect_save().times(1).returning(|_| Ok(()));
        world.work.sessions.expect_add().never();
        let (auth, committed) = world.commits();

        let refused = auth.confirm_sign_in(typed(&number, "123456"), Device::default()).await;

        assert!(matches!(refused, Err(ConfirmTokenError::Inactive)));
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_token_for_one_number_is_none_for_another() {
        let (mut world, _) = world(NumberStanding::Taken(an_account()), Purpose::SignIn);
        world.work.verifications.expect_save().returning(|_| Ok(()));
        let (auth, _) = world.commits();

        let refused = auth.confirm_sign_in(typed(&a_phone_number(), "123456"), Device::default()).await;

        assert!(matches!(refused, Err(ConfirmTokenError::Wrong)));
    }

    #[tokio::test]
    async fn a_number_is_proved_for_signing_up() {
        let (mut world, number) = world(NumberStanding::Free, Purpose::SignUp);
        let proved = |it: &PhoneVerification| it.confirmed_for_sign_up(noon()).is_ok();
        world.work.verifications.expect_save().times(1).withf(proved).returning(|_| Ok(()));
        let (auth, committed) = world.commits();

        auth.confirm_sign_up(typed(&number, "123456")).await.expect("it is proved");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_number_that_needs_no_token_signs_in_with_any() {
        let (mut world, number) = world(NumberStanding::Taken(an_account()), Purpose::SignIn);
        world.work.sessions.expect_add().times(1).returning(|_| Ok(()));
        let (mut auth, committed) = world.commits();
        auth.policy.bypass = crate::Bypass::of(|_| true);

        assert!(auth.confirm_sign_in(typed(&number, "0"), Device::default()).await.is_ok());
        assert!(committed.happened());
    }
}
