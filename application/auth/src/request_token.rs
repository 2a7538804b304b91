//! Somebody wants a token sent to their phone, to sign in or to sign up.

use auth_domain::{
    AccountId, AuthWork, CannotRequest, ChallengeId, NewChallenge, OneTimeToken, PhoneNumber, PhoneVerification,
    Purpose, ShownBy, TokenHash,
};
use chrono::{DateTime, Utc};
use kernel_application::record;
use kernel_domain::{CorrelationId, StoreError};

use crate::{Auth, LimitReached, NumberStanding, RefreshToken, UnassignableNumber};

/// Which number, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestToken {
    /// Where to send it.
    pub phone_number: PhoneNumber,
    /// What it is good for.
    pub purpose: Purpose,
    /// A refresh token that the device has from an earlier session, even if it is used up.
    pub earlier_session: Option<RefreshToken>,
    /// The request.
    pub correlation_id: CorrelationId,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRequested {
    /// A token is on its way.
    Sent {
        /// Until when it is good.
        expires_at: DateTime<Utc>,
    },
    /// This number needs none.
    NotNeeded,
}

/// Why none is sent.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum RequestTokenError {
    #[error(transparent)]
    Unassignable(#[from] UnassignableNumber),
    #[error("nobody has this number")]
    Unknown,
    #[error("somebody has this number already")]
    Taken,
    #[error("the number is banned")]
    Banned,
    #[error(transparent)]
    Refused(#[from] CannotRequest),
    /// Too many text messages went out.
    #[error(transparent)]
    LimitReached(#[from] LimitReached),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whom the token is for.
enum Recipient {
    /// Whoever has the number, and their account if it is known.
    Owner(Option<AccountId>),
    /// Nobody: all is as if a token were sent, so that nobody learns that none was.
    Nobody,
}

impl Auth {
    /// Sends a token.
    pub async fn request_token(&self, command: RequestToken) -> Result<TokenRequested, RequestTokenError> {
        let RequestToken { phone_number, purpose, earlier_session, correlation_id } = command;
        let phone_number = self.numbering_plans.assignable(&phone_number)?;
        let recipient = self.recipient(&phone_number, purpose).await?;
        if self.policy.bypass.covers(&phone_number) {
            return Ok(TokenRequested::NotNeeded);
        }
        let is_served = self.is_sent_to(&phone_number);
        if is_served {
            // What goes nowhere costs nothing, and must not use up what is there for others.
            self.limits.message_to(&phone_number).await??;
        }
        let now = self.clock.now();
        let token = self.draw_token();
        let token_hash = self.hash_token(&phone_number, purpose, &token);
        let (account_id, is_sent) = match recipient {
            Recipient::Owner(account_id) => (account_id, is_served),
            Recipient::Nobody => (None, false),
        };
        let challenge = NewChallenge { id: ChallengeId::new(self.ids.uuid()), purpose, account_id, token, token_hash };

        let mut work = self.store.begin().await?;
        let mut verification = work.verifications().find(&phone_number).await?;
        let attempt = match verification.request(challenge.clone(), ShownBy::Anybody, now) {
            Err(CannotRequest::Stopped) => {
                let by = self.shown_by(&mut *work, account_id, earlier_session.as_ref()).await?;
                verification.request(challenge, by, now)?
            }
            attempt => attempt?,
        };
        work.verifications().save(&verification).await?;
        let attempt = if is_sent { attempt } else { attempt.withheld() };
        work.outbox().append(&[record(&attempt, &correlation_id, &*self.ids, now)]).await?;
        work.commit().await?;
        Ok(TokenRequested::Sent { expires_at: now + PhoneVerification::TOKEN_LIFETIME })
    }

    /// Who asks for a token of this account, or shows one. A refresh token is looked up whether there is an account or not:
    /// what it costs tells nobody which of the two it is.
    pub(crate) async fn shown_by(
        &self,
        work: &mut dyn AuthWork,
        account: Option<AccountId>,
        earlier_session: Option<&RefreshToken>,
    ) -> Result<ShownBy, StoreError> {
        let Some(token) = earlier_session else { return Ok(ShownBy::Anybody) };
        let session = work.sessions().by_refresh_token(self.refresh_tokens.hash(token)).await?;
        let is_theirs = session.is_some_and(|it| Some(it.session().account_id()) == account);
        Ok(if is_theirs { ShownBy::KnownDevice } else { ShownBy::Anybody })
    }

    async fn recipient(&self, number: &PhoneNumber, purpose: Purpose) -> Result<Recipient, RequestTokenError> {
        let now = self.clock.now();
        // Where accounts are hidden, who is known is looked up as often as who is not.
        if !self.policy.accounts_are_hidden {
            match purpose {
                Purpose::SignIn => {
                    let account = self.recent_numbers.account_of(number, now);
                    if let Some(account) = account.filter(|it| !self.ended.has_account(*it)) {
                        return Ok(Recipient::Owner(Some(account)));
                    }
                }
                Purpose::SignUp if self.recent_numbers.is_free(number, now) => return Ok(Recipient::Owner(None)),
                Purpose::SignUp => {}
            }
        }
        let refusal = match (self.accounts.standing(number).await?, purpose) {
            (NumberStanding::Taken(account), Purpose::SignIn) => {
                self.recent_numbers.keep(number.clone(), Some(account.id), now);
                return Ok(Recipient::Owner(Some(account.id)));
            }
            (NumberStanding::Free, Purpose::SignUp) => return Ok(Recipient::Owner(None)),
            (NumberStanding::Taken(_), Purpose::SignUp) => RequestTokenError::Taken,
            (NumberStanding::Free, Purpose::SignIn) => RequestTokenError::Unknown,
            (NumberStanding::Banned, _) => RequestTokenError::Banned,
        };
        if self.policy.accounts_are_hidden { Ok(Recipient::Nobody) } else { Err(refusal) }
    }

    fn is_sent_to(&self, number: &PhoneNumber) -> bool {
        let Some(countries) = &self.policy.countries else { return true };
        self.numbering_plans.country(number).is_some_and(|it| countries.contains(&it))
    }

    fn draw_token(&self) -> OneTimeToken {
        let length = self.policy.token_length;
        self.policy.fixed_token.clone().unwrap_or_else(|| length.token(self.ids.below(length.tokens())))
    }

    /// What is kept of a token. The number and the purpose are hashed with it: a token for one is none for another.
    pub(crate) fn hash_token(&self, number: &PhoneNumber, purpose: Purpose, token: &OneTimeToken) -> TokenHash {
        let message = format!("{}|{}|{}", number.as_str(), purpose.name(), token.expose());
        TokenHash::new(self.hash.digest("auth: one-time token", message.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use auth_domain::testing::{a_challenge, a_phone_number};
    use kernel_application::testing::noon;
    use kernel_application::{MockThrottle, Verdict};
    use kernel_domain::RecordedEvent;
    use uuid::Uuid;

    use super::*;
    use crate::Country;
    use crate::testing::{World, an_account};

    fn to(phone_number: PhoneNumber, purpose: Purpose) -> RequestToken {
        RequestToken {
            phone_number,
            purpose,
            earlier_session: None,
            correlation_id: CorrelationId::from(Uuid::from_u128(1)),
        }
    }

    fn withheld(events: &[RecordedEvent]) -> bool {
        events.iter().all(|it| it.is_withheld && it.is_confidential && it.name != "verification_attempt")
    }

    fn world(standing: NumberStanding) -> World {
        let mut world = World::default();
        world.accounts.expect_standing().returning(move |_| Ok(standing.clone()));
        world
    }

    #[tokio::test]
    async fn a_token_is_kept_as_a_hash_and_sent_with_the_same_commit() {
        let number = a_phone_number();
        let mut world = world(NumberStanding::Taken(an_account()));
        world.work.verifications.expect_find().returning(|it| Ok(PhoneVerification::of(it.clone(), vec![])));
        let kept = |it: &PhoneVerification| it.newest().is_some_and(|it| it.account_id.is_some());
        world.work.verifications.expect_save().times(1).withf(kept).returning(|_| Ok(()));
        let sent = |events: &[RecordedEvent]| !withheld(events) && events[0].is_confidential;
        world.work.outbox.expect_append().times(1).withf(sent).returning(|_| Ok(()));
        let (auth, committed) = world.commits();

        let requested = auth.request_token(to(number, Purpose::SignIn)).await.expect("it is sent");

        assert_eq!(requested, TokenRequested::Sent { expires_at: noon() + chrono::TimeDelta::minutes(3) });
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn who_cannot_sign_in_or_up_gets_no_token() {
        for (standing, purpose) in [
            (NumberStanding::Free, Purpose::SignIn),
            (NumberStanding::Banned, Purpose::SignIn),
            (NumberStanding::Banned, Purpose::SignUp),
            (NumberStanding::Taken(an_account()), Purpose::SignUp),
        ] {
            let (auth, committed) = world(standing).commits();

            assert!(auth.request_token(to(a_phone_number(), purpose)).await.is_err());
            assert!(!committed.happened());
        }
    }

    #[tokio::test]
    async fn where_accounts_are_hidden_all_is_as_if_a_token_were_sent() {
        let mut world = world(NumberStanding::Free);
        world.work.verifications.expect_find().returning(|it| Ok(PhoneVerification::of(it.clone(), vec![])));
        world.work.verifications.expect_save().times(1).returning(|_| Ok(()));
        world.work.outbox.expect_append().times(1).withf(withheld).returning(|_| Ok(()));
        let (mut auth, committed) = world.commits();
        auth.policy.accounts_are_hidden = true;

        let requested = auth.request_token(to(a_phone_number(), Purpose::SignIn)).await;

        assert!(matches!(requested, Ok(TokenRequested::Sent { .. })));
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn where_accounts_are_hidden_a_number_that_was_just_seen_is_looked_up_like_any_other() {
        let mut world = World::default();
        world.accounts.expect_standing().times(2).returning(|_| Ok(NumberStanding::Taken(an_account())));
        for work in [&mut world.work, &mut world.second_work] {
            work.verifications.expect_find().returning(|it| Ok(PhoneVerification::of(it.clone(), vec![])));
            work.verifications.expect_save().times(1).returning(|_| Ok(()));
            work.outbox.expect_append().times(1).returning(|_| Ok(()));
        }
        let (mut auth, _) = world.commits();
        auth.policy.accounts_are_hidden = true;

        for _ in 0..2 {
            auth.request_token(to(a_phone_number(), Purpose::SignIn)).await.expect("it is sent");
        }
    }

    #[tokio::test]
    async fn no_message_goes_to_another_country_and_nobody_is_told() {
        for (country, is_sent) in [(Some("KR"), true), (Some("JM"), false), (None, false)] {
            let mut world = world(NumberStanding::Free);
            world.work.verifications.expect_find().returning(|it| Ok(PhoneVerification::of(it.clone(), vec![])));
            world.work.verifications.expect_save().times(1).returning(|_| Ok(()));
            let as_expected = move |events: &[RecordedEvent]| withheld(events) != is_sent;
            world.work.outbox.expect_append().times(1).withf(as_expected).returning(|_| Ok(()));
            let (mut auth, committed) = world.commits();
            let mut plans = crate::MockNumberingPlans::new();
            plans.expect_assignable().returning(|it| Ok(it.clone()));
            plans.expect_country().returning(move |_| country.and_then(Country::parse));
            auth.numbering_plans = std::sync::Arc::new(plans);
            auth.policy.countries = Some([Country::parse("KR").expect("a country")].into());

            let requested = auth.request_token(to(a_phone_number(), Purpose::SignUp)).await;

            assert!(matches!(requested, Ok(TokenRequested::Sent { .. })), "{country:?}");
            assert!(committed.happened());
        }
    }

    #[tokio::test]
    async fn the_sixth_request_in_a_day_keeps_and_sends_nothing() {
        let number = a_phone_number();
        let mut blocked = PhoneVerification::of(number.clone(), vec![]);
        for _ in 0..PhoneVerification::REQUESTS {
            blocked.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, noon()).expect("five in a day");
        }
        let mut world = world(NumberStanding::Taken(an_account()));
        world.work.verifications.expect_find().returning(move |_| Ok(blocked.clone()));
        let (auth, committed) = world.commits();

        let refused = auth.request_token(to(number, Purpose::SignIn)).await;

        assert!(matches!(refused, Err(RequestTokenError::Refused(CannotRequest::Blocked { .. }))));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn whose_number_was_just_seen_is_not_asked_again_until_the_account_is_closed() {
        let account = an_account();
        let (known, id) = (account.clone(), account.id);
        let mut world = World::default();
        let looked_up = Arc::new(AtomicUsize::new(0));
        let times = Arc::clone(&looked_up);
        world.accounts.expect_standing().returning(move |_| {
            times.fetch_add(1, Ordering::Relaxed);
            Ok(NumberStanding::Taken(known.clone()))
        });
        for work in [&mut world.work, &mut world.second_work] {
            work.verifications.expect_find().returning(|it| Ok(PhoneVerification::of(it.clone(), vec![])));
            let theirs = move |it: &PhoneVerification| it.newest().is_some_and(|it| it.account_id == Some(id));
            work.verifications.expect_save().times(1).withf(theirs).returning(|_| Ok(()));
            work.outbox.expect_append().times(1).returning(|_| Ok(()));
        }
        let (auth, _) = world.commits();
        let number = a_phone_number();

        auth.check_phone_number(&number).await.expect("it has an account");
        auth.request_token(to(number.clone(), Purpose::SignIn)).await.expect("it is sent");
        assert_eq!(looked_up.load(Ordering::Relaxed), 1, "it was just seen");
        auth.ended.note_account(id);
        auth.request_token(to(number, Purpose::SignIn)).await.expect("it is sent");
        assert_eq!(looked_up.load(Ordering::Relaxed), 2, "the account may be closed by now");
    }

    #[tokio::test]
    async fn a_number_that_was_just_seen_to_be_free_is_not_looked_up_again() {
        let mut world = World::default();
        world.accounts.expect_standing().times(1).returning(|_| Ok(NumberStanding::Free));
        world.work.verifications.expect_find().returning(|it| Ok(PhoneVerification::of(it.clone(), vec![])));
        world.work.verifications.expect_save().times(1).returning(|_| Ok(()));
        world.work.outbox.expect_append().times(1).returning(|_| Ok(()));
        let (auth, _) = world.commits();
        let number = a_phone_number();

        auth.check_phone_number(&number).await.expect("it has no account");
        auth.request_token(to(number, Purpose::SignUp)).await.expect("it is sent");
    }

    #[tokio::test]
    async fn no_more_text_messages_are_kept_or_sent_than_are_paid_for() {
        let mut world = world(NumberStanding::Free);
        let mut throttle = MockThrottle::new();
        let refused = Verdict { allowed: false, remaining: 0, reset_after: std::time::Duration::from_mins(5) };
        throttle.expect_hit().returning(move |_, _, _| Ok(refused));
        world.throttle = Some(std::sync::Arc::new(throttle));
        let (auth, committed) = world.commits();

        let outcome = auth.request_token(to(a_phone_number(), Purpose::SignUp)).await;

        assert!(matches!(outcome, Err(RequestTokenError::LimitReached(_))));
        assert!(!committed.happened());
    }

    #[tokio::test]
    async fn messages_that_never_go_out_use_up_nothing_of_what_is_paid_for() {
        let mut world = world(NumberStanding::Free);
        world.work.verifications.expect_find().returning(|it| Ok(PhoneVerification::of(it.clone(), vec![])));
        world.work.verifications.expect_save().times(1).returning(|_| Ok(()));
        world.work.outbox.expect_append().times(1).withf(withheld).returning(|_| Ok(()));
        let mut throttle = MockThrottle::new();
        throttle.expect_hit().never();
        world.throttle = Some(std::sync::Arc::new(throttle));
        let (mut auth, _) = world.commits();
        let mut plans = crate::MockNumberingPlans::new();
        plans.expect_assignable().returning(|it| Ok(it.clone()));
        plans.expect_country().returning(|_| Country::parse("JM"));
        auth.numbering_plans = std::sync::Arc::new(plans);
        auth.policy.countries = Some([Country::parse("KR").expect("a country")].into());

        let requested = auth.request_token(to(a_phone_number(), Purpose::SignUp)).await;

        assert!(matches!(requested, Ok(TokenRequested::Sent { .. })));
    }

    #[tokio::test]
    async fn a_number_that_needs_no_token_gets_none() {
        let (mut auth, committed) = world(NumberStanding::Taken(an_account())).commits();
        auth.policy.bypass = crate::Bypass::of(|_| true);

        let requested = auth.request_token(to(a_phone_number(), Purpose::SignIn)).await;

        assert!(matches!(requested, Ok(TokenRequested::NotNeeded)));
        assert!(!committed.happened());
    }
}
