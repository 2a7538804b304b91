//! What operators see: a scrape tells what was asked, and what came of it.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use support::app::TestApp;
use telemetry_adapter::METRICS;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::stage::{ITEMS, Stage};

on_both_stacks![a_scrape_tells_what_was_asked_and_what_came_of_it];

/// The value of a line like `name{label="value"} 7`; nothing if there is none.
fn value(told: &str, line: &str) -> Option<f64> {
    told.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(' ')?.parse().ok())
}

async fn a_scrape_tells_what_was_asked_and_what_came_of_it(app: TestApp) {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let rates = json!({ "auth-check": "1/min", "user-default": "1000/min", "api-key": "1000/min" }).to_string();
    let app = app.beside_with(&[("METRICS_ADDR", &free.to_string()), ("THROTTLE_RATES", &rates)]).await;
    let staff = app.manager().await;
    let scrape = async || {
        let answer = reqwest::get(format!("http://{free}/metrics")).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.text().await.expect("a text")
    };

    for _ in 0..3 {
        staff.post(ITEMS, json!({ "sku": "SHOE-42" })).await.expecting(StatusCode::CREATED);
    }
    staff.get(&format!("{ITEMS}20000101-0000000000/")).await.expecting(StatusCode::NOT_FOUND);
    let number = json!({ "phonenumber": app.a_phone_number().as_str() });
    for _ in 0..2 {
        app.anybody().post("/api/v1/auth/phonenumber/check/", number.clone()).await;
    }
    for _ in 0..2 {
        staff.get("/api/v1/user/users/self/profile/").await.expecting(StatusCode::OK);
    }

    let told = scrape().await;
    let requests = "majestic_http_request_duration_seconds_count";
    let items = r#"route="/api/v1/shipping/shippingitems""#;
    for (line, least) in [
        (format!(r#"{requests}{{{items},method="POST",status="2xx"}}"#), 3.0),
        (
            format!(
                r#"{requests}{{route="/api/v1/shipping/shippingitems/{{tracking_number}}",method="GET",status="4xx"}}"#
            ),
            1.0,
        ),
        (r#"majestic_http_throttled_total{scope="auth-check"}"#.to_owned(), 1.0),
        (r#"majestic_database_connections{pool="primary",state="most"}"#.to_owned(), 32.0),
        ("majestic_database_statements_total".to_owned(), 1.0),
        (r#"majestic_cache_views_total{kind="user:profile:1",outcome="hit"}"#.to_owned(), 1.0),
        (r#"majestic_outbox_parked{subscriber="bus"}"#.to_owned(), 0.0),
        (r#"majestic_passwords{state="waiting"}"#.to_owned(), 0.0),
        ("majestic_http_shed_total".to_owned(), 0.0),
    ] {
        assert!(value(&told, &line).is_some_and(|it| it >= least), "{line} is not {least} in\n{told}");
    }
    assert!(!told.contains("20000101"), "labels are bounded, whatever is asked for:\n{told}");
    let began = Instant::now();
    while value(&scrape().await, r#"majestic_outbox_waiting{subscriber="bus"}"#) != Some(0.0) {
        assert!(began.elapsed() < Duration::from_mins(1), "what waits is delivered, and told so");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(reqwest::get(format!("{}/metrics", app.base)).await.expect("an answer").status(), StatusCode::NOT_FOUND);
}

#[test]
fn every_number_is_explained_to_operators() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = std::fs::read_to_string(page).expect("docs/operations.md");
    for metric in METRICS {
        assert!(page.contains(&format!("`{}", metric.name)), "{} is not explained", metric.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_costs_a_handful_of_statements() {
    let Some(app) = TestApp::start(support::app::Stack::Embedded).await else { return };
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let app = app.beside_with(&[("METRICS_ADDR", &free.to_string())]).await;
    Stage::set(&app).await;
    let _quiet = app.quiet().await;

    let before = app.database.statements();
    reqwest::get(format!("http://{free}/metrics")).await.expect("an answer");

    let statements = app.database.statements() - before;
    assert!(statements <= 12, "{statements} statements");
}
