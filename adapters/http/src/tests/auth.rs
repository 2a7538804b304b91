//! Signing in.

use auth_application::testing::{World, an_account};
use auth_application::{Account, SignInName};
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::contexts::{Served, post};
use super::{faults_of, json_of};

fn world(account: Option<Account>, proved: bool) -> Served {
    let mut auth = World::with_account(account);
    auth.queries.expect_password_hash().returning(|_| Ok(None));
    auth.passwords.expect_verify().returning(move |_, _| Ok(proved));
    auth.work.sessions.expect_add().returning(|_| Ok(()));
    Served { auth, ..Served::default() }
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
    served.auth = World::default();
    let named = |name: &SignInName| *name == SignInName::PhoneNumber("+82 10-1234-5678".to_owned());
    served.auth.accounts.expect_find().withf(named).times(1).returning(|_| Ok(None));
    served.auth.passwords.expect_verify().withf(|it, _| it.expose() == " x ").times(1).returning(|_, _| Ok(false));

    let body = json!({ "phonenumber": "+82 10-1234-5678", "password": " x " });
    let response = post(served, "auth/signin/", &body).await;

    response.assert_status(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_missing_or_of_the_wrong_kind_is_told_at_once() {
    for (body, told) in [
        (json!({}), vec![("username", "required"), ("password", "required")]),
        (json!({ "phonenumber": 821_012_345_678_u64 }), vec![("phonenumber", "invalid"), ("password", "required")]),
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
