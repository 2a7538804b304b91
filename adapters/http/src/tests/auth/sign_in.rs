//! Signing in.

use auth_application::testing::{World, an_account};
use auth_application::{Account, NumberStanding, SignInName, Verified};
use auth_domain::{Challenge, PasswordHash, PhoneVerification, Purpose};
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::super::contexts::{Served, post};
use super::super::{faults_of, json_of, refusal, refusals_of};
use super::{NUMBER, a_challenge, after, bypassing, standing, unconfirmed};

fn world(account: Option<Account>, proved: bool) -> Served {
    let mut auth = World::with_account(account);
    auth.queries.expect_password_hash().returning(|_| Ok(Some(PasswordHash::new("kept"))));
    let verified = if proved { Verified::Right } else { Verified::Wrong };
    auth.passwords.expect_verify().returning(move |_, _| Ok(verified.clone()));
    auth.sessions_may_be_opened = 1;
    Served { auth: Box::new(auth), ..Served::default() }
}

fn credentials() -> Value {
    json!({ "username": "821012345678", "password": " correct horse " })
}

#[tokio::test]
async fn the_right_password_opens_a_session() {
    let response = post(world(Some(an_account()), true), "auth/signin/", &credentials()).await;

    response.assert_status_is_ok();
    assert_eq!(json_of(response).await, json!({ "access": "signed", "refresh": "fresh" }));
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let inactive = Account { active: false, ..an_account() };
    for (account, proved) in [(None, false), (Some(an_account()), false), (Some(inactive), true)] {
        let response = post(world(account, proved), "auth/signin/", &credentials()).await;
        response.assert_status(StatusCode::BAD_REQUEST);
        assert_eq!(faults_of(response).await[0].1, "no_active_account");
    }
}

#[tokio::test]
async fn a_phone_number_does_as_well_and_a_password_is_taken_to_the_letter() {
    let mut served = world(None, false);
    served.auth = Box::default();
    let named = |name: &SignInName| matches!(name, SignInName::PhoneNumber(it) if it.as_str() == NUMBER);
    served.auth.accounts.expect_find().withf(named).times(1).returning(|_| Ok(None));
    served.auth.queries.expect_password_hash().returning(|_| Ok(None));
    let passwords = &mut served.auth.passwords;
    passwords.expect_verify().withf(|it, _| it.expose() == " x ").times(1).returning(|_, _| Ok(Verified::Wrong));

    let body = json!({ "phonenumber": "+82 10-1234-5678", "password": " x " });
    let response = post(served, "auth/signin/", &body).await;

    response.assert_status(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_missing_or_of_the_wrong_kind_is_told_at_once() {
    for (body, told) in [
        (json!({}), vec![("username", "required"), ("password", "required")]),
        (json!({ "phonenumber": 821_012_345_678_u64 }), vec![("phonenumber", "invalid"), ("password", "required")]),
        (json!({ "phonenumber": "01012345678", "password": "x" }), vec![("phonenumber", "invalid")]),
        (json!({ "username": null, "password": null }), vec![("username", "null"), ("password", "null")]),
        (json!({ "username": "", "password": "" }), vec![("username", "blank"), ("password", "blank")]),
        (json!({ "username": "a", "password": "x".repeat(129) }), vec![("password", "max_length")]),
    ] {
        let faults = faults_of(post(world(None, false), "auth/signin/", &body).await).await;
        let faults: Vec<_> = faults.iter().map(|(field, code, _)| (field.as_str(), code.as_str())).collect();
        assert_eq!(faults, told, "{body}");
    }
}

#[tokio::test]
async fn who_signs_in_is_told_how_often_they_still_may() {
    let response = post(world(Some(an_account()), true), "auth/signin/", &credentials()).await;

    response.assert_status_is_ok();
    for (header, expected) in [("ratelimit-limit", "30"), ("ratelimit-remaining", "29"), ("ratelimit-reset", "42")] {
        response.assert_header(header, expected);
    }
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back_before_anything_is_looked_at() {
    let served = Served { too_often: true, ..Served::default() };

    let response = post(served, "auth/signin/", &json!({})).await;

    response.assert_status(StatusCode::TOO_MANY_REQUESTS);
    response.assert_header("retry-after", "42");
    response.assert_header("ratelimit-remaining", "0");
    assert_eq!(faults_of(response).await[0].1, "throttled");
}

#[tokio::test]
async fn a_token_is_sent_to_whoever_has_an_account_and_to_nobody_else() {
    let mut served = after(standing(NumberStanding::Taken(an_account())), vec![]);
    served.auth.work.outbox.expect_append().times(1).returning(|_| Ok(()));
    let response = post(served, "auth/signin/token_request/", &json!({ "phonenumber": NUMBER })).await;
    response.assert_status_is_ok();
    assert_eq!(json_of(response).await, json!({ "timestamp_expires": "2026-01-02T12:03:00.000000Z" }));

    for (number, code) in [(NumberStanding::Free, "user_not_found"), (NumberStanding::Banned, "user_banned")] {
        let response = post(standing(number), "auth/signin/token_request/", &json!({ "phonenumber": NUMBER })).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal("phonenumber", code)]);
    }
}

#[tokio::test]
async fn the_sixth_token_of_a_day_is_not_sent() {
    let sent = vec![a_challenge(Purpose::SignIn); PhoneVerification::REQUESTS];
    let served = after(standing(NumberStanding::Taken(an_account())), sent);

    let response = post(served, "auth/signin/token_request/", &json!({ "phonenumber": NUMBER })).await;

    response.assert_status(StatusCode::TOO_MANY_REQUESTS);
    response.assert_header("retry-after", (24 * 60 * 60 - 60).to_string());
    assert_eq!(json_of(response).await["detail"], "This number is blocked for 24 hours");
}

#[tokio::test]
async fn the_right_token_opens_a_session() {
    let mut served = standing(NumberStanding::Taken(an_account()));
    served.auth.work.sessions.expect_add().times(1).returning(|_| Ok(()));
    let served = Served { adjusted: Some(bypassing), ..served };

    let body = json!({ "phonenumber": NUMBER, "token": "123456" });
    let response = post(served, "auth/signin/token_confirm/", &body).await;

    response.assert_status_is_ok();
    assert_eq!(json_of(response).await, json!({ "access": "signed", "refresh": "fresh" }));
}

#[tokio::test]
async fn each_way_not_to_be_signed_in_by_phone_has_its_code() {
    let body = json!({ "phonenumber": NUMBER, "token": "123456" });
    for (challenges, field, code) in unconfirmed(Purpose::SignIn) {
        let served = after(standing(NumberStanding::Taken(an_account())), challenges);
        let response = post(served, "auth/signin/token_confirm/", &body).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal(field, code)]);
    }

    let for_another_purpose: Vec<Challenge> = vec![a_challenge(Purpose::SignUp)];
    let served = after(standing(NumberStanding::Taken(an_account())), for_another_purpose);
    let response = post(served, "auth/signin/token_confirm/", &body).await;
    let told = refusals_of(response, StatusCode::BAD_REQUEST).await;
    assert_eq!(told, [refusal("phonenumber", "verification_not_sent")]);
}

#[tokio::test]
async fn the_right_token_of_an_account_that_cannot_be_used_opens_nothing() {
    let inactive = NumberStanding::Taken(Account { active: false, ..an_account() });
    for number in [inactive, NumberStanding::Free, NumberStanding::Banned] {
        let served = Served { adjusted: Some(bypassing), ..standing(number) };
        let body = json!({ "phonenumber": NUMBER, "token": "123456" });
        let response = post(served, "auth/signin/token_confirm/", &body).await;
        response.assert_header("www-authenticate", "Bearer realm=\"api\", Api-Key realm=\"api\"");
        assert_eq!(refusals_of(response, StatusCode::UNAUTHORIZED).await, [refusal("", "user_inactive")]);
    }
}
