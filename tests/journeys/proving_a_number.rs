//! Somebody proves that a phone number is theirs, by the token that is sent there.

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::{Answer, TestApp, Visitor};
use tokio::task::JoinSet;
use user_domain::{Privileges, Role};

on_both_stacks![
    a_token_that_was_sent_signs_in_once,
    of_two_hundred_who_show_the_right_token_at_once_one_is_let_in,
    five_wrong_tokens_are_compared_and_no_more_however_many_try_at_once,
    the_sixth_token_of_a_day_is_refused_and_the_fifth_stays_good,
    a_token_for_signing_up_signs_nobody_in,
    a_token_is_for_the_number_that_it_was_sent_to,
    who_has_no_account_or_is_switched_off_is_told_so,
    numbers_that_nobody_can_have_are_refused,
    a_number_with_an_account_is_told_from_one_without,
    tokens_are_kept_nowhere_but_in_the_message,
];

const CHECK: &str = "/api/v1/auth/phonenumber/check/";
const REQUEST: &str = "/api/v1/auth/signin/token_request/";
const CONFIRM: &str = "/api/v1/auth/signin/token_confirm/";
const SIGN_UP_REQUEST: &str = "/api/v1/auth/signup/token_request/";
const SIGN_UP_CONFIRM: &str = "/api/v1/auth/signup/token_confirm/";

/// A driver's number, to which a token was sent.
async fn a_token(app: &TestApp) -> (String, String) {
    let (_, number) = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await;
    let number = number.as_str().to_owned();
    let requested = app.anybody().post(REQUEST, json!({ "phonenumber": number })).await.expecting(StatusCode::OK);
    assert!(requested["timestamp_expires"].as_str().is_some_and(|it| it.ends_with('Z')), "{requested:#}");
    let token = app.token_sent_to(&number).await;
    (number, token)
}

fn shown(number: &str, token: &str) -> Value {
    json!({ "phonenumber": number, "token": token })
}

/// A token of the right form that is not this one.
fn wrong(token: &str) -> String {
    if token == "000000" { "000001".to_owned() } else { "000000".to_owned() }
}

/// Everybody shows the same at once.
async fn all_at_once(visitor: &Visitor, times: usize, body: &Value) -> Vec<Answer> {
    let mut tries = JoinSet::new();
    for _ in 0..times {
        let (visitor, body) = (visitor.clone(), body.clone());
        tries.spawn(async move { visitor.post(CONFIRM, body).await });
    }
    tries.join_all().await
}

async fn a_token_that_was_sent_signs_in_once(app: TestApp) {
    let (number, token) = a_token(&app).await;
    assert!(token.len() == 6 && token.bytes().all(|it| it.is_ascii_digit()), "six digits");
    let mut driver = app.anybody();

    let tokens = driver.post(CONFIRM, shown(&number, &token)).await.expecting(StatusCode::OK);

    driver.holds(&tokens);
    let profile = driver.get("/api/v1/user/users/self/profile/").await.expecting(StatusCode::OK);
    assert_eq!(profile["phonenumber"], json!(number));
    driver.post(CONFIRM, shown(&number, &token)).await.refused(StatusCode::BAD_REQUEST, "verification_void");
}

async fn of_two_hundred_who_show_the_right_token_at_once_one_is_let_in(app: TestApp) {
    let (number, token) = a_token(&app).await;

    let answers = all_at_once(&app.anybody(), 200, &shown(&number, &token)).await;

    let let_in = answers.iter().filter(|it| it.status == StatusCode::OK).count();
    assert_eq!(let_in, 1);
    for answer in answers.iter().filter(|it| it.status != StatusCode::OK) {
        let status = answer.status.as_u16();
        assert!(matches!(status, 400 | 409 | 503), "{status}: {:#}", answer.body);
    }
}

async fn five_wrong_tokens_are_compared_and_no_more_however_many_try_at_once(app: TestApp) {
    let (number, token) = a_token(&app).await;

    let answers = all_at_once(&app.anybody(), 60, &shown(&number, &wrong(&token))).await;

    let compared = answers.iter().filter(|it| it.body["code"] == "invalid_token").count();
    assert!(compared <= 5, "{compared} were compared");
    for _ in compared..5 {
        let answer = app.anybody().post(CONFIRM, shown(&number, &wrong(&token))).await;
        answer.refused(StatusCode::BAD_REQUEST, "invalid_token");
    }
    let right = app.anybody().post(CONFIRM, shown(&number, &token)).await;
    right.refused(StatusCode::BAD_REQUEST, "verification_void");
}

async fn the_sixth_token_of_a_day_is_refused_and_the_fifth_stays_good(app: TestApp) {
    let (number, _) = a_token(&app).await;
    for _ in 2..=5 {
        app.anybody().post(REQUEST, json!({ "phonenumber": number })).await.expecting(StatusCode::OK);
    }

    let blocked = app.anybody().post(REQUEST, json!({ "phonenumber": number })).await;

    let seconds: u64 = blocked.headers["retry-after"].to_str().expect("a text").parse().expect("seconds");
    assert!((86_000..=86_400).contains(&seconds), "{seconds}");
    let problem = blocked.refused(StatusCode::TOO_MANY_REQUESTS, "throttled");
    assert_eq!(problem["detail"], "This number is blocked for 24 hours");
    let token = app.nth_token_sent_to(5, &number).await;
    app.anybody().post(CONFIRM, shown(&number, &token)).await.expecting(StatusCode::OK);
}

async fn a_token_for_signing_up_signs_nobody_in(app: TestApp) {
    let number = app.a_phone_number().as_str().to_owned();
    let anybody = app.anybody();
    anybody.post(SIGN_UP_REQUEST, json!({ "phonenumber": number })).await.expecting(StatusCode::OK);
    let token = app.token_sent_to(&number).await;

    let answer = anybody.post(CONFIRM, shown(&number, &token)).await;

    answer.refused(StatusCode::BAD_REQUEST, "verification_not_sent");
    let confirmed = anybody.post(SIGN_UP_CONFIRM, shown(&number, &token)).await.expecting(StatusCode::OK);
    assert_eq!(confirmed, json!({ "verified": true }));
}

async fn a_token_is_for_the_number_that_it_was_sent_to(app: TestApp) {
    let (one, token_of_one) = a_token(&app).await;
    let (other, token_of_other) = a_token(&app).await;

    if token_of_one != token_of_other {
        let crossed = app.anybody().post(CONFIRM, shown(&other, &token_of_one)).await;
        crossed.refused(StatusCode::BAD_REQUEST, "invalid_token");
    }
    app.anybody().post(CONFIRM, shown(&one, &token_of_one)).await.expecting(StatusCode::OK);
}

async fn who_has_no_account_or_is_switched_off_is_told_so(app: TestApp) {
    let stranger = app.a_phone_number().as_str().to_owned();
    let refused = app.anybody().post(REQUEST, json!({ "phonenumber": stranger })).await;
    refused.refused(StatusCode::BAD_REQUEST, "user_not_found");
    let refused = app.anybody().post(CONFIRM, shown(&stranger, "123456")).await;
    refused.refused(StatusCode::BAD_REQUEST, "verification_not_sent");

    let (id, number) = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await;
    let number = number.as_str().to_owned();
    app.anybody().post(REQUEST, json!({ "phonenumber": number })).await.expecting(StatusCode::OK);
    let token = app.token_sent_to(&number).await;
    let off = json!({ "is_active": false });
    app.superuser().await.patch(&format!("/api/v1/user/users/{id}/"), off).await.expecting(StatusCode::OK);
    let answer = app.anybody().post(CONFIRM, shown(&number, &token)).await;
    answer.refused(StatusCode::UNAUTHORIZED, "user_inactive");
}

async fn numbers_that_nobody_can_have_are_refused(app: TestApp) {
    for path in [CHECK, REQUEST, SIGN_UP_REQUEST] {
        for number in [
            json!("010-1234-5678"),
            json!("+8210"),
            json!("+99912345678"),
            json!("+1 000 000 0000"),
            json!("friday"),
            json!(821_012_345_678_u64),
            json!({ "number": "+821012345678" }),
            json!(["+821012345678"]),
            json!(true),
        ] {
            let answer = app.anybody().post(path, json!({ "phonenumber": number })).await;
            let problem = answer.refused(StatusCode::BAD_REQUEST, "invalid");
            assert_eq!(problem["errors"][0]["field"], "phonenumber", "{path} {number}");
        }
        app.anybody().post(path, json!({})).await.refused(StatusCode::BAD_REQUEST, "required");
        app.anybody().post(path, json!({ "phonenumber": null })).await.refused(StatusCode::BAD_REQUEST, "null");
    }
}

async fn a_number_with_an_account_is_told_from_one_without(app: TestApp) {
    let (_, number) = app.somebody(Role::Staff { groups: vec![] }, Privileges::None).await;
    let spelt = format!("tel:+82-0{}-{}", &number.as_str()[3..5], &number.as_str()[5..]);

    let known = app.anybody().post(CHECK, json!({ "phonenumber": spelt })).await.expecting(StatusCode::OK);
    assert_eq!(known, json!({ "phonenumber": number.as_str() }), "in E.164 form, whatever was sent");

    let stranger = app.a_phone_number();
    let unknown = app.anybody().post(CHECK, json!({ "phonenumber": stranger.as_str() })).await;
    let problem = unknown.refused(StatusCode::NOT_FOUND, "not_found");
    assert_eq!(problem["phonenumber"], json!(stranger.as_str()));
}

async fn tokens_are_kept_nowhere_but_in_the_message(app: TestApp) {
    // Ten digits: six are found by chance in any pile of numbers.
    let app = app.beside_with(&[("AUTH_TOKEN_DIGITS", "10")]).await;
    let (number, token) = a_token(&app).await;
    assert_eq!(token.len(), 10);

    app.anybody().post(CONFIRM, shown(&number, &token)).await.expecting(StatusCode::OK);

    for (table, rows) in support::rows::everything_in(&app).await {
        for row in rows {
            assert!(!row.contains(&token), "the token is in {table}: {row}");
        }
    }
}
