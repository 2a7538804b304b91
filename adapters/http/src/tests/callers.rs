//! Credentials: who is let in, who is not, and what they are told.

use std::sync::{Arc, PoisonError};

use auth_application::testing::World;
use auth_application::{KeyFingerprint, MockApiKeys, RequestFacts};
use auth_domain::testing::a_new_api_key;
use auth_domain::{ApiKey, ApiKeyHash, NewApiKey};
use kernel_application::testing::{every_right, noon};
use poem::http::StatusCode;
use poem::test::TestResponse;
use serde_json::json;

use super::contexts::{Asked, Served, serving};
use super::faults_of;
use crate::HttpSettings;

const CENTERS: &str = "/api/v1/distribution/centers/";

/// There is one API key: `mk.good`.
fn served() -> Served {
    let mut keys = MockApiKeys::new();
    keys.expect_read().returning(|key| {
        let hash = ApiKeyHash::new(if key.expose() == "mk.good" { [7; 32] } else { [8; 32] });
        key.expose().starts_with("mk.").then(|| KeyFingerprint { prefix: "mk".to_owned(), hash })
    });
    keys.expect_rights().returning(|_, _| every_right());
    let mut world = World { api_keys: keys, ..World::default() };
    let key = ApiKey::create(NewApiKey { hash: ApiKeyHash::new([7; 32]), ..a_new_api_key() }, noon());
    let key = key.expect("a key");
    world.queries.expect_api_key().times(..=1).returning(move |_| Ok(Some(key.clone())));
    Served { auth: Box::new(world), ..Served::default() }
}

async fn open_center_as(authorization: Option<&str>) -> TestResponse {
    let client = serving(served(), HttpSettings::default());
    let request = client.post(CENTERS).body_json(&json!({}));
    match authorization {
        Some(credentials) => request.header("authorization", credentials).send().await,
        None => request.send().await,
    }
}

#[tokio::test]
async fn who_shows_no_credentials_or_bad_ones_is_asked_for_them() {
    for (credentials, code) in [
        (None, "not_authenticated"),
        (Some("Basic c3RhZmY6c2VjcmV0"), "not_authenticated"),
        (Some("staff"), "not_authenticated"),
        (Some("Bearer"), "authentication_failed"),
        (Some("Bearer  "), "authentication_failed"),
        (Some("Bearer forged"), "authentication_failed"),
        (Some("Api-Key"), "authentication_failed"),
        (Some("Api-Key mk.forged"), "authentication_failed"),
    ] {
        let response = open_center_as(credentials).await;
        response.assert_status(StatusCode::UNAUTHORIZED);
        response.assert_header("www-authenticate", "Bearer realm=\"api\", Api-Key realm=\"api\"");
        assert_eq!(faults_of(response).await[0].1, code, "{credentials:?}");
    }
}

#[tokio::test]
async fn who_may_not_do_it_is_told_so_before_the_body_is_looked_at() {
    let response = open_center_as(Some("Bearer nobody")).await;

    response.assert_status(StatusCode::FORBIDDEN);
    assert_eq!(faults_of(response).await[0].1, "permission_denied");
}

#[tokio::test]
async fn a_token_that_cannot_be_read_in_time_is_neither_good_nor_bad() {
    let response = open_center_as(Some("Bearer slow")).await;

    response.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    response.assert_header("retry-after", "1");
}

#[tokio::test]
async fn the_scheme_is_known_in_any_case() {
    for credentials in ["Bearer staff", "bearer staff", "BEARER  staff"] {
        open_center_as(Some(credentials)).await.assert_status(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_bad_credential_is_ignored_where_none_is_needed() {
    let client = serving(Served::default(), HttpSettings::default());
    let request = client.post("/api/v1/auth/signin/").header("authorization", "Bearer forged");

    request.body_json(&json!({})).send().await.assert_status(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_token_is_shown_for_one_method_and_path_in_one_spelling() {
    let asked = Asked::default();
    let client = serving(Served { asked: Arc::clone(&asked), ..Served::default() }, HttpSettings::default());
    for path in ["/api/v1/distribution/centers", "/api/v1//distribution/centers//?page=2"] {
        client.post(path).header("authorization", "Bearer nobody").send().await;
    }

    let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|it| *it == RequestFacts { method: "POST".to_owned(), path: CENTERS.to_owned() }));
}

#[tokio::test]
async fn an_api_key_is_shown_in_either_header_and_its_scheme_is_known_in_any_case() {
    for (header, value) in [
        ("authorization", "Api-Key mk.good"),
        ("authorization", "api-key  mk.good"),
        ("authorization", "API-KEY mk.good"),
        ("x-api-key", "mk.good"),
    ] {
        let client = serving(served(), HttpSettings::default());
        let response = client.post(CENTERS).header(header, value).body_json(&json!({})).send().await;
        response.assert_status(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn of_two_credentials_one_counts_and_a_bad_one_is_not_made_good_by_the_other() {
    for (authorization, key, status) in [
        ("Bearer staff", "mk.forged", StatusCode::BAD_REQUEST),
        ("Bearer forged", "mk.good", StatusCode::UNAUTHORIZED),
        ("Api-Key mk.forged", "mk.good", StatusCode::UNAUTHORIZED),
        ("Basic c3RhZmY6c2VjcmV0", "mk.good", StatusCode::BAD_REQUEST),
        ("Basic c3RhZmY6c2VjcmV0", "mk.forged", StatusCode::UNAUTHORIZED),
    ] {
        let client = serving(served(), HttpSettings::default());
        let request = client.post(CENTERS).header("authorization", authorization).header("x-api-key", key);
        let response = request.body_json(&json!({})).send().await;
        assert_eq!(response.0.status(), status, "{authorization} and {key}");
    }
}

#[tokio::test]
async fn a_credential_that_is_sent_twice_is_none() {
    let client = serving(served(), HttpSettings::default());
    let request = client.post(CENTERS).header("authorization", "Bearer staff").header("authorization", "Bearer staff");

    request.send().await.assert_status(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_credential_is_looked_at_once_however_many_ask_who_it_is() {
    let asked = Asked::default();
    let client = serving(Served { asked: Arc::clone(&asked), ..served() }, HttpSettings::default());

    let request = client.post(CENTERS).header("authorization", "Bearer staff").header("idempotency-key", "1");
    request.body_json(&json!({})).send().await.assert_status(StatusCode::BAD_REQUEST);

    assert_eq!(asked.lock().unwrap_or_else(PoisonError::into_inner).len(), 1);
}

#[tokio::test]
async fn who_shows_no_good_credential_is_not_counted_and_who_may_not_do_it_is() {
    for (credentials, counted) in [(None, false), (Some("Bearer forged"), false), (Some("Bearer nobody"), true)] {
        let response = open_center_as(credentials).await;
        assert_eq!(response.0.header("ratelimit-limit").is_some(), counted, "{credentials:?}");
    }
}
