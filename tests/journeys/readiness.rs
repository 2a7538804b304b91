//! Whoever sends requests here is told what fails, and keeps sending them as long as somebody can be served.

use std::time::Duration;

use reqwest::StatusCode;
use secrets_adapter::Secrets;
use serde_json::json;
use support::amazon::Amazon;
use support::app::{Stack, TestApp};
use tokio::time::{Instant, sleep};

use crate::stage::ITEMS;

/// What is found is believed for a second, and may take the bus three.
const DEADLINE: Duration = Duration::from_secs(30);

async fn until_it_says(app: &TestApp, events: &str, whole: &str) {
    let began = Instant::now();
    loop {
        let told = app.anybody().get("/api/readiness/").await.expecting(StatusCode::OK);
        if (&told["checks"]["events"], &told["status"]) == (&json!(events), &json!(whole)) {
            return;
        }
        assert!(began.elapsed() < DEADLINE, "{told}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_is_gone_is_named_and_costs_nobody_a_request() {
    let Some(endpoint) = support::s3_endpoint() else { return };
    let amazon = Amazon::at(&endpoint);
    let name = format!("Bus-{:.16}", Secrets::generate());
    amazon.bus(&name).await;
    let url = format!("eventbridge://{name}?endpoint={endpoint}");
    let variables = [("EVENTS_URL", url.as_str()), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    let app = TestApp::start_with(Stack::Embedded, &variables).await.expect("the embedded stack is always there");
    let manager = app.manager().await;
    until_it_says(&app, "ok", "ready").await;

    amazon.no_bus(&name).await;

    until_it_says(&app, "failed", "degraded").await;
    manager.post(ITEMS, json!({ "sku": "SHOE-42" })).await.expecting(StatusCode::CREATED);
    amazon.bus(&name).await;
    until_it_says(&app, "ok", "ready").await;
}
