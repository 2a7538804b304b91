//! How often a token may be requested and tried, whatever the order.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::testing::{a_challenge, an_account, an_unproved_number, hash_of, noon};

fn requested(purpose: Purpose) -> PhoneVerification {
    let mut verification = an_unproved_number();
    verification.request(a_challenge(purpose), ShownBy::Anybody, noon()).expect("the first one may be requested");
    verification
}

fn confirm(verification: &mut PhoneVerification, token: &str) -> Result<Comparison, CannotConfirm> {
    verification.confirm(Purpose::SignIn, hash_of(token), ShownBy::Anybody, noon())
}

/// Has a token sent each day, and guesses at it for as long as anybody compares: how many guesses were wrong until the
/// number was stopped, and when that was.
fn guess_until_stopped(verification: &mut PhoneVerification, by: ShownBy) -> (usize, DateTime<Utc>) {
    let (mut wrong, mut now) = (0, noon());
    for _ in 0..100 {
        if verification.request(a_challenge(Purpose::SignIn), by, now).is_err() {
            return (wrong, now);
        }
        let guesses = (0..100).map(|_| verification.confirm(Purpose::SignIn, hash_of("000000"), by, now));
        wrong += guesses.take_while(|it| *it == Ok(Comparison::Wrong)).count();
        now += PhoneVerification::DAY;
    }
    panic!("{wrong} guesses did not stop the number");
}

#[test]
fn every_purpose_can_be_read_back() {
    for purpose in Purpose::ALL {
        assert_eq!(Purpose::named(purpose.name()), Some(purpose));
    }
    assert_eq!(Purpose::named("signin"), None);
}

#[test]
fn the_right_token_confirms_once() {
    let mut verification = requested(Purpose::SignIn);

    assert_eq!(confirm(&mut verification, "123456"), Ok(Comparison::Right));
    assert_eq!(confirm(&mut verification, "123456"), Err(CannotConfirm::Void));
}

#[test]
fn what_is_sent_is_what_was_drawn() {
    let mut verification = an_unproved_number();
    let new = a_challenge(Purpose::SignIn);

    let event = verification.request(new.clone(), ShownBy::Anybody, noon()).expect("it may be requested");

    let phone_number = verification.phone_number().clone();
    assert_eq!(event, AuthEvent::VerificationAttempt { challenge_id: new.id, phone_number, token: new.token });
}

#[test]
fn five_wrong_tokens_void_it_even_for_the_right_one() {
    let mut verification = requested(Purpose::SignIn);

    for _ in 1..PhoneVerification::TRIES {
        assert_eq!(confirm(&mut verification, "000000"), Ok(Comparison::Wrong));
        assert_eq!(verification.newest().map(|it| it.state), Some(ChallengeState::Open));
    }
    assert_eq!(confirm(&mut verification, "000000"), Ok(Comparison::Wrong));

    assert_eq!(verification.newest().map(|it| it.state), Some(ChallengeState::Failed { at: noon() }));
    assert_eq!(confirm(&mut verification, "123456"), Err(CannotConfirm::Void));
}

#[test]
fn a_token_is_good_for_three_minutes() {
    let mut verification = requested(Purpose::SignIn);
    let confirm_after = |it: &mut PhoneVerification, seconds| {
        it.confirm(Purpose::SignIn, hash_of("123456"), ShownBy::Anybody, noon() + TimeDelta::seconds(seconds))
    };

    assert_eq!(confirm_after(&mut verification, 180), Err(CannotConfirm::Expired));
    assert_eq!(confirm_after(&mut verification, 179), Ok(Comparison::Right));
}

#[test]
fn a_new_token_voids_the_last_one() {
    let mut verification = requested(Purpose::SignIn);
    let new = NewChallenge { token_hash: hash_of("654321"), ..a_challenge(Purpose::SignIn) };
    verification.request(new, ShownBy::Anybody, noon()).expect("a second one may be requested");

    assert_eq!(confirm(&mut verification, "123456"), Ok(Comparison::Wrong));
    assert_eq!(confirm(&mut verification, "654321"), Ok(Comparison::Right));
}

#[test]
fn the_tokens_of_a_number_are_counted_from_one() {
    let mut verification = an_unproved_number();

    let counted = [1, 2, 3].map(|_| {
        verification.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, noon()).expect("three in a day");
        verification.newest().map(|it| it.sequence)
    });

    assert_eq!(counted, [Some(1), Some(2), Some(3)]);
}

#[test]
fn a_token_is_for_what_it_was_requested_for() {
    let mut verification = requested(Purpose::SignUp);

    assert_eq!(confirm(&mut verification, "123456"), Err(CannotConfirm::NotRequested));
    assert_eq!(confirm(&mut an_unproved_number(), "123456"), Err(CannotConfirm::NotRequested));
}

#[test]
fn the_sixth_request_in_a_day_is_refused_and_leaves_the_fifth_token_good() {
    let mut verification = an_unproved_number();
    for hour in 0..5 {
        verification
            .request(a_challenge(Purpose::SignIn), ShownBy::Anybody, noon() + TimeDelta::hours(hour))
            .expect("five in a day");
    }
    let last = noon() + TimeDelta::hours(4);

    let refused = verification.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, last);

    assert_eq!(refused, Err(CannotRequest::Blocked { until: noon() + TimeDelta::hours(24) }));
    assert_eq!(verification.confirm(Purpose::SignIn, hash_of("123456"), ShownBy::Anybody, last), Ok(Comparison::Right));
    let next_day = noon() + TimeDelta::hours(24);
    assert!(
        verification.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, next_day).is_ok(),
        "and the first is forgotten"
    );
}

#[test]
fn success_does_not_clear_the_limit_of_a_day() {
    let mut verification = an_unproved_number();
    for _ in 0..5 {
        verification.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, noon()).expect("five in a day");
        assert_eq!(confirm(&mut verification, "123456"), Ok(Comparison::Right));
    }

    assert!(verification.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, noon()).is_err());
}

#[test]
fn a_hundred_wrong_tokens_in_a_row_stop_the_number() {
    let mut verification = an_unproved_number();
    let mut now = noon();
    for _ in 0..20 {
        verification.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, now).expect("not stopped yet");
        for _ in 0..5 {
            assert_eq!(
                verification.confirm(Purpose::SignIn, hash_of("000000"), ShownBy::Anybody, now),
                Ok(Comparison::Wrong)
            );
        }
        now += PhoneVerification::DAY;
    }

    assert_eq!(
        verification.confirm(Purpose::SignIn, hash_of("123456"), ShownBy::Anybody, now),
        Err(CannotConfirm::Stopped)
    );
    assert_eq!(verification.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, now), Err(CannotRequest::Stopped));

    assert!(verification.pardon());
    assert!(!verification.pardon(), "once");
    verification.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, now).expect("it is believed again");
    assert_eq!(verification.confirm(Purpose::SignIn, hash_of("123456"), ShownBy::Anybody, now), Ok(Comparison::Right));
}

#[test]
fn whoever_signed_in_before_is_not_locked_out_by_guesses_of_others() {
    let mut verification = an_unproved_number();
    let (_, now) = guess_until_stopped(&mut verification, ShownBy::Anybody);

    let mut owners = |token| verification.confirm(Purpose::SignIn, hash_of(token), ShownBy::KnownDevice, now);
    assert_eq!(owners("123456"), Err(CannotConfirm::Expired));
    verification.request(a_challenge(Purpose::SignIn), ShownBy::KnownDevice, now).expect("they are believed still");
    let mut owners = |token| verification.confirm(Purpose::SignIn, hash_of(token), ShownBy::KnownDevice, now);
    assert_eq!(owners("000000"), Ok(Comparison::Wrong));
    assert_eq!(owners("123456"), Ok(Comparison::Right));
}

#[test]
fn a_known_device_has_as_many_tries_again_as_anybody_and_no_more() {
    let mut verification = requested(Purpose::SignIn);
    let mut tries = |by| {
        let tried = (0..20).map(|_| verification.confirm(Purpose::SignIn, hash_of("000000"), by, noon()));
        tried.take_while(Result::is_ok).count()
    };

    assert_eq!(tries(ShownBy::Anybody), 5);
    assert_eq!(tries(ShownBy::KnownDevice), 5);
    assert_eq!(tries(ShownBy::KnownDevice), 0);
}

#[test]
fn a_known_device_guesses_as_often_again_as_anybody_before_the_number_is_stopped_for_it_too() {
    let mut verification = an_unproved_number();

    let (wrong, now) = guess_until_stopped(&mut verification, ShownBy::KnownDevice);

    assert_eq!(wrong, 200);
    let request = verification.request(a_challenge(Purpose::SignIn), ShownBy::KnownDevice, now);
    assert_eq!(request, Err(CannotRequest::Stopped));
}

#[test]
fn a_right_token_in_between_lets_the_count_begin_again() {
    let mut verification = requested(Purpose::SignIn);
    assert_eq!(confirm(&mut verification, "000000"), Ok(Comparison::Wrong));
    assert_eq!(confirm(&mut verification, "123456"), Ok(Comparison::Right));

    verification.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, noon()).expect("a second one");

    assert_eq!(verification.newest().map(|it| it.failures_before), Some(0));
}

#[test]
fn a_confirmed_number_opens_one_account_within_ten_minutes() {
    let mut verification = requested(Purpose::SignUp);
    assert_eq!(verification.spend(an_account(), noon()), Err(NotConfirmed));
    verification.confirm(Purpose::SignUp, hash_of("123456"), ShownBy::Anybody, noon()).expect("it can be compared");
    let late = noon() + PhoneVerification::SIGN_UP_WINDOW;
    assert_eq!(verification.clone().spend(an_account(), late), Err(NotConfirmed));

    let account = an_account();
    assert_eq!(verification.spend(account, noon()), Ok(()));

    assert_eq!(verification.newest().and_then(|it| it.account_id), Some(account));
    assert_eq!(verification.spend(an_account(), noon()), Err(NotConfirmed));
}

#[test]
fn a_number_confirmed_to_sign_in_opens_no_account() {
    let mut verification = requested(Purpose::SignIn);
    assert_eq!(confirm(&mut verification, "123456"), Ok(Comparison::Right));

    assert_eq!(verification.spend(an_account(), noon()), Err(NotConfirmed));
}

#[derive(Debug, Clone)]
enum Step {
    Request(Purpose),
    Try { purpose: Purpose, right: bool, by: ShownBy },
    Spend,
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let purpose = prop_oneof![Just(Purpose::SignIn), Just(Purpose::SignUp)];
    let by = prop_oneof![4 => Just(ShownBy::Anybody), 1 => Just(ShownBy::KnownDevice)];
    let step = prop_oneof![
        purpose.clone().prop_map(Step::Request),
        (purpose, prop::bool::weighted(0.2), by).prop_map(|(purpose, right, by)| Step::Try { purpose, right, by }),
        Just(Step::Spend),
        (0..100_000_i64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    /// Whatever anybody tries, in whatever order.
    #[test]
    fn the_limits_hold_for_every_sequence(steps in steps()) {
        let mut verification = an_unproved_number();
        let mut now = noon();
        let mut sent = Vec::new();
        let mut compared = 0;
        let mut used = true;
        for step in steps {
            match step {
                Step::Request(purpose) => {
                    let before = verification.clone();
                    if verification.request(a_challenge(purpose), ShownBy::Anybody, now).is_ok() {
                        sent.push(now);
                        (compared, used) = (0, false);
                    } else {
                        prop_assert_eq!(&before, &verification, "a refusal leaves no trace");
                    }
                    let today = sent.iter().filter(|at| now - **at < PhoneVerification::DAY).count();
                    prop_assert!(today <= PhoneVerification::REQUESTS);
                }
                Step::Try { purpose, right, by } => {
                    let before = verification.clone();
                    let token = hash_of(if right { "123456" } else { "000000" });
                    if let Ok(comparison) = verification.confirm(purpose, token, by, now) {
                        compared += 1;
                        let most = if by == ShownBy::Anybody { 1 } else { 2 } * PhoneVerification::TRIES;
                        prop_assert!(compared <= most, "five tries for a token, and five of a known device on top");
                        prop_assert_eq!(comparison == Comparison::Right, right);
                        prop_assert!(!used, "a token is used once");
                        used = right;
                        prop_assert!(now - sent[sent.len() - 1] < PhoneVerification::TOKEN_LIFETIME);
                    } else {
                        prop_assert_eq!(&before, &verification, "a refusal leaves no trace");
                    }
                }
                Step::Spend => {
                    if verification.spend(an_account(), now).is_ok() {
                        prop_assert!(used, "nobody signs up with a number that is not confirmed");
                        prop_assert!(verification.spend(an_account(), now).is_err(), "nor twice");
                    }
                }
                Step::Wait(seconds) => now += TimeDelta::seconds(seconds),
            }
        }
    }
}
