//! Contexts that are served apart: what is there, and what other processes may ask.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_domain::StoreError;
use poem::Endpoint;
use poem::http::StatusCode;
use poem::test::{TestClient, TestResponse};
use serde_json::json;

use super::contexts::{Served, as_staff, serving};
use super::{faults_of, json_of};
use crate::{HttpSettings, Questions};

/// Answers whoever shows `ours`.
struct Echo;

#[async_trait]
impl Questions for Echo {
    fn admits(&self, key: &str) -> bool {
        key == "ours"
    }

    async fn answer(&self, question: &str, asked: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match question {
            "echo-1" => Ok(Some(asked.to_vec())),
            "breaks-1" => Err(StoreError::unavailable("the database does not answer")),
            _ => Ok(None),
        }
    }
}

fn answering() -> HttpSettings {
    HttpSettings { questions: Some(Arc::new(Echo)), ..HttpSettings::default() }
}

async fn ask<E: Endpoint>(client: &TestClient<E>, question: &str, credential: &str, size: usize) -> TestResponse {
    let request = client.post(format!("/internal/contexts/{question}")).header("authorization", credential);
    request.content_type("application/json").body("7".repeat(size)).send().await
}

#[tokio::test]
async fn a_process_that_shows_the_key_is_answered() {
    let client = serving(Served::default(), answering());

    let answer = ask(&client, "echo-1", "Contexts ours", 3).await;
    answer.assert_status_is_ok();
    answer.assert_content_type("application/json");
    answer.assert_text("777").await;
    for (question, size, status) in [
        ("unknown-1", 1, StatusCode::NOT_FOUND),
        ("breaks-1", 1, StatusCode::SERVICE_UNAVAILABLE),
        ("echo-1", 4 * 1024 * 1024 + 1, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        ask(&client, question, "Contexts ours", size).await.assert_status(status);
    }
    client.get("/internal/contexts/echo-1").send().await.assert_status(StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn nobody_else_is_answered_whatever_they_show() {
    let client = serving(Served::default(), answering());

    for credential in ["", "ours", "Contexts", "Contexts ", "Contexts theirs", "Bearer ours", "Bearer staff"] {
        for question in ["echo-1", "unknown-1"] {
            ask(&client, question, credential, 1).await.assert_status(StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn where_all_contexts_are_served_together_nothing_can_be_asked() {
    let client = serving(Served::default(), HttpSettings::default());

    ask(&client, "echo-1", "Contexts ours", 1).await.assert_status(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_served_elsewhere_is_neither_there_nor_documented() {
    let settings = HttpSettings { contexts: vec!["shipping", "distribution"], ..HttpSettings::default() };
    let client = serving(Served::default(), HttpSettings { public_docs: true, ..settings });

    for path in ["auth/public-keys/", "user/users/self/profile/"] {
        let answer = as_staff(client.get(format!("/api/v1/{path}"))).send().await;
        answer.assert_status(StatusCode::NOT_FOUND);
        assert_eq!(faults_of(answer).await[0].1, "not_found", "{path}");
    }
    as_staff(client.get("/api/v1/shipping/batches/?page=x")).send().await.assert_status(StatusCode::BAD_REQUEST);
    client.get("/healthcheck").send().await.assert_status_is_ok();

    let document = json_of(client.get("/api/docs/openapi.json").send().await).await;
    let paths: Vec<_> = document["paths"].as_object().expect("paths").keys().collect();
    assert!(paths.iter().any(|it| it.starts_with("/api/v1/shipping/")), "{paths:?}");
    assert!(!paths.iter().any(|it| it.starts_with("/api/v1/auth/") || it.contains("internal")), "{paths:?}");
    let chapters: Vec<_> = document["tags"].as_array().expect("chapters").iter().map(|it| &it["name"]).collect();
    assert!(chapters.contains(&&json!("shipping")) && !chapters.contains(&&json!("user")), "{chapters:?}");
    let page = client.get("/api/docs/redoc").send().await.0.into_body().into_string().await.expect("a page");
    assert!(page.contains("/api/v1/shipping/batches/") && !page.contains("/api/v1/auth/token/verify/"));
}
