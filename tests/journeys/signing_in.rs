//! People sign in with a password, and show the token they get.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::{Answer, PASSWORD, TestApp};
use tokio::task::JoinSet;
use tokio::time::timeout;
use user_domain::{Privileges, Role};

use crate::stage::ITEMS;

on_both_stacks![
    username_and_phone_number_open_the_same_door,
    every_wrong_credential_gets_the_same_answer,
    a_token_that_is_not_ours_is_refused_where_one_is_needed,
    what_is_missing_is_told,
    a_profile_says_who_one_is,
    of_a_rush_of_sign_ins_the_surplus_is_refused_and_readers_are_served,
];

const SIGN_IN: &str = "/api/v1/auth/signin/";
const PROFILE: &str = "/api/v1/user/users/self/profile/";

async fn username_and_phone_number_open_the_same_door(app: TestApp) {
    let (_, number) = app.somebody(Role::Staff { groups: vec![] }, Privileges::None).await;
    let (operator, subscriber) = (&number.as_str()[3..5], &number.as_str()[5..]);
    let spelt = [format!("+82 {operator}-{subscriber}"), format!("tel:+82-0{operator}-{subscriber}")];

    let names = spelt.map(|it| json!({ "phonenumber": it }));
    for name in names.into_iter().chain([json!({ "username": number.digits() })]) {
        let mut credentials = name.clone();
        credentials["password"] = json!(PASSWORD);
        let tokens = app.anybody().post(SIGN_IN, credentials).await.expecting(StatusCode::OK);
        assert!(tokens["access"].is_string() && tokens["refresh"].is_string(), "{name}");
    }

    let form = app.anybody().request(reqwest::Method::POST, SIGN_IN);
    let form = form.form(&[("username", number.digits()), ("password", PASSWORD)]);
    Answer::to(form).await.expecting(StatusCode::OK);
}

async fn every_wrong_credential_gets_the_same_answer(app: TestApp) {
    let (_, number) = app.somebody(Role::Staff { groups: vec![] }, Privileges::None).await;
    let strip = |mut problem: Value| {
        problem["correlation_id"] = Value::Null;
        problem
    };
    let mut answers = Vec::new();
    for credentials in [
        json!({ "username": number.digits(), "password": "not the password" }),
        json!({ "username": "nobody", "password": PASSWORD }),
        json!({ "phonenumber": "+821099999999", "password": PASSWORD }),
        json!({ "phonenumber": number.as_str(), "password": "x".repeat(128) }),
    ] {
        let answer = app.anybody().post(SIGN_IN, credentials).await;
        answers.push(strip(answer.expecting(StatusCode::BAD_REQUEST)));
    }

    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
}

async fn a_token_that_is_not_ours_is_refused_where_one_is_needed(app: TestApp) {
    let mut stranger = app.anybody();
    let answer = stranger.get(PROFILE).await;
    let challenge = answer.headers.get("www-authenticate").and_then(|it| it.to_str().ok());
    assert_eq!(challenge, Some("Bearer realm=\"api\", Api-Key realm=\"api\""));
    answer.refused(StatusCode::UNAUTHORIZED, "not_authenticated");

    stranger.token = Some("nonsense".to_owned());
    let answer = stranger.get(PROFILE).await;
    assert!(answer.headers.contains_key("www-authenticate"));
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    stranger.get("/api/healthcheck/").await.expecting(StatusCode::OK);
    let problem = stranger.post(SIGN_IN, json!({})).await;
    assert_eq!(problem.status, StatusCode::BAD_REQUEST, "a bad credential does not matter where none is needed");
}

async fn what_is_missing_is_told(app: TestApp) {
    let problem = app.anybody().post(SIGN_IN, json!({})).await.refused(StatusCode::BAD_REQUEST, "required");

    let fields: Vec<_> = problem["errors"].as_array().expect("faults").iter().map(|it| it["field"].clone()).collect();
    assert!(fields.contains(&json!("password")), "{problem:#}");
    assert!(fields.len() >= 2, "a name is missing too: {problem:#}");
    app.anybody()
        .post(SIGN_IN, json!({ "phonenumber": 42, "password": "x" }))
        .await
        .refused(StatusCode::BAD_REQUEST, "invalid");
}

async fn a_profile_says_who_one_is(app: TestApp) {
    let driver = app.driver().await;
    let profile = driver.get(PROFILE).await.expecting(StatusCode::OK);
    assert_eq!(profile["uuid"], json!(driver.user_id));
    assert_eq!(profile["type"], "DRIVER");
    assert!(
        profile.as_object().is_some_and(|it| it.contains_key("dob") && !it.contains_key("permission_group")),
        "{profile:#}"
    );

    let clerk = app.clerk().await;
    let profile = clerk.get(PROFILE).await.expecting(StatusCode::OK);
    assert_eq!(profile["type"], "STAFF");
    assert_eq!(profile["permission_group"], json!([]));
    assert_eq!((&profile["fullname"], &profile["image"]), (&Value::Null, &Value::Null));
}

/// By then the queue is full, on the slowest of machines.
const DEADLINE: Duration = Duration::from_mins(1);
/// Who signs in at the same time: three times as many as may wait for their password to be hashed.
const RUSH: usize = 100;

async fn of_a_rush_of_sign_ins_the_surplus_is_refused_and_readers_are_served(app: TestApp) {
    let clerk = app.clerk().await;
    let item = clerk.post(ITEMS, json!({ "sku": "SHOE-42" })).await.expecting(StatusCode::CREATED);
    let item = format!("{ITEMS}{}/", item["tracking_number"].as_str().expect("a number"));
    let is_over = Arc::new(AtomicBool::new(false));
    let mut rush = JoinSet::new();
    for _ in 0..RUSH {
        let (anybody, is_over) = (app.anybody(), is_over.clone());
        let credentials = json!({ "phonenumber": clerk.phone_number, "password": PASSWORD });
        // Who is served comes again, so that as many as may wait do so all the time; who is refused does not.
        rush.spawn(async move {
            loop {
                let answer = anybody.post(SIGN_IN, credentials.clone()).await;
                if answer.status != StatusCode::OK || is_over.load(Ordering::Relaxed) {
                    return answer;
                }
            }
        });
    }
    let first = timeout(DEADLINE, rush.join_next()).await.expect("somebody is refused");
    let first = first.expect("there is a rush").expect("nobody panics");
    for _ in 0..20 {
        clerk.get(PROFILE).await.expecting(StatusCode::OK);
        clerk.get(&item).await.expecting(StatusCode::OK);
    }
    is_over.store(true, Ordering::Relaxed);

    let mut answers = rush.join_all().await;
    answers.push(first);
    let (served, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|it| it.status == StatusCode::OK);
    assert!(!served.is_empty() && !refused.is_empty(), "{} served, {} refused", served.len(), refused.len());
    for answer in refused {
        let seconds = answer.headers.get("retry-after").and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
        assert!(seconds.is_some_and(|it| it > 0), "{:?}", answer.headers);
        answer.refused(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    }
}
