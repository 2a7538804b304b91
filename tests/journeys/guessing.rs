//! Somebody guesses tokens, or has messages sent: there is an end to it, and nobody else is locked out.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, PASSWORD, TestApp};
use user_domain::{Privileges, Role};

on_both_stacks![
    guesses_at_many_numbers_end_all_together,
    guesses_from_one_network_end_and_others_are_believed,
    no_more_messages_go_out_than_are_paid_for,
    no_message_goes_to_another_country_and_nobody_is_told,
    who_is_guessed_at_signs_in_by_password_or_on_a_known_device,
];

const REQUEST: &str = "/api/v1/auth/signin/token_request/";
const CONFIRM: &str = "/api/v1/auth/signin/token_confirm/";
const SIGN_UP_REQUEST: &str = "/api/v1/auth/signup/token_request/";

fn to(number: &str) -> Value {
    json!({ "phonenumber": number })
}

fn shown(number: &str, token: &str) -> Value {
    json!({ "phonenumber": number, "token": token })
}

fn wrong(token: &str) -> &'static str {
    if token == "000000" { "000001" } else { "000000" }
}

/// Another instance, with this rate, and other variables besides.
async fn with_rate(app: &TestApp, scope: &str, rate: &str, besides: &[(&str, &str)]) -> TestApp {
    let rates: Value = serde_json::from_str(app.variable("THROTTLE_RATES")).expect("rates");
    let mut rates = rates.as_object().expect("an object").clone();
    rates.insert(scope.to_owned(), json!(rate));
    let rates = Value::Object(rates).to_string();
    app.beside_with(&[besides, &[("THROTTLE_RATES", rates.as_str())][..]].concat()).await
}

async fn guesses_at_many_numbers_end_all_together(app: TestApp) {
    const CEILING: usize = 12;
    let app = with_rate(&app, "wrong-tokens", &format!("{CEILING}/h"), &[]).await;
    let attacker = app.anybody();
    let mut compared = 0;
    let mut held_back = 0;

    for _ in 0..8 {
        let (_, number) = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await;
        attacker.post(REQUEST, to(number.as_str())).await.expecting(StatusCode::OK);
        let token = app.token_sent_to(number.as_str()).await;
        for _ in 0..5 {
            let answer = attacker.post(CONFIRM, shown(number.as_str(), wrong(&token))).await;
            if answer.status == StatusCode::BAD_REQUEST {
                compared += 1;
                continue;
            }
            assert!(answer.headers.contains_key("retry-after"));
            let problem = answer.refused(StatusCode::TOO_MANY_REQUESTS, "throttled");
            assert!(problem["detail"].as_str().is_some_and(|it| it.contains("wrong-tokens")), "{problem:#}");
            held_back += 1;
        }
        if held_back > 0 {
            attacker
                .post(CONFIRM, shown(number.as_str(), &token))
                .await
                .refused(StatusCode::TOO_MANY_REQUESTS, "throttled");
        }
    }

    assert_eq!((compared, held_back), (CEILING, 8 * 5 - CEILING));
}

/// Their number, and the token.
async fn somebody_who_was_sent_a_token(app: &TestApp) -> (String, String) {
    let (_, number) = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await;
    app.anybody().post(REQUEST, to(number.as_str())).await.expecting(StatusCode::OK);
    (number.as_str().to_owned(), app.token_sent_to(number.as_str()).await)
}

async fn guesses_from_one_network_end_and_others_are_believed(app: TestApp) {
    let app = with_rate(&app, "wrong-tokens-network", "7/h", &[("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let confirm = async |from: String, number: &str, token: &str| {
        let request = app.anybody().request(Method::POST, CONFIRM).header("X-Forwarded-For", from);
        Answer::to(request.json(&shown(number, token))).await
    };
    let mut statuses = Vec::new();
    let (mut number, mut token) = somebody_who_was_sent_a_token(&app).await;

    for guess in 0..10 {
        if guess == 5 {
            (number, token) = somebody_who_was_sent_a_token(&app).await;
        }
        let answer = confirm(format!("198.51.100.{guess}"), &number, wrong(&token)).await;
        statuses.push(answer.status.as_u16());
    }

    assert_eq!(statuses, [400, 400, 400, 400, 400, 400, 400, 429, 429, 429]);
    let neighbour = confirm("198.51.100.200".to_owned(), &number, &token).await;
    let problem = neighbour.refused(StatusCode::TOO_MANY_REQUESTS, "throttled");
    assert!(problem["detail"].as_str().is_some_and(|it| it.contains("wrong-tokens-network")), "{problem:#}");
    confirm("203.0.113.1".to_owned(), &number, &token).await.expecting(StatusCode::OK);
}

async fn no_more_messages_go_out_than_are_paid_for(app: TestApp) {
    let blocks = with_rate(&app, "sms-block", "7/h", &[]).await;
    let all = with_rate(&app, "sms-total", "9/h", &[]).await;
    let mut sent = [0; 2];

    for last in 0..20 {
        let neighbour = format!("+82105550{last:04}");
        let answer = blocks.anybody().post(SIGN_UP_REQUEST, to(&neighbour)).await;
        if answer.status == StatusCode::OK {
            sent[0] += 1;
        } else {
            answer.refused(StatusCode::TOO_MANY_REQUESTS, "throttled");
        }
        let stranger = format!("+82105{last:03}1234");
        let answer = all.anybody().post(SIGN_UP_REQUEST, to(&stranger)).await;
        if answer.status == StatusCode::OK {
            sent[1] += 1;
        } else {
            answer.refused(StatusCode::TOO_MANY_REQUESTS, "throttled");
        }
    }

    // In Redis, what the one sent counts for the other, too.
    assert_eq!(sent[0], 7);
    assert!((2..=9).contains(&sent[1]), "{}", sent[1]);
    let went_out = app
        .events
        .more_than(sent[0] + sent[1] - 1)
        .await
        .into_iter()
        .filter(|it| it.name == "verification_attempt")
        .count();
    assert_eq!(went_out, sent[0] + sent[1]);
}

async fn no_message_goes_to_another_country_and_nobody_is_told(app: TestApp) {
    let app = app.beside_with(&[("SMS_COUNTRIES", "US,KR")]).await;
    let (jamaican, korean) = ("+18762101234", app.a_phone_number());
    let without_time = |mut body: Value| {
        assert!(body["timestamp_expires"].take().is_string(), "{body}");
        body
    };

    let there = app.anybody().post(SIGN_UP_REQUEST, to(jamaican)).await.expecting(StatusCode::OK);
    let here = app.anybody().post(SIGN_UP_REQUEST, to(korean.as_str())).await.expecting(StatusCode::OK);

    assert_eq!(without_time(there), without_time(here));
    app.token_sent_to(korean.as_str()).await;
    app.all_is_delivered().await;
    let is_told = |data: &[(String, String)]| data.iter().any(|(_, value)| value == jamaican);
    assert!(!app.events.so_far().iter().any(|it| is_told(&it.data)), "it is never sent");
    let guess = app.anybody().post("/api/v1/auth/signup/token_confirm/", shown(jamaican, "000000")).await;
    guess.refused(StatusCode::BAD_REQUEST, "invalid_token");
}

async fn who_is_guessed_at_signs_in_by_password_or_on_a_known_device(app: TestApp) {
    let victim = app.clerk().await;
    let number = victim.phone_number.as_str();
    let attacker = app.anybody();
    attacker.post(REQUEST, to(number)).await.expecting(StatusCode::OK);
    let token = app.token_sent_to(number).await;
    for _ in 0..5 {
        attacker.post(CONFIRM, shown(number, wrong(&token))).await.refused(StatusCode::BAD_REQUEST, "invalid_token");
    }

    attacker.post(CONFIRM, shown(number, &token)).await.refused(StatusCode::BAD_REQUEST, "verification_void");
    let device = victim.refresh.clone().expect("they signed in here before");
    let on_known_device = |refresh: &str| json!({ "phonenumber": number, "token": token, "refresh": refresh });
    let stolen_elsewhere = app.clerk().await.refresh.expect("somebody else's");
    let another = attacker.post(CONFIRM, on_known_device(&stolen_elsewhere)).await;
    another.refused(StatusCode::BAD_REQUEST, "verification_void");
    let tokens = attacker.post(CONFIRM, on_known_device(&device)).await.expecting(StatusCode::OK);
    assert!(tokens["access"].is_string());

    let credentials = json!({ "phonenumber": number, "password": PASSWORD });
    attacker.post("/api/v1/auth/signin/", credentials).await.expecting(StatusCode::OK);
}
