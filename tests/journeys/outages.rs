//! The database dies, and what was acknowledged does not; Redis is away, and who was shut out stays out.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use support::app::{Stack, TestApp};
use support::containers::{killed, mysql_of_its_own, redis_of_its_own};
use support::paths::ITEMS;
use tokio::time::{Instant, sleep};

use crate::sessions::{in_a_second, is_out};

/// A MySQL that was killed looks through its log first, on a machine that does other things.
const RECOVERY_DEADLINE: Duration = Duration::from_mins(1);
/// A refusal takes no longer than the wait for a connection, and much more on a busy machine.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);
const PROFILE: &str = "/api/v1/user/users/self/profile/";

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

/// Access tokens that are good no more are told by the database alone: Redis may hang, or be gone.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_shut_out_is_out_on_every_instance_within_a_second_also_without_redis() {
    let Some((redis, url)) = redis_of_its_own().await else { return };
    let changed = [("CACHE_URL", url.as_str()), ("CACHE_TIMEOUT_MS", "50")];
    let Some(app) = TestApp::start_with(Stack::Networked, &changed).await else { return };
    let other = app.beside().await;
    let root = app.superuser().await;

    for is_gone in [false, true] {
        let (leaver, banned) = (app.clerk().await, app.clerk().await);
        for visitor in [&leaver, &banned] {
            visitor.at(&other).get(PROFILE).await.expecting(StatusCode::OK);
        }
        if is_gone {
            redis.stop_with_timeout(Some(0)).await.expect("Redis stops");
        } else {
            redis.pause().await.expect("Redis hangs");
        }

        let left = leaver.post("/api/v1/auth/signout/", json!({ "refresh": leaver.refresh })).await;
        let deadline = in_a_second();
        left.expecting(StatusCode::NO_CONTENT);
        is_out(&leaver, deadline).await;
        is_out(&leaver.at(&other), deadline).await;

        let ban = root.post(&format!("/api/v1/user/users/{}/ban/", banned.user_id), json!({})).await;
        let deadline = in_a_second();
        ban.expecting(StatusCode::NO_CONTENT);
        is_out(&banned, deadline).await;
        is_out(&banned.at(&other), deadline).await;

        root.at(&other).get(PROFILE).await.expecting(StatusCode::OK);
        if !is_gone {
            redis.unpause().await.expect("Redis goes on");
        }
    }
}
