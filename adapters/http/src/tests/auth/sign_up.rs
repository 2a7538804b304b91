//! Signing up.

use auth_application::testing::{a_profile, an_account};
use auth_application::{AccountType, NewAccount, NumberStanding, Profile, RegisterError};
use auth_domain::{Challenge, PhoneVerification, Purpose, Session};
use chrono::{NaiveDate, TimeDelta};
use kernel_application::testing::noon;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::super::contexts::{Served, post, serving};
use super::super::{json_of, refusal, refusals_of};
use super::{NUMBER, a_challenge, after, bypassing, standing, unconfirmed};
use crate::HttpSettings;

fn a_driver() -> Value {
    json!({ "phonenumber": NUMBER, "user_type": "DRIVER", "fullname": " Kim Minsu ", "dob": "1990-02-28" })
}

/// Nobody has the number, and it needs no token; `expected` is asked of the account that is opened.
fn opening(expected: fn(&NewAccount) -> bool) -> Served {
    let mut served = after(standing(NumberStanding::Free), vec![]);
    let auth = &mut served.auth;
    auth.accounts.expect_register().times(1).withf(move |it, _| expected(it)).returning(|_, _| Ok(()));
    let born = NaiveDate::from_ymd_opt(1990, 2, 28);
    auth.accounts.expect_profile().returning(move |id| {
        Ok(Some(Profile { full_name: Some("Kim Minsu".to_owned()), date_of_birth: born, ..a_profile(id) }))
    });
    auth.queries.expect_is_allowed().returning(|_| Ok(true));
    Served { adjusted: Some(bypassing), ..served }
}

#[tokio::test]
async fn a_token_is_sent_and_it_is_told_how_long_it_is_good() {
    let mut served = after(standing(NumberStanding::Free), vec![]);
    served.auth.work.outbox.expect_append().times(1).returning(|_| Ok(()));

    let response = post(served, "auth/signup/token_request/", &json!({ "phonenumber": NUMBER })).await;

    response.assert_status_is_ok();
    assert_eq!(json_of(response).await, json!({ "timestamp_expires": "2026-01-02T12:03:00.000000Z" }));
}

#[tokio::test]
async fn a_number_that_needs_no_token_gets_no_time() {
    let served = Served { adjusted: Some(bypassing), ..standing(NumberStanding::Free) };

    let response = post(served, "auth/signup/token_request/", &json!({ "phonenumber": NUMBER })).await;

    response.assert_status_is_ok();
    assert_eq!(json_of(response).await, json!({}));
}

#[tokio::test]
async fn a_number_that_cannot_sign_up_gets_no_token() {
    let stopped = Challenge { failures_before: PhoneVerification::FAILURES, ..a_challenge(Purpose::SignUp) };
    for (served, code) in [
        (standing(NumberStanding::Taken(an_account())), "unique"),
        (standing(NumberStanding::Banned), "user_banned"),
        (after(standing(NumberStanding::Free), vec![stopped]), "verification_stopped"),
    ] {
        let response = post(served, "auth/signup/token_request/", &json!({ "phonenumber": NUMBER })).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal("phonenumber", code)]);
    }
}

#[tokio::test]
async fn a_number_that_had_its_tokens_is_told_when_the_next_one_comes() {
    let an_hour_ago = Challenge { requested_at: noon() - TimeDelta::hours(1), ..a_challenge(Purpose::SignUp) };
    let served = after(standing(NumberStanding::Free), vec![an_hour_ago; PhoneVerification::REQUESTS]);

    let response = post(served, "auth/signup/token_request/", &json!({ "phonenumber": NUMBER })).await;

    response.assert_status(StatusCode::TOO_MANY_REQUESTS);
    response.assert_header("retry-after", (23 * 60 * 60).to_string());
    let problem = json_of(response).await;
    assert_eq!(problem["detail"], "This number is blocked for 24 hours");
    assert_eq!(problem["code"], "throttled");
}

#[tokio::test]
async fn a_number_is_proved_with_its_token() {
    let served = Served { adjusted: Some(bypassing), ..Served::default() };
    let body = json!({ "phonenumber": NUMBER, "token": "123456" });

    let response = post(served, "auth/signup/token_confirm/", &body).await;

    response.assert_status_is_ok();
    assert_eq!(json_of(response).await, json!({ "verified": true }));
}

#[tokio::test]
async fn each_way_not_to_prove_it_has_its_code() {
    for (challenges, field, code) in unconfirmed(Purpose::SignUp) {
        let body = json!({ "phonenumber": NUMBER, "token": "123456" });
        let response = post(after(Served::default(), challenges), "auth/signup/token_confirm/", &body).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal(field, code)]);
    }
}

#[tokio::test]
async fn a_token_is_a_text_of_ten_digits_at_most() {
    for (token, code) in [(json!(123_456), "invalid"), (json!("12345678901"), "max_length"), (json!(""), "blank")] {
        let body = json!({ "phonenumber": NUMBER, "token": token });
        let response = post(Served::default(), "auth/signup/token_confirm/", &body).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal("token", code)], "{token}");
    }
}

#[tokio::test]
async fn who_signs_up_is_shown_and_signed_in_on_their_device() {
    let mut served = opening(|it| {
        it.account_type == AccountType::Driver
            && it.full_name.as_deref() == Some("Kim Minsu")
            && it.date_of_birth == NaiveDate::from_ymd_opt(1990, 2, 28)
            && it.username.is_none()
    });
    let theirs = |it: &Session| it.snapshot().device.user_agent() == Some("scanner/1.0");
    served.auth.work.sessions.expect_add().times(1).withf(theirs).returning(|_| Ok(()));
    let client = serving(served, HttpSettings::default());

    let request = client.post("/api/v1/auth/signup").header("user-agent", "scanner/1.0").body_json(&a_driver());
    let response = request.send().await;

    response.assert_status(StatusCode::CREATED);
    let answer = json_of(response).await;
    let uuid = answer["uuid"].clone();
    let profile = json!({
        "uuid": uuid, "phonenumber": NUMBER, "username": "821012345678", "type": "DRIVER",
        "fullname": "Kim Minsu", "image": null, "dob": "1990-02-28",
    });
    let expected = json!({ "uuid": uuid, "user_profile": profile, "access": "signed", "refresh": "fresh" });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn nobody_gives_themselves_what_is_not_theirs_to_give() {
    let mut served = opening(|it| !it.is_superuser && it.username.is_none() && it.id.as_uuid().as_u128() < 100);
    served.auth.work.sessions.expect_add().returning(|_| Ok(()));
    let mut body = a_driver();
    for name in [
        "uuid",
        "id",
        "username",
        "is_staff",
        "is_superuser",
        "is_active",
        "banned",
        "groups",
        "permission_group",
        "completed",
        "timestamp_created",
        "date_joined",
        "type",
        "user_profile",
        "access",
        "refresh",
    ] {
        body[name] = json!("ffffffff-ffff-ffff-ffff-ffffffffffff");
    }

    post(served, "auth/signup/", &body).await.assert_status(StatusCode::CREATED);
}

#[tokio::test]
async fn what_may_be_left_out_may_be_null_too_and_empty_in_a_form() {
    let nothing_told = |it: &NewAccount| it.full_name.is_none() && it.date_of_birth.is_none();
    let body = json!({ "phonenumber": NUMBER, "user_type": "STAFF", "fullname": null, "dob": null, "password": null });
    let mut served = opening(nothing_told);
    served.auth.work.sessions.expect_add().returning(|_| Ok(()));
    post(served, "auth/signup/", &body).await.assert_status(StatusCode::CREATED);

    let mut served = opening(nothing_told);
    served.auth.work.sessions.expect_add().returning(|_| Ok(()));
    let client = serving(served, HttpSettings::default());
    let form = "phonenumber=%2B821012345678&user_type=STAFF&fullname=&dob=&password=";
    let request = client.post("/api/v1/auth/signup/").content_type("application/x-www-form-urlencoded");
    request.body(form).send().await.assert_status(StatusCode::CREATED);
}

#[tokio::test]
async fn who_may_not_sign_up_is_told_why() {
    let registering = |error: fn() -> RegisterError| {
        let mut served = standing(NumberStanding::Free);
        served.auth.accounts.expect_register().returning(move |_, _| Err(error()));
        Served { adjusted: Some(bypassing), ..served }
    };
    let staff = json!({ "phonenumber": NUMBER, "user_type": "STAFF" });
    let mut uninvited = standing(NumberStanding::Free);
    uninvited.auth.queries.expect_is_allowed().returning(|_| Ok(false));
    for (served, body, told) in [
        (after(Served::default(), vec![]), a_driver(), refusal("phonenumber", "phonenumber_not_confirmed")),
        (
            Served { adjusted: Some(bypassing), ..standing(NumberStanding::Taken(an_account())) },
            a_driver(),
            refusal("phonenumber", "unique"),
        ),
        (
            Served { adjusted: Some(bypassing), ..standing(NumberStanding::Banned) },
            a_driver(),
            refusal("phonenumber", "user_banned"),
        ),
        (Served { adjusted: Some(bypassing), ..uninvited }, staff, refusal("user_type", "staff_not_allowed")),
        (registering(|| RegisterError::Taken("username")), a_driver(), refusal("phonenumber", "unique")),
        (registering(|| RegisterError::InvalidFullName("Kim".to_owned())), a_driver(), refusal("fullname", "invalid")),
    ] {
        let response = post(served, "auth/signup/", &body).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [told]);
    }
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let body = json!({
        "user_type": "staff", "fullname": "x".repeat(33), "dob": "1990-2-28", "password": "1234567",
    });

    let response = post(Served::default(), "auth/signup/", &body).await;

    let expected = [
        refusal("phonenumber", "required"),
        refusal("user_type", "invalid_choice"),
        refusal("fullname", "max_length"),
        refusal("dob", "invalid"),
        refusal("password", "password_too_short"),
    ];
    assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, expected);
}

#[tokio::test]
async fn of_a_password_the_characters_count_and_who_else_has_it() {
    for (password, codes) in [
        ("비밀번호여덟글자", vec!["phonenumber_not_confirmed"]),
        (&"밀".repeat(128), vec!["phonenumber_not_confirmed"]),
        (&"밀".repeat(129), vec!["password_too_long"]),
        ("        ", vec!["phonenumber_not_confirmed"]),
        ("iLoveYou", vec!["password_too_common"]),
    ] {
        let mut body = a_driver();
        body["password"] = json!(password);
        let response = post(after(Served::default(), vec![]), "auth/signup/", &body).await;
        let told = refusals_of(response, StatusCode::BAD_REQUEST).await;
        assert_eq!(told.iter().map(|(_, code)| code.as_str()).collect::<Vec<_>>(), codes, "{password}");
    }
}

#[tokio::test]
async fn a_day_is_written_in_one_way() {
    for wrong in
        ["1990-02-30", "28-02-1990", "19900228", "1990-02-28T00:00:00", "0000-01-01", "+990-02-28", "1990-2-08"]
    {
        let mut body = a_driver();
        body["dob"] = json!(wrong);
        let response = post(Served::default(), "auth/signup/", &body).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal("dob", "invalid")], "{wrong}");
    }
}

#[tokio::test]
async fn an_overloaded_hasher_is_not_the_callers_fault() {
    let mut served = standing(NumberStanding::Free);
    let overloaded = || kernel_domain::StoreError::unavailable("too many wait");
    served.auth.passwords.expect_hash().returning(move |_| Err(overloaded()));
    let mut body = a_driver();
    body["password"] = json!("correct horse battery staple");

    let response = post(Served { adjusted: Some(bypassing), ..served }, "auth/signup/", &body).await;

    response.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    response.assert_header("retry-after", "1");
}
