//! Credentials: who is let in, who is not, and what they are told.

use std::sync::{Arc, PoisonError};

use auth_application::RequestFacts;
use poem::http::StatusCode;
use poem::test::TestResponse;
use serde_json::json;

use super::contexts::{Asked, Served, serving};
use super::faults_of;
use crate::HttpSettings;

const CENTERS: &str = "/api/v1/distribution/centers/";

async fn open_center_as(authorization: Option<&str>) -> TestResponse {
    let client = serving(Served::default(), HttpSettings::default());
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
    ] {
        let response = open_center_as(credentials).await;
        response.assert_status(StatusCode::UNAUTHORIZED);
        response.assert_header("www-authenticate", "Bearer realm=\"api\"");
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
