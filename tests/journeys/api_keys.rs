//! Machines show a key instead of signing in.

use chrono::{TimeDelta, Utc};
use regex::Regex;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, TestApp, Visitor};
use tokio::time::{Duration, Instant};

use crate::stage::{BATCHES, CENTERS, ITEMS};

on_both_stacks![
    a_key_does_what_its_scopes_say_and_nothing_else,
    a_key_is_shown_once_and_found_by_a_pattern,
    a_key_that_was_revoked_opens_nothing_on_any_instance_within_a_second,
    a_key_costs_one_read_a_second_and_a_made_up_one_nothing,
    only_superusers_look_after_keys,
    a_key_cannot_be_made_for_nothing_or_for_yesterday,
    a_key_says_when_it_was_last_used,
    both_headers_and_any_case_of_the_scheme_will_do,
];

const KEYS: &str = "/api/v1/auth/api-keys/";
const PROFILE: &str = "/api/v1/user/users/self/profile/";

async fn a_key(root: &Visitor, scopes: Value) -> Value {
    root.post(KEYS, json!({ "name": "scanner", "scopes": scopes })).await.expecting(StatusCode::CREATED)
}

fn showing(app: &TestApp, created: &Value) -> Visitor {
    let mut machine = app.anybody();
    machine.api_key = created["key"].as_str().map(str::to_owned);
    machine
}

async fn a_key_does_what_its_scopes_say_and_nothing_else(app: TestApp) {
    let root = app.superuser().await;
    let reader = showing(&app, &a_key(&root, json!(["shipping:read"])).await);
    let usual = showing(&app, &root.post(KEYS, json!({ "name": "usual" })).await.expecting(StatusCode::CREATED));
    let centers = showing(&app, &a_key(&root, json!(["distribution:read"])).await);

    reader.get(ITEMS).await.expecting(StatusCode::OK);
    reader.post(ITEMS, json!({})).await.refused(StatusCode::FORBIDDEN, "permission_denied");
    reader.get(CENTERS).await.refused(StatusCode::FORBIDDEN, "permission_denied");
    usual.get(BATCHES).await.expecting(StatusCode::OK);
    usual.post(BATCHES, json!({})).await.expecting(StatusCode::CREATED);
    centers.get(CENTERS).await.expecting(StatusCode::OK);
    centers.get(ITEMS).await.refused(StatusCode::FORBIDDEN, "permission_denied");
    for machine in [&reader, &usual, &centers] {
        for path in [PROFILE, "/api/v1/user/users/", KEYS, "/api/v1/auth/sessions/"] {
            machine.get(path).await.refused(StatusCode::FORBIDDEN, "permission_denied");
        }
        machine.post("/api/v1/auth/token/heartbeat/", json!({})).await.expecting(StatusCode::OK);
    }
}

/// The pattern that operators are told to look for.
fn what_scanners_look_for() -> Regex {
    let told = include_str!("../../docs/operations.md").split('`').find(|it| it.contains("mk_["));
    Regex::new(told.expect("a pattern")).expect("a regular expression")
}

async fn a_key_is_shown_once_and_found_by_a_pattern(app: TestApp) {
    let root = app.superuser().await;

    let created = a_key(&root, json!(["shipping:read"])).await;

    let key = created["key"].as_str().expect("a key");
    let (prefix, secret) = key.split_once('.').expect("a prefix and a secret");
    assert_eq!(json!(prefix), created["prefix"]);
    let log = format!("GET /?key={key}&page=1 \"{key}\", and X-Api-Key: {key}\n");
    let found: Vec<_> = what_scanners_look_for().find_iter(&log).map(|it| it.as_str()).collect();
    assert_eq!(found, [key; 3]);
    for other in [prefix, secret, &key[..key.len() - 1], &format!("x{key}"), &format!("{key}x")] {
        assert!(!what_scanners_look_for().is_match(other), "{other}");
    }
    let list = root.get(KEYS).await.expecting(StatusCode::OK);
    let listed = list["results"].as_array().expect("keys").iter().find(|it| it["id"] == created["id"]);
    let listed = listed.expect("the new key").as_object().expect("an object");
    assert!(!listed.contains_key("key") && listed.contains_key("last_used_at"), "{listed:#?}");
    for (table, rows) in support::rows::everything_in(&app).await {
        assert!(rows.iter().all(|it| !it.contains(secret)), "the secret is in {table}");
    }
}

async fn a_key_that_was_revoked_opens_nothing_on_any_instance_within_a_second(app: TestApp) {
    let other = app.beside().await;
    let root = app.superuser().await;
    let created = a_key(&root, json!(["shipping:read"])).await;
    let machine = showing(&app, &created);
    machine.get(ITEMS).await.expecting(StatusCode::OK);
    machine.at(&other).get(ITEMS).await.expecting(StatusCode::OK);

    let id = created["id"].as_str().expect("an id");
    root.delete(&format!("{KEYS}{id}/")).await.expecting(StatusCode::NO_CONTENT);

    let deadline = Instant::now() + Duration::from_secs(1);
    machine.get(ITEMS).await.refused(StatusCode::UNAUTHORIZED, "authentication_failed");
    loop {
        let asked_at = Instant::now();
        if machine.at(&other).get(ITEMS).await.status == StatusCode::UNAUTHORIZED {
            break;
        }
        assert!(asked_at < deadline, "the other instance still lets it in");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    root.delete(&format!("{KEYS}00000000-0000-0000-0000-000000000001/"))
        .await
        .refused(StatusCode::NOT_FOUND, "not_found");
}

async fn a_key_costs_one_read_a_second_and_a_made_up_one_nothing(app: TestApp) {
    let root = app.superuser().await;
    let created = a_key(&root, json!(["distribution:read"])).await;
    let machine = showing(&app, &created);
    let _quiet = app.quiet().await;
    let before = app.database.statements();
    // It may not look at items, so that nothing is read but the key.
    for _ in 0..5 {
        machine.get(ITEMS).await.refused(StatusCode::FORBIDDEN, "permission_denied");
    }
    let began = Instant::now();
    assert!(app.database.statements() - before <= 1 + began.elapsed().as_secs(), "one read for all of them");

    let mut forged = created["key"].as_str().expect("a key").to_owned();
    let last = if forged.ends_with('a') { "b" } else { "a" };
    forged.replace_range(forged.len() - 1.., last);
    let mut stranger = app.anybody();
    let before = app.database.statements();
    for key in [forged.as_str(), "mk_00000000.x", "nonsense", ".", "a.b.c"] {
        stranger.api_key = Some(key.to_owned());
        stranger.get(ITEMS).await.refused(StatusCode::UNAUTHORIZED, "authentication_failed");
    }
    assert_eq!(app.database.statements(), before, "its checksum is wrong");
}

async fn only_superusers_look_after_keys(app: TestApp) {
    for visitor in [app.driver().await, app.clerk().await, app.manager().await] {
        visitor.get(KEYS).await.refused(StatusCode::FORBIDDEN, "permission_denied");
        visitor.post(KEYS, json!({ "name": "mine" })).await.refused(StatusCode::FORBIDDEN, "permission_denied");
    }
}

async fn a_key_cannot_be_made_for_nothing_or_for_yesterday(app: TestApp) {
    let root = app.superuser().await;
    let yesterday = (now() - TimeDelta::days(1)).to_rfc3339();
    for (body, field) in [
        (json!({}), "name"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(51) }), "name"),
        (json!({ "name": "x", "scopes": [] }), "scopes"),
        (json!({ "name": "x", "scopes": ["user:self"] }), "scopes"),
        (json!({ "name": "x", "scopes": "shipping:read,root" }), "scopes"),
        (json!({ "name": "x", "expires_at": yesterday }), "expires_at"),
        (json!({ "name": "x", "expires_at": "soon" }), "expires_at"),
    ] {
        let problem = root.post(KEYS, body.clone()).await.expecting(StatusCode::BAD_REQUEST);
        let told = problem["errors"][0]["field"].as_str().unwrap_or_default();
        assert!(told.starts_with(field), "{body}: {problem:#}");
    }
    let tomorrow = (now() + TimeDelta::days(1)).to_rfc3339();
    root.post(KEYS, json!({ "name": "x", "expires_at": tomorrow })).await.expecting(StatusCode::CREATED);
}

#[expect(clippy::disallowed_methods, reason = "the application under test reads the same clock")]
fn now() -> chrono::DateTime<Utc> {
    Utc::now()
}

async fn a_key_says_when_it_was_last_used(app: TestApp) {
    let root = app.superuser().await;
    let created = a_key(&root, json!(["shipping:read"])).await;
    showing(&app, &created).get(ITEMS).await.expecting(StatusCode::OK);

    app.auth.keep_key_uses().await.expect("it is kept");

    let list = root.get(KEYS).await.expecting(StatusCode::OK);
    let listed = list["results"].as_array().expect("keys").iter().find(|it| it["id"] == created["id"]);
    assert!(listed.expect("the key")["last_used_at"].is_string(), "{list:#}");
}

async fn both_headers_and_any_case_of_the_scheme_will_do(app: TestApp) {
    let root = app.superuser().await;
    let created = a_key(&root, json!(["shipping:read"])).await;
    let key = created["key"].as_str().expect("a key");

    for (header, value) in [
        ("Authorization", format!("Api-Key {key}")),
        ("Authorization", format!("api-key {key}")),
        ("Authorization", format!("API-KEY   {key}")),
        ("X-Api-Key", key.to_owned()),
    ] {
        let request = app.anybody().request(Method::GET, ITEMS).header(header, value);
        Answer::to(request).await.expecting(StatusCode::OK);
    }
}
