//! Somebody shows the token that was sent to their phone.

use auth_domain::{CannotConfirm, Comparison, Device, OneTimeToken, PhoneNumber, Purpose, ShownBy};
use kernel_domain::StoreError;

use crate::{Account, Auth, IssueError, LimitReached, NumberStanding, RefreshToken, TokenPair, UnassignableNumber};

/// Which number, and what was read on its phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmToken {
    /// The number.
    pub phone_number: PhoneNumber,
    /// What was read there.
    pub token: OneTimeToken,
    /// A refresh token that the device has from an earlier session, even if it is used up.
    pub earlier_session: Option<RefreshToken>,
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
    /// Too many wrong ones were shown, for whichever numbers.
    #[error(transparent)]
    LimitReached(#[from] LimitReached),
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
        let ConfirmToken { phone_number, token, earlier_session } = command;
        let phone_number = self.numbering_plans.assignable(&phone_number)?;
        let account = match self.accounts.standing(&phone_number).await? {
            NumberStanding::Taken(account) => Some(account).filter(|it| it.active),
            NumberStanding::Free | NumberStanding::Banned => None,
        };
        if self.policy.bypass.covers(&phone_number) {
            return self.signed_in(account, device).await;
        }
        let now = self.clock.now();
        let network = device.network();
        let comparing = self.limits.comparing(network.as_ref(), now);
        if earlier_session.is_none() {
            // Who guesses costs the store nothing more, unless they show a refresh token: it may be the owner's.
            comparing?;
        }
        let token = self.hash_token(&phone_number, Purpose::SignIn, &token);
        let account_id = account.as_ref().map(|it| it.id);

        let mut work = self.store.begin().await?;
        let mut verification = work.verifications().find(&phone_number).await?;
        let for_anybody = comparing.map(|()| verification.confirm(Purpose::SignIn, token, ShownBy::Anybody, now));
        let comparison = match for_anybody {
            Ok(Ok(comparison)) => comparison,
            Ok(Err(refusal @ (CannotConfirm::NotRequested | CannotConfirm::Expired))) => return Err(refusal.into()),
            refused => match self.shown_by(&mut *work, account_id, earlier_session.as_ref()).await? {
                ShownBy::Anybody => refused??,
                by @ ShownBy::KnownDevice => verification.confirm(Purpose::SignIn, token, by, now)?,
            },
        };
        work.verifications().save(&verification).await?;
        if comparison == Comparison::Wrong {
            work.commit().await?;
            self.limits.wrong_token(network, now).await?;
            return Err(ConfirmTokenError::Wrong);
        }
        // Not before the token is known to be right: who is known costs whoever guesses no more time than who is not.
        let opened = account.map(|it| self.new_session(&it, device, now)).transpose()?;
        if let Some((session, _)) = &opened {
            work.sessions().add(session).await?;
        }
        work.commit().await?;
        opened.map(|(_, tokens)| tokens).ok_or(ConfirmTokenError::Inactive)
    }

    /// Proves that a number is theirs who want to sign up with it.
    pub async fn confirm_sign_up(&self, command: ConfirmToken, device: &Device) -> Result<(), ConfirmTokenError> {
        let ConfirmToken { phone_number, token, .. } = command;
        let phone_number = self.numbering_plans.assignable(&phone_number)?;
        if self.policy.bypass.covers(&phone_number) {
            return Ok(());
        }
        let now = self.clock.now();
        let network = device.network();
        self.limits.comparing(network.as_ref(), now)?;
        let token = self.hash_token(&phone_number, Purpose::SignUp, &token);

        let mut work = self.store.begin().await?;
        let mut verification = work.verifications().find(&phone_number).await?;
        let comparison = verification.confirm(Purpose::SignUp, token, ShownBy::Anybody, now)?;
        work.verifications().save(&verification).await?;
        work.commit().await?;
        match comparison {
            Comparison::Right => Ok(()),
            Comparison::Wrong => {
                self.limits.wrong_token(network, now).await?;
                Err(ConfirmTokenError::Wrong)
            }
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
    use std::sync::Arc;
    use std::time::Duration;

    use auth_domain::testing::{a_challenge, a_phone_number};
    use auth_domain::{FoundSession, NewChallenge, PhoneVerification, RefreshTokenHash, Session};
    use kernel_application::testing::noon;
    use kernel_application::{MockThrottle, Throttle, Verdict};

    use super::*;
    use crate::testing::{MockedWork, World, an_account};

    fn typed(phone_number: &PhoneNumber, token: &str) -> ConfirmToken {
        ConfirmToken { phone_number: phone_number.clone(), token: OneTimeToken::typed(token), earlier_session: None }
    }

    /// A number to which `123456` was sent.
    fn world(standing: NumberStanding, purpose: Purpose) -> (World, PhoneNumber) {
        let number = a_phone_number();
        let mut world = World::default();
        world.accounts.expect_standing().returning(move |_| Ok(standing.clone()));
        for work in [&mut world.work, &mut world.second_work] {
            sent_to(&number, purpose, work);
        }
        (world, number)
    }

    fn sent_to(number: &PhoneNumber, purpose: Purpose, work: &mut MockedWork) {
        let (auth, _) = World::default().commits();
        let token_hash = auth.hash_token(number, purpose, &OneTimeToken::typed("123456"));
        let mut verification = PhoneVerification::of(number.clone(), vec![]);
        verification
            .request(NewChallenge { token_hash, ..a_challenge(purpose) }, ShownBy::Anybody, noon())
            .expect("the first");
        work.verifications.expect_find().returning(move |_| Ok(verification.clone()));
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

    /// One more wrong token is one too many.
    fn one_wrong_token_left() -> Arc<dyn Throttle> {
        let mut throttle = MockThrottle::new();
        let last = Verdict { allowed: true, remaining: 0, reset_after: Duration::from_mins(5) };
        throttle.expect_hit().returning(move |_, _, _| Ok(last));
        Arc::new(throttle)
    }

    #[tokio::test]
    async fn where_too_many_guess_nobody_is_believed_who_did_not_sign_in_before() {
        let (mut world, number) = world(NumberStanding::Taken(an_account()), Purpose::SignIn);
        world.work.verifications.expect_save().returning(|_| Ok(()));
        world.throttle = Some(one_wrong_token_left());
        let (auth, _) = world.commits();

        let wrong = auth.confirm_sign_in(typed(&number, "654321"), Device::default()).await;
        assert!(matches!(wrong, Err(ConfirmTokenError::Wrong)));
        let right = auth.confirm_sign_in(typed(&number, "123456"), Device::default()).await;

        assert!(matches!(right, Err(ConfirmTokenError::LimitReached(_))));
    }

    #[tokio::test]
    async fn whoever_signed_in_before_is_believed_where_others_have_guessed_too_often() {
        for is_let_in in [true, false] {
            let account = an_account();
            let owner = if is_let_in { account.id } else { an_account().id };
            let (mut world, number) = world(NumberStanding::Taken(account), Purpose::SignIn);
            world.work.verifications.expect_save().returning(|_| Ok(()));
            let earlier = Session::open(
                auth_domain::SessionId::new(uuid::Uuid::from_u128(9)),
                owner,
                RefreshTokenHash::new([7; 32]),
                Device::default(),
                noon(),
            );
            let found = move |_| Ok(Some(FoundSession::Spent(earlier.clone())));
            world.second_work.sessions.expect_by_refresh_token().returning(found);
            world.second_work.sessions.expect_add().returning(|_| Ok(()));
            world.second_work.verifications.expect_save().returning(|_| Ok(()));
            world.throttle = Some(one_wrong_token_left());
            let (auth, _) = world.commits();

            let _ = auth.confirm_sign_in(typed(&number, "654321"), Device::default()).await;
            let shown =
                ConfirmToken { earlier_session: Some(RefreshToken::new("earlier")), ..typed(&number, "123456") };
            let outcome = auth.confirm_sign_in(shown, Device::default()).await;

            assert_eq!(outcome.is_ok(), is_let_in, "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn a_refresh_token_is_looked_up_whether_the_number_has_an_account_or_not() {
        for standing in [NumberStanding::Taken(an_account()), NumberStanding::Free, NumberStanding::Banned] {
            let (mut world, number) = world(standing, Purpose::SignIn);
            world.work.verifications.expect_save().returning(|_| Ok(()));
            world.second_work.sessions.expect_by_refresh_token().times(1).returning(|_| Ok(None));
            world.throttle = Some(one_wrong_token_left());
            let (auth, _) = world.commits();

            let _ = auth.confirm_sign_in(typed(&number, "654321"), Device::default()).await;
            let shown =
                ConfirmToken { earlier_session: Some(RefreshToken::new("made up")), ..typed(&number, "123456") };
            let refused = auth.confirm_sign_in(shown, Device::default()).await;

            assert!(matches!(refused, Err(ConfirmTokenError::LimitReached(_))), "{refused:?}");
        }
    }

    #[tokio::test]
    async fn a_number_is_proved_for_signing_up() {
        let (mut world, number) = world(NumberStanding::Free, Purpose::SignUp);
        let proved = |it: &PhoneVerification| it.confirmed_for_sign_up(noon()).is_ok();
        world.work.verifications.expect_save().times(1).withf(proved).returning(|_| Ok(()));
        let (auth, committed) = world.commits();

        auth.confirm_sign_up(typed(&number, "123456"), &Device::default()).await.expect("it is proved");

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
