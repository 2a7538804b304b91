//! What operators see: a scrape tells what was asked, and what came of it.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use support::app::{Stack, TestApp};
use support::proxy::{Fault, FaultProxy};
use telemetry_adapter::METRICS;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::stage::{ITEMS, Stage};

on_both_stacks![a_scrape_tells_what_was_asked_and_what_came_of_it];

const PROFILE: &str = "/api/v1/user/users/self/profile/";

/// How long numbers may take to be what they are to be.
const DEADLINE: Duration = Duration::from_mins(1);

/// The value of a line like `name{label="value"} 7`; nothing if there is none.
fn value(told: &str, line: &str) -> Option<f64> {
    told.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(' ')?.parse().ok())
}

/// The numbers of an application.
pub(crate) struct Scraped {
    /// What to set `METRICS_ADDR` to.
    pub(crate) address: String,
}

impl Scraped {
    /// Those of an application that is still to be started.
    pub(crate) async fn at_a_free_port() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
        Self { address: free.to_string() }
    }

    /// All of them.
    pub(crate) async fn told(&self) -> String {
        let answer = reqwest::get(format!("http://{}/metrics", self.address)).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.text().await.expect("a text")
    }

    /// One of them.
    pub(crate) async fn value(&self, line: &str) -> f64 {
        let told = self.told().await;
        value(&told, line).unwrap_or_else(|| panic!("there is no {line} in\n{told}"))
    }

    /// Waits until one of them is as it is wanted.
    pub(crate) async fn until(&self, line: &str, is_so: impl Fn(f64) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let value = self.value(line).await;
            if is_so(value) {
                return;
            }
            assert!(Instant::now() < deadline, "{line} stays {value}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn a_scrape_tells_what_was_asked_and_what_came_of_it(app: TestApp) {
    let scraped = Scraped::at_a_free_port().await;
    let rates = json!({ "auth-check": "1/min", "user-default": "1000/min", "api-key": "1000/min" }).to_string();
    let app = app.beside_with(&[("METRICS_ADDR", &scraped.address), ("THROTTLE_RATES", &rates)]).await;
    let staff = app.manager().await;

    for _ in 0..3 {
        staff.post(ITEMS, json!({ "sku": "SHOE-42" })).await.expecting(StatusCode::CREATED);
    }
    staff.get(&format!("{ITEMS}20000101-0000000000/")).await.expecting(StatusCode::NOT_FOUND);
    let number = json!({ "phonenumber": app.a_phone_number().as_str() });
    for _ in 0..2 {
        app.anybody().post("/api/v1/auth/phonenumber/check/", number.clone()).await;
    }
    for _ in 0..2 {
        staff.get(PROFILE).await.expecting(StatusCode::OK);
    }

    let told = scraped.told().await;
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
        ("majestic_retries_total".to_owned(), 0.0),
        (r#"majestic_cache_views_total{kind="user:profile:1",outcome="hit"}"#.to_owned(), 1.0),
        (r#"majestic_outbox_parked{subscriber="bus"}"#.to_owned(), 0.0),
        (r#"majestic_passwords{state="waiting"}"#.to_owned(), 0.0),
        ("majestic_http_shed_total".to_owned(), 0.0),
    ] {
        assert!(value(&told, &line).is_some_and(|it| it >= least), "{line} is not {least} in\n{told}");
    }
    assert!(!told.contains("20000101"), "labels are bounded, whatever is asked for:\n{told}");
    scraped.until(r#"majestic_outbox_waiting{subscriber="bus"}"#, |it| it == 0.0).await;
    assert_eq!(reqwest::get(format!("{}/metrics", app.base)).await.expect("an answer").status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_is_told_as_open_for_as_long_as_redis_is_cut_off() {
    let Some(app) = TestApp::start(Stack::Networked).await else { return };
    let (proxy, url) = FaultProxy::on_the_way_to(app.variable("CACHE_URL")).await;
    let scraped = Scraped::at_a_free_port().await;
    let changed = [("CACHE_URL", url.as_str()), ("CACHE_TIMEOUT_MS", "200"), ("METRICS_ADDR", &scraped.address)];
    let app = app.beside_with(&changed).await;
    let staff = app.manager().await;
    let breakers = ["views", "throttle"].map(|it| format!(r#"majestic_breaker_open{{breaker="{it}"}}"#));

    for (fault, is_open) in [(Fault::None, false), (Fault::Cut, true), (Fault::None, false)] {
        proxy.set(fault).await;
        let asking = async {
            loop {
                staff.get(PROFILE).await.expecting(StatusCode::OK);
            }
        };
        let told = async {
            for breaker in &breakers {
                scraped.until(breaker, |it| (it > 0.0) == is_open).await;
            }
        };
        tokio::select! {
            () = asking => {}
            () = told => {}
        }
    }
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
    let Some(app) = TestApp::start(Stack::Embedded).await else { return };
    let scraped = Scraped::at_a_free_port().await;
    let app = app.beside_with(&[("METRICS_ADDR", &scraped.address)]).await;
    Stage::set(&app).await;
    let _quiet = app.quiet().await;

    let before = app.database.statements();
    scraped.told().await;

    let statements = app.database.statements() - before;
    assert!(statements <= 12, "{statements} statements");
}
