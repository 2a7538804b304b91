//! What is served besides the operations: files, and a developer's inbox.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::testing::noon;
use kernel_domain::BoxError;
use poem::http::{Method, StatusCode};

use super::{faults_of, parcels, serving};
use crate::{HttpSettings, Inbox, InboxMessage, Media, MediaFile};

struct Shelf;

#[async_trait]
impl Media for Shelf {
    async fn read(&self, path: &str) -> Result<Option<MediaFile>, BoxError> {
        match path {
            "images/a.png" => Ok(Some(MediaFile { media_type: "image/png".to_owned(), bytes: vec![7; 4096].into() })),
            "broken" => Err("the secret disk is full".into()),
            _ => Ok(None),
        }
    }
}

fn with_media() -> HttpSettings {
    HttpSettings { media: Some(Arc::new(Shelf)), ..HttpSettings::default() }
}

#[tokio::test]
async fn a_file_is_handed_out_as_what_it_is_and_may_do_nothing() {
    let client = serving(parcels(), with_media());
    let response = client.get("/media/images/a.png").header("accept-encoding", "gzip").send().await;

    response.assert_status_is_ok();
    for (header, expected) in [
        ("content-type", "image/png"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, max-age=300"),
        ("content-disposition", "inline"),
        ("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
    ] {
        response.assert_header(header, expected);
    }
    response.assert_header_is_not_exist("content-encoding");
    response.assert_bytes(vec![7; 4096]).await;
    let head = client.head("/media/images/a.png").send().await;
    head.assert_header("content-length", "4096");
    client.post("/media/images/a.png").send().await.assert_status(StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn what_names_no_file_is_not_found() {
    let client = serving(parcels(), with_media());
    for path in ["other.png", "", "..", "../images/a.png", "images/../images/a.png", "%2e%2e/a", "images%2fa.png%00"] {
        let response = client.get(format!("/media/{path}")).send().await;
        response.assert_status(StatusCode::NOT_FOUND);
        assert_eq!(faults_of(response).await[0].1, "not_found", "{path}");
    }
    client.get("/media/broken").send().await.assert_status(StatusCode::SERVICE_UNAVAILABLE);
}

struct Telephone;

impl Inbox for Telephone {
    fn messages(&self) -> Vec<InboxMessage> {
        vec![InboxMessage { sent_at: noon(), number: "+821012345678".to_owned(), token: "123456".to_owned() }]
    }
}

#[tokio::test]
async fn a_developer_sees_what_was_sent() {
    let settings = HttpSettings { inbox: Some(Arc::new(Telephone)), ..HttpSettings::default() };

    let response = serving(parcels(), settings).get("/dev/inbox").send().await;

    response.assert_content_type("text/html; charset=utf-8");
    response.assert_header("cache-control", "no-store");
    let page = response.0.into_body().into_string().await.expect("a page");
    let row = "<tr><td>2026-01-02T12:00:00Z</td><td>+821012345678</td><td><code>123456</code></td></tr>";
    assert!(page.contains(row) && !page.contains("<script"), "{page}");
}

#[tokio::test]
async fn neither_is_there_unless_it_is_asked_for() {
    let client = serving(parcels(), HttpSettings::default());
    for path in ["/media/images/a.png", "/dev/inbox"] {
        client.get(path).send().await.assert_status(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn pages_elsewhere_read_answers_only_if_they_are_listed() {
    const LISTED: &str = "https://app.example.com";
    let settings = HttpSettings { allowed_origins: vec![LISTED.to_owned()], ..HttpSettings::default() };
    let client = serving(parcels(), settings);
    let path = "/api/v1/parcels/";

    let response = client.get(path).header("origin", LISTED).send().await;
    response.assert_status_is_ok();
    response.assert_header("access-control-allow-origin", LISTED);
    let exposed = response.0.header("access-control-expose-headers").expect("some").to_ascii_lowercase();
    assert!(exposed.contains("correlation-id") && exposed.contains("ratelimit-remaining"), "{exposed}");
    assert!(response.0.headers().get_all("vary").iter().any(|it| it == "origin"));
    response.assert_header_is_not_exist("access-control-allow-credentials");

    for stranger in ["https://evil.example.com", "https://app.example.com.evil.example", "null"] {
        let response = client.get(path).header("origin", stranger).send().await;
        response.assert_status_is_ok();
        response.assert_header_is_not_exist("access-control-allow-origin");
    }

    let asking = |origin| {
        let ask = client.request(Method::OPTIONS, path).header("origin", origin);
        ask.header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, idempotency-key")
            .send()
    };
    let response = asking(LISTED).await;
    response.assert_status_is_ok();
    response.assert_header("access-control-allow-origin", LISTED);
    let allowed = response.0.header("access-control-allow-methods").expect("some").to_owned();
    assert!(allowed.contains("POST") && allowed.contains("PATCH"), "{allowed}");
    response.assert_header("access-control-allow-headers", "authorization, idempotency-key");
    asking("https://evil.example.com").await.assert_header_is_not_exist("access-control-allow-origin");
    let plain = client.request(Method::OPTIONS, path).header("origin", LISTED).send().await;
    plain.assert_status(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn nobody_elsewhere_reads_answers_unless_somebody_is_listed() {
    let response = super::client().get("/api/v1/parcels/").header("origin", "https://app.example.com").send().await;

    response.assert_status_is_ok();
    response.assert_header_is_not_exist("access-control-allow-origin");
}
