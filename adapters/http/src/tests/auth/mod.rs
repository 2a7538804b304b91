//! Auth over HTTP.

mod account;
mod api_keys;
mod phone_number;
mod scopes;
mod sessions;
mod sign_in;
mod sign_up;
mod tokens;

use std::sync::Arc;

use auth_application::testing::World;
use auth_application::{Auth, Bypass, MockNumberingPlans, NumberStanding, UnassignableNumber};
use auth_domain::{Challenge, ChallengeId, ChallengeState, PhoneVerification, Purpose, TokenHash};
use chrono::TimeDelta;
use kernel_application::testing::noon;
use uuid::Uuid;

use super::contexts::Served;

const NUMBER: &str = "+821012345678";

/// A world in which every number stands like this.
fn standing(standing: NumberStanding) -> Served {
    let mut auth = World::default();
    auth.accounts.expect_standing().returning(move |_| Ok(standing.clone()));
    Served { auth: Box::new(auth), ..Served::default() }
}

/// No number needs a token.
fn bypassing(auth: &mut Auth) {
    auth.policy.bypass = Bypass::of(|_| true);
}

/// No number can be had.
fn nowhere(auth: &mut Auth) {
    let mut plans = MockNumberingPlans::new();
    plans.expect_assignable().returning(|_| Err(UnassignableNumber));
    auth.numbering_plans = Arc::new(plans);
}

/// A token that was requested a minute ago, and is none that anybody shows.
fn a_challenge(purpose: Purpose) -> Challenge {
    let requested_at = noon() - TimeDelta::minutes(1);
    Challenge {
        id: ChallengeId::new(Uuid::from_u128(1)),
        sequence: 1,
        purpose,
        account_id: None,
        token: TokenHash::new([0; 32]),
        requested_at,
        expires_at: requested_at + PhoneVerification::TOKEN_LIFETIME,
        wrong_tries: 0,
        failures_before: 0,
        state: ChallengeState::Open,
    }
}

/// `served`, in which these tokens were sent to every number.
fn after(mut served: Served, challenges: Vec<Challenge>) -> Served {
    let verifications = &mut served.auth.work.verifications;
    verifications.expect_find().returning(move |it| Ok(PhoneVerification::of(it.clone(), challenges.clone())));
    verifications.expect_save().returning(|_| Ok(()));
    served
}

/// Each way in which showing a token fails, and what is told.
fn unconfirmed(purpose: Purpose) -> Vec<(Vec<Challenge>, &'static str, &'static str)> {
    let sent = || a_challenge(purpose);
    let expired = Challenge { expires_at: noon(), ..sent() };
    let void =
        Challenge { state: ChallengeState::Failed { at: noon() }, wrong_tries: PhoneVerification::TRIES, ..sent() };
    let stopped = Challenge { failures_before: PhoneVerification::FAILURES, ..sent() };
    vec![
        (vec![], "phonenumber", "verification_not_sent"),
        (vec![expired], "token", "verification_expired"),
        (vec![void], "token", "verification_void"),
        (vec![stopped], "phonenumber", "verification_stopped"),
        (vec![sent()], "token", "invalid_token"),
    ]
}
