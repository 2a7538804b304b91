//! The application stops without cutting anybody off.

use std::time::Duration;

use serde_json::json;
use support::app::TestApp;

use crate::stage::Stage;

on_both_stacks![a_stop_waits_for_what_has_begun];

async fn a_stop_waits_for_what_has_begun(app: TestApp) {
    let stage = Stage::set(&app).await;
    let staff = stage.staff.clone();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let staff = staff.clone();
        asking.spawn(async move {
            let request = staff.request(reqwest::Method::POST, "/api/v1/shipping/shippingitems/");
            request.json(&json!({ "sku": "LAST" })).send().await
        });
    }
    let first = asking.join_next().await.expect("an answer").expect("no panic");
    assert!(first.is_ok());

    tokio::time::timeout(Duration::from_secs(30), app.stop()).await.expect("it stops");

    while let Some(asked) = asking.join_next().await {
        // Refused before it began, or answered in full; never half an answer.
        match asked.expect("no panic") {
            Ok(answer) => assert!(answer.text().await.is_ok()),
            Err(error) => assert!(error.is_connect() || error.is_request(), "{error:?}"),
        }
    }
}
