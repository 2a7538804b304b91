//! The database dies, and what was acknowledged does not.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use support::app::{Stack, TestApp};
use support::containers::{killed, mysql_of_its_own};
use support::paths::ITEMS;
use tokio::time::{Instant, sleep};

/// A MySQL that was killed looks through its log first, on a machine that does other things.
const RECOVERY_DEADLINE: Duration = Duration::from_mins(1);
/// A refusal takes no longer than the wait for a connection, and much more on a busy machine.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread")]
async fn mysql_is_killed_and_nothing_acknowledged_is_lost_nor_anything_restarted() {
    let Some((server, url)) = mysql_of_its_own().await else { return };
    let Some(app) = TestApp::start_with(Stack::Networked, &[("DATABASE_URL", &url)]).await else { return };
    let staff = app.manager().await;
    let register = || staff.post(ITEMS, json!({ "sku": "SHOE-42" }));

    for _ in 0..2 {
        let kept = register().await.expecting(StatusCode::CREATED);
        killed(&server).await;

        let asked = Instant::now();
        let refused = register().await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.text);
        assert!(refused.headers.contains_key("retry-after"));
        assert!(asked.elapsed() < REFUSAL_DEADLINE, "{:?}", asked.elapsed());

        server.start().await.expect("MySQL starts");
        let deadline = Instant::now() + RECOVERY_DEADLINE;
        let number = kept["tracking_number"].as_str().expect("a number");
        loop {
            let seen = staff.get(&format!("{ITEMS}{number}/")).await;
            if seen.status == StatusCode::OK {
                break;
            }
            assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE, "{}", seen.text);
            assert!(Instant::now() < deadline, "it does not recover");
            sleep(PAUSE).await;
        }
    }
}
