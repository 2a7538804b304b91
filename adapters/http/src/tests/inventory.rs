//! Everything that is served: nothing that nobody knows of, and nothing without the promises that all share.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use kernel_domain::{BoxError, StoreError};
use poem::http::Method;
use poem::test::{TestClient, TestResponse};
use poem::{Endpoint, Response};
use serde_json::Value;

use super::contexts::{Served, serving};
use crate::{CONTEXTS, HttpSettings, Inbox, InboxMessage, Media, MediaFile, Questions, document};

/// What is served and stands in no document.
const BESIDES: [&str; 10] = [
    "GET /",
    "GET /api/docs/openapi.json",
    "GET /api/docs/redoc",
    "GET /api/docs/swagger",
    "GET /api/healthcheck",
    "GET /api/readiness",
    "GET /dev/inbox",
    "GET /healthcheck",
    "GET /media/*path",
    "POST /internal/contexts/{}",
];

struct Nothing;

#[async_trait]
impl Media for Nothing {
    async fn read(&self, _: &str) -> Result<Option<MediaFile>, BoxError> {
        Ok(None)
    }
}

impl Inbox for Nothing {
    fn messages(&self) -> Vec<InboxMessage> {
        Vec::new()
    }
}

#[async_trait]
impl Questions for Nothing {
    fn admits(&self, _: &str) -> bool {
        false
    }

    async fn answer(&self, _: &str, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }
}

fn everything() -> HttpSettings {
    HttpSettings {
        media: Some(Arc::new(Nothing)),
        inbox: Some(Arc::new(Nothing)),
        questions: Some(Arc::new(Nothing)),
        ..HttpSettings::default()
    }
}

/// Every method of every path that is mounted.
fn inventory() -> BTreeSet<(String, Method)> {
    INVENTORY.clone()
}

static INVENTORY: LazyLock<BTreeSet<(String, Method)>> = LazyLock::new(|| {
    let contexts = crate::operations(
        Arc::new(auth_application::testing::World::default().commits().0),
        Arc::new(user_application::testing::World::default().commits().0),
        Arc::new(distribution_application::testing::World::default().commits().0),
        Arc::new(shipping_application::testing::World::default().never_begins()),
    );
    let docs = crate::DOCS.resources(true);
    let resources = contexts.into_iter().chain(docs).chain(crate::extras(&everything()));
    let methods = resources.flat_map(|(path, resource)| {
        resource.methods().map(|method| (path.clone(), method.clone())).collect::<Vec<_>>()
    });
    methods.collect()
});

/// The operations of the document, each as `GET /api/v1/…/`.
fn documented() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(&crate::openapi_document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, _)| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

#[test]
fn what_is_served_is_what_is_documented_and_a_few_things_besides() {
    let served: BTreeSet<String> = inventory()
        .into_iter()
        .map(|(path, method)| {
            let slash = if path.starts_with(document::BASE) { "/" } else { "" };
            format!("{method} {}{slash}", anonymous(path.trim_end_matches(slash)))
        })
        .collect();

    let documented = documented().into_iter().map(|it| anonymous(&it));
    let expected: BTreeSet<String> = documented.chain(BESIDES.map(ToOwned::to_owned)).collect();
    assert_eq!(served, expected);
}

/// A path whose parameters have no names: the document says `{uuid}`, the framework `:param0`.
fn anonymous(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with([':', '{']) { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

const ID: &str = "0190a3f0-7b1c-7d2e-8f00-000000000001";

/// Everything, over contexts that know nothing.
fn app(public_url: Option<&str>) -> TestClient<impl Endpoint<Output = Response> + use<>> {
    let public_url = public_url.map(ToOwned::to_owned);
    serving(Served::default(), HttpSettings { public_url, ..everything() })
}

/// Asks for one of the resources as the staff, out of a page of somebody else.
async fn ask<E: Endpoint>(app: &TestClient<E>, path: &str, method: &Method, host: &str) -> TestResponse {
    let path: Vec<_> = path.split('/').map(|part| if part.starts_with([':', '*']) { ID } else { part }).collect();
    let request = app.request(method.clone(), path.join("/")).header("authorization", "Bearer staff");
    request.header("origin", "https://evil.example").header("host", host).send().await
}

#[test]
fn every_operation_is_of_one_context() {
    let operations: Vec<_> = inventory().into_iter().filter(|(path, _)| path.starts_with(document::BASE)).collect();
    for context in CONTEXTS {
        assert!(operations.iter().any(|(path, _)| document::is_of(&[context], path)), "{context} has no operation");
    }
    for (path, method) in operations {
        assert!(document::is_of(&CONTEXTS, &path), "{method} {path} would be left out with any context");
    }
}

#[tokio::test]
async fn every_operation_is_throttled() {
    let app = app(None);
    for (path, method) in inventory().into_iter().filter(|(path, _)| path.starts_with(document::BASE)) {
        let response = ask(&app, &path, &method, "localhost").await;
        for header in ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"] {
            assert!(response.0.header(header).is_some(), "{method} {path} says no {header}");
        }
    }
}

#[tokio::test]
async fn no_answer_sets_a_cookie_or_lets_pages_of_others_read_it() {
    let app = app(None);
    for (path, method) in inventory() {
        for method in [method, Method::OPTIONS, Method::TRACE] {
            let response = ask(&app, &path, &method, "localhost").await;
            for (header, _) in response.0.headers() {
                let header = header.as_str();
                assert!(header != "set-cookie" && !header.starts_with("access-control-"), "{method} {path}: {header}");
            }
            response.assert_header("x-content-type-options", "nosniff");
            assert!(response.0.header("correlation-id").is_some(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_host_that_somebody_made_up_is_in_no_answer_once_ours_is_configured() {
    let app = app(Some("https://majestic.example"));
    for (path, method) in inventory() {
        let response = ask(&app, &path, &method, "evil.example").await;
        assert!(!format!("{:?}", response.0.headers()).contains("evil"), "{method} {path}");
        let body = response.0.into_body().into_bytes().await.expect("a body");
        assert!(!String::from_utf8_lossy(&body).contains("evil.example"), "{method} {path}");
    }
}
