//! How often somebody may ask: exactly as often as the rates say, whatever they claim of themselves.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde_json::json;
use support::app::{Answer, Stack, TestApp, Visitor};
use tokio::task::JoinSet;

use crate::stage::ITEMS;

on_both_stacks![
    a_limit_holds_to_the_request_across_instances,
    what_somebody_claims_of_themselves_buys_no_second_budget,
    behind_a_trusted_proxy_each_client_has_a_budget_of_their_own,
    every_scope_has_its_rate_and_says_what_is_left,
    users_are_counted_one_by_one,
    machines_are_counted_by_their_key,
];

const CHECK: &str = "/api/v1/auth/phonenumber/check/";
const PROFILE: &str = "/api/v1/user/users/self/profile/";

/// Requests that are under way at the same time. On a machine that is busy with tests, Redis would seem to be away if
/// there were more, and each instance count for itself.
const AT_ONCE: usize = 20;

/// How many of `times` requests were let through; all others were throttled.
async fn let_through(times: usize, request: impl Fn(usize) -> reqwest::RequestBuilder) -> usize {
    let mut asked = JoinSet::new();
    let mut answers = Vec::new();
    for number in 0..times {
        if asked.len() >= AT_ONCE {
            answers.extend(asked.join_next().await);
        }
        asked.spawn(Answer::to(request(number)));
    }
    while let Some(answer) = asked.join_next().await {
        answers.push(answer);
    }
    let answers: Vec<Answer> = answers.into_iter().map(|it| it.expect("nobody panics")).collect();
    let held_back: Vec<_> = answers.iter().filter(|it| it.status == StatusCode::TOO_MANY_REQUESTS).collect();
    for answer in &held_back {
        assert_eq!(answer.body["errors"][0]["code"], "throttled");
        let seconds: u64 = answer.headers["retry-after"].to_str().expect("a text").parse().expect("seconds");
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    for answer in &answers {
        assert!(!answer.status.is_server_error(), "{:#}", answer.body);
    }
    answers.len() - held_back.len()
}

/// The application, where numbers may be looked up this often.
async fn limited(app: &TestApp, limit: usize) -> TestApp {
    limited_with(app, limit, &[]).await
}

async fn limited_with(app: &TestApp, limit: usize, more: &[(&str, &str)]) -> TestApp {
    let rates = json!({ "auth-check": format!("{limit}/min") }).to_string();
    let changed: Vec<_> = more.iter().copied().chain([("THROTTLE_RATES", rates.as_str())]).collect();
    app.beside_with(&changed).await
}

fn a_check(visitor: &Visitor) -> reqwest::RequestBuilder {
    visitor.request(Method::POST, CHECK).json(&json!({ "phonenumber": "+821099999999" }))
}

async fn a_limit_holds_to_the_request_across_instances(app: TestApp) {
    let one = limited(&app, 40).await;
    let other = limited(&app, 40).await;
    let visitors = [one.anybody(), other.anybody()];

    let passed = let_through(500, |number| a_check(&visitors[number % 2])).await;

    // In memory each instance counts for itself.
    assert_eq!(passed, if app.stack == Stack::Networked { 40 } else { 80 });
}

async fn what_somebody_claims_of_themselves_buys_no_second_budget(app: TestApp) {
    let app = limited(&app, 30).await;
    let clerk = app.clerk().await;
    let (anybody, used) = (app.anybody(), 1);

    let passed = let_through(200, |number| {
        let visitor = if number % 2 == 0 { &clerk } else { &anybody };
        let address = format!("198.51.100.{}", number % 250);
        a_check(visitor)
            .header("X-Forwarded-For", &address)
            .header("X-Real-IP", &address)
            .header("Forwarded", format!("for={address}"))
    })
    .await;

    assert_eq!(passed, 30 - used, "the clerk has signed in once");
}

async fn behind_a_trusted_proxy_each_client_has_a_budget_of_their_own(app: TestApp) {
    let app = limited_with(&app, 10, &[("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let anybody = app.anybody();

    let of_three = let_through(90, |number| {
        // What the client wrote itself stands on the left, and counts for nothing.
        let claimed = format!("203.0.113.{number}, 198.51.100.{}", number % 3);
        a_check(&anybody).header("X-Forwarded-For", claimed)
    })
    .await;

    assert_eq!(of_three, 30, "three clients, ten requests each");
}

async fn every_scope_has_its_rate_and_says_what_is_left(app: TestApp) {
    let app = app.beside_with(&[("THROTTLE_RATES", "{}")]).await;
    let clerk = app.clerk().await;
    let machine = app.machine(&[auth_domain::Scope::ReadShipping]).await;
    let anybody = app.anybody();
    let mut told = BTreeMap::new();
    for (scope, request) in [
        ("anon-default 30", anybody.request(Method::POST, "/api/v1/auth/token/verify/").json(&json!({ "token": "x" }))),
        ("anon-burst 120", anybody.request(Method::GET, "/api/v1/auth/public-keys/")),
        ("anon-suppressed 10", anybody.request(Method::POST, "/api/v1/auth/signup/").json(&json!({}))),
        ("user-default 60", clerk.request(Method::GET, "/api/v1/auth/sessions/")),
        ("user-burst 120", clerk.request(Method::GET, PROFILE)),
        ("user-suppressed 10", clerk.request(Method::POST, "/api/v1/auth/unregister/").json(&json!({}))),
        ("auth-check 30", a_check(&anybody)),
        ("sms-request 10", anybody.request(Method::POST, "/api/v1/auth/signin/token_request/").json(&json!({}))),
        ("api-key 6000", machine.request(Method::GET, ITEMS)),
    ] {
        let answer = Answer::to(request).await;
        let header = |name: &str| answer.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or("").to_owned();
        let (limit, remaining) = (header("ratelimit-limit"), header("ratelimit-remaining"));
        assert!(!header("ratelimit-reset").is_empty(), "{scope}");
        assert!(remaining.parse::<u32>().is_ok_and(|it| it < limit.parse().unwrap_or(0)), "{scope}: {remaining}");
        told.insert(scope, limit);
    }
    for (scope, limit) in told {
        assert_eq!(scope.rsplit(' ').next(), Some(limit.as_str()), "{scope}");
    }
}

async fn users_are_counted_one_by_one(app: TestApp) {
    let rates = json!({ "user-burst": "5/min", "auth-check": "100/min" }).to_string();
    let app = app.beside_with(&[("THROTTLE_RATES", &rates)]).await;
    let people = [app.clerk().await, app.driver().await];

    let passed = let_through(40, |number| people[number % 2].request(Method::GET, PROFILE)).await;

    assert_eq!(passed, 10, "five for each");
    let problem = people[0].get(PROFILE).await.refused(StatusCode::TOO_MANY_REQUESTS, "throttled");
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.contains("user-burst") && detail.contains('5'), "{detail}");
}

async fn machines_are_counted_by_their_key(app: TestApp) {
    let rates = json!({ "api-key": "7/min", "user-default": "3/min" }).to_string();
    let app = app.beside_with(&[("THROTTLE_RATES", &rates)]).await;
    let machine = app.machine(&[auth_domain::Scope::ReadShipping]).await;

    let passed = let_through(30, |_| machine.request(Method::GET, ITEMS)).await;

    assert_eq!(passed, 7);
}
