//! What every answer has in common, the refusals most of all.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use kernel_domain::BoxError;
use poem::Endpoint as _;
use poem::http::{Method, StatusCode};
use serde_json::json;

use super::{client, faults_of, foundations, json_of, parcels, request_from, serving};
use crate::{HttpSettings, Lifecycle, Probe, pipeline, resource};

#[tokio::test]
async fn a_problem_has_one_shape_and_carries_the_correlation_id() {
    let id = "0190a3f0-7b1c-7d2e-8f00-000000000001";
    let response = client().post("/api/v1/races/").header("correlation-id", id).send().await;

    response.assert_status(StatusCode::BAD_REQUEST);
    response.assert_content_type("application/problem+json");
    response.assert_header("correlation-id", id);
    let message = "Somebody else changed this at the same time. Please look again and retry.";
    let expected = json!({
        "type": "about:blank", "title": "Bad Request", "status": 400, "detail": message,
        "code": "RaceLost", "errors": [{ "code": "RaceLost", "message": message }], "correlation_id": id,
    });
    assert_eq!(json_of(response).await, expected);
}

#[tokio::test]
async fn a_correlation_id_is_kept_in_either_spelling_whatever_is_answered() {
    for path in ["/healthcheck", "/nowhere", "/api/v1/panics", "/api/v1/breaks", "/api/v1/parcels/?page=x"] {
        for id in ["0190A3F0-7b1c-7d2e-8f00-000000000001", "0190a3f07b1c7d2e8f00000000000001"] {
            let response = client().get(path).header("correlation-id", id).send().await;
            response.assert_header("correlation-id", id);
            if response.0.content_type() == Some("application/problem+json") {
                assert_eq!(json_of(response).await["correlation_id"], id, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_correlation_id_that_is_none_is_replaced() {
    for header in ["", "nonsense", "{0190a3f0-7b1c-7d2e-8f00-000000000001}"] {
        let response = client().get("/healthcheck").header("correlation-id", header).send().await;
        response.assert_header("correlation-id", "00000000000000000000000000000001");
    }
}

#[tokio::test]
async fn a_route_or_thing_that_does_not_exist_is_not_found() {
    for path in ["/nowhere", "/api/v1/parcels/1/2", "/api/v1/parcels/not-a-uuid/", "/api/v1/parcels/%ff/", "//"] {
        let response = client().get(path).send().await;
        response.assert_status(StatusCode::NOT_FOUND);
        response.assert_content_type("application/problem+json");
        let fault = (String::new(), "not_found".to_owned(), "Not found.".to_owned());
        assert_eq!(faults_of(response).await, [fault], "{path}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_there_says_which_are() {
    let response = client().delete("/api/v1/parcels/").send().await;

    response.assert_status(StatusCode::METHOD_NOT_ALLOWED);
    response.assert_header("allow", "GET, HEAD, OPTIONS, POST");
    let (_, code, message) = faults_of(response).await.remove(0);
    assert_eq!((code.as_str(), message.as_str()), ("method_not_allowed", "Method \"DELETE\" not allowed."));
}

#[tokio::test]
async fn options_says_what_is_allowed_and_nothing_else() {
    let response = client().options("/api/v1/parcels/add/").send().await;

    response.assert_status(StatusCode::NO_CONTENT);
    response.assert_header("allow", "OPTIONS, POST");
    response.assert_text("").await;
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let get = client().get("/api/v1/parcels").send().await;
    let head = client().head("/api/v1/parcels").send().await;

    head.assert_status_is_ok();
    let length = get.0.into_body().into_bytes().await.expect("a body").len();
    head.assert_header("content-length", length.to_string());
    head.assert_text("").await;
}

#[tokio::test]
async fn a_trailing_slash_makes_no_difference() {
    for path in ["/api/v1/parcels", "/api/v1/parcels/", "/healthcheck", "/api/healthcheck/", "/api/readiness/"] {
        client().get(path).send().await.assert_status_is_ok();
    }
}

#[tokio::test]
async fn a_panic_or_a_backend_that_is_down_leaks_nothing() {
    let panicked = client().get("/api/v1/panics").send().await;
    panicked.assert_status(StatusCode::INTERNAL_SERVER_ERROR);
    let broken = client().get("/api/v1/breaks").send().await;
    broken.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    broken.assert_header("retry-after", "1");

    for (response, code) in [(panicked, "error"), (broken, "unavailable")] {
        let problem = json_of(response).await;
        assert_eq!(problem["code"], code);
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_unavailable() {
    let settings = HttpSettings { request_timeout: Duration::from_millis(20), ..HttpSettings::default() };
    let response = serving(parcels(), settings).get("/api/v1/waits/").send().await;

    response.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(faults_of(response).await[0].1, "unavailable");
}

#[tokio::test]
async fn neither_a_deadline_nor_a_client_that_leaves_cuts_a_change_off() {
    let (parcels, lifecycle) = (parcels(), Lifecycle::default());
    let (gate, finished) = (Arc::clone(&parcels.gate), Arc::clone(&parcels.finished));
    let request_timeout = Duration::from_millis(20);
    let client =
        serving(parcels, HttpSettings { request_timeout, lifecycle: lifecycle.clone(), ..HttpSettings::default() });

    client.post("/api/v1/waits/").send().await.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    assert!(client.post("/api/v1/waits/").send().now_or_never().is_none(), "left while it ran");
    assert!(lifecycle.idle().now_or_never().is_none(), "a stop would wait for both");

    for _ in 0..2 {
        gate.notify_one();
        tokio::time::timeout(Duration::from_secs(5), finished.notified()).await.expect("it is finished all the same");
    }
    tokio::time::timeout(Duration::from_secs(5), lifecycle.idle()).await.expect("nothing is left running");
}

#[tokio::test]
async fn browsers_are_told_to_be_careful() {
    for path in ["/api/v1/parcels", "/nowhere"] {
        let response = client().get(path).send().await;
        response.assert_header("cache-control", "no-store");
        response.assert_header("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
        response.assert_header("referrer-policy", "no-referrer");
        response.assert_header("x-content-type-options", "nosniff");
        response.assert_header("x-frame-options", "DENY");
    }
}

#[tokio::test]
async fn whoever_came_by_https_is_told_to_come_no_other_way() {
    let proxies = || vec!["127.0.0.0/8".parse().expect("a network")];
    for (public_url, trusted_proxies, forwarded, is_told) in [
        (Some("https://majestic.example"), vec![], "http", true),
        (Some("http://majestic.example"), proxies(), "https", false),
        (None, proxies(), "https", true),
        (None, proxies(), "http", false),
        (None, vec![], "https", false),
    ] {
        let public_url = public_url.map(ToOwned::to_owned);
        let settings = HttpSettings { public_url, trusted_proxies, ..HttpSettings::default() };
        let api = pipeline(resource::operations("/api/v1", parcels()), foundations(), settings);
        for path in ["/api/v1/parcels", "/nowhere"] {
            let request = poem::http::Request::builder().uri(path).header("x-forwarded-proto", forwarded);
            let answer = api.get_response(request_from("127.0.0.1", request)).await;
            let told = answer.header("strict-transport-security");
            assert_eq!(told, is_told.then_some("max-age=31536000"), "{forwarded}, {path}");
        }
    }
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_can_read_it() {
    let client = client();
    let ask = |accept: &'static str| client.get("/api/v1/parcels").header("accept-encoding", accept).send();

    let small = client.get("/healthcheck").header("accept-encoding", "gzip").send().await;
    small.assert_header_is_not_exist("content-encoding");
    let plain = ask("identity").await;
    plain.assert_header_is_not_exist("content-encoding");
    plain.assert_header("vary", "accept-encoding");
    let plain = plain.0.into_body().into_bytes().await.expect("a body").len();
    for coding in ["gzip", "br"] {
        let packed = ask(coding).await;
        packed.assert_header("content-encoding", coding);
        packed.assert_header("vary", "accept-encoding");
        assert!(packed.0.into_body().into_bytes().await.expect("a body").len() < plain / 2);
    }
}

struct Up;
struct Down;
struct Stuck;

#[async_trait]
impl Probe for Up {
    async fn check(&self) -> Result<(), BoxError> {
        Ok(())
    }
}

#[async_trait]
impl Probe for Down {
    async fn check(&self) -> Result<(), BoxError> {
        Err("secret host unreachable".into())
    }
}

#[async_trait]
impl Probe for Stuck {
    async fn check(&self) -> Result<(), BoxError> {
        std::future::pending().await
    }
}

async fn readiness(probes: Vec<(&'static str, Arc<dyn Probe>)>, lifecycle: Lifecycle) -> (StatusCode, String) {
    let settings = HttpSettings { probes, lifecycle, ..HttpSettings::default() };
    let response = serving(parcels(), settings).get("/api/readiness/").send().await;
    (response.0.status(), json_of(response).await.to_string())
}

#[tokio::test]
async fn a_process_is_alive_whatever_its_backends_do() {
    let settings = HttpSettings { probes: vec![("database", Arc::new(Down))], ..HttpSettings::default() };
    let response = serving(parcels(), settings).get("/healthcheck/").send().await;

    response.assert_status_is_ok();
    response.assert_text("{}").await;
}

#[tokio::test]
async fn a_process_is_ready_when_every_backend_works() {
    let ready = readiness(vec![("database", Arc::new(Up))], Lifecycle::default()).await;

    assert_eq!(ready, (StatusCode::OK, r#"{"checks":{"database":"ok"},"status":"ready"}"#.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn readiness_names_what_failed_and_does_not_wait_for_what_is_stuck() {
    let probes: Vec<(_, Arc<dyn Probe>)> =
        vec![("cache", Arc::new(Stuck)), ("database", Arc::new(Down)), ("tokens", Arc::new(Up))];
    let (status, body) = readiness(probes, Lifecycle::default()).await;

    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body, r#"{"checks":{"cache":"failed","database":"failed","tokens":"ok"},"status":"not ready"}"#);
}

struct DownButNotNeeded;

#[async_trait::async_trait]
impl Probe for DownButNotNeeded {
    async fn check(&self) -> Result<(), kernel_domain::BoxError> {
        Err("gone".into())
    }

    fn is_needed(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn what_can_be_done_without_is_named_and_requests_still_come() {
    let probes: Vec<(_, Arc<dyn Probe>)> = vec![("database", Arc::new(Up)), ("cache", Arc::new(DownButNotNeeded))];

    let degraded = readiness(probes, Lifecycle::default()).await;

    let body = r#"{"checks":{"cache":"failed","database":"ok"},"status":"degraded"}"#;
    assert_eq!(degraded, (StatusCode::OK, body.to_owned()));
}

#[tokio::test]
async fn a_process_that_stops_soon_is_not_ready() {
    let lifecycle = Lifecycle::default();
    lifecycle.drain();

    let (status, body) = readiness(vec![("database", Arc::new(Up))], lifecycle).await;

    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("\"draining\""), "{body}");
}

#[tokio::test]
async fn an_unknown_method_is_not_allowed_either() {
    let brew = Method::from_bytes(b"BREW").expect("a method");
    let response = client().request(brew, "/api/v1/parcels/").send().await;

    response.assert_status(StatusCode::METHOD_NOT_ALLOWED);
}
