//! What stands behind the application fails, or more is asked than it can do: it says so soon, serves what it can, and is
//! itself again afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use support::app::{Answer, Stack, TestApp, Visitor};
use support::pictures;
use support::proxy::{Fault, FaultProxy};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::stage::{ITEMS, Stage};

const PROFILE: &str = "/api/v1/user/users/self/profile/";
const READINESS: &str = "/api/readiness/";

/// Everything here ends by then, on the slowest of machines.
const DEADLINE: Duration = Duration::from_mins(1);

/// Whoever has to be refused is refused by then: the two seconds that a request has there, and what a busy machine adds.
const REFUSAL_SLACK: Duration = Duration::from_secs(10);

on_both_stacks![overload_costs_the_surplus_and_not_the_service];

/// How much of what is served otherwise is still served when three times as many ask, who take their part of the same two
/// processors; and how soon half of those hear of it for whom there is no place.
const GOODPUT: f64 = 0.5;
const AT_ONCE: Duration = Duration::from_millis(50);

/// Others use the machine too, now and then: it has to be so once.
const TRIES: usize = 5;

/// How many good answers a storm is about.
const ENOUGH: u64 = 200;

/// Whoever was refused comes again after this: at once would be a measurement of clients that do nothing else.
const COME_AGAIN: Duration = Duration::from_millis(20);

/// How a storm went.
struct Storm {
    took: Duration,
    /// How long it took to be refused, each time.
    refused: Vec<Duration>,
}

/// Asks with so many clients at once until [`ENOUGH`] answers were good.
async fn storm(visitor: &Visitor, clients: u32) -> Storm {
    let (good, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut busy = JoinSet::new();
    for _ in 0..clients {
        let (visitor, good) = (visitor.clone(), good.clone());
        busy.spawn(async move {
            let mut refused = Vec::new();
            while good.load(Ordering::Relaxed) < ENOUGH {
                let asked = Instant::now();
                let answer = visitor.get(ITEMS).await;
                if answer.status == StatusCode::OK {
                    good.fetch_add(1, Ordering::Relaxed);
                } else {
                    assert_refused_for_now(&answer);
                    refused.push(asked.elapsed());
                    sleep(COME_AGAIN).await;
                }
            }
            refused
        });
    }
    let refused = timeout(DEADLINE, busy.join_all()).await.expect("enough is served, however many ask");
    Storm { took: began.elapsed(), refused: refused.concat() }
}

fn assert_refused_for_now(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert!(answer.headers.contains_key("retry-after"), "{:?}", answer.headers);
}

async fn overload_costs_the_surplus_and_not_the_service(app: TestApp) {
    let app = app.beside_with(&[("MAX_REQUESTS", "4")]).await;
    let stage = Stage::set(&app).await;
    stage.an_item().await;

    let mut tries = Vec::new();
    for _ in 0..TRIES {
        let within = storm(&stage.staff, 4).await;
        let mut beyond = storm(&stage.staff, 12).await;

        assert!(within.refused.is_empty(), "as many as fit are all served");
        assert!(!beyond.refused.is_empty(), "three times as many are not");
        for _ in 0..20 {
            stage.staff.get(ITEMS).await.expecting(StatusCode::OK);
        }
        beyond.refused.sort();
        let (goodput, refusal) =
            (within.took.as_secs_f64() / beyond.took.as_secs_f64(), beyond.refused[beyond.refused.len() / 2]);
        if goodput >= GOODPUT && refusal <= AT_ONCE {
            return;
        }
        tries.push((goodput, refusal));
    }
    panic!("so much of what is served otherwise was served, and half of the others were refused within: {tries:?}");
}

async fn until_served(visitor: &Visitor, path: &str) -> Duration {
    let began = Instant::now();
    while visitor.get(path).await.status != StatusCode::OK {
        assert!(began.elapsed() < DEADLINE, "it does not recover");
        sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

/// Readiness may know a second later.
async fn until_readiness_is(app: &TestApp, status: StatusCode, words: &[&str]) {
    let began = Instant::now();
    loop {
        let answer = app.anybody().get(READINESS).await;
        if answer.status == status && words.iter().all(|it| answer.text.contains(it)) {
            return;
        }
        assert!(began.elapsed() < DEADLINE, "{} {}", answer.status, answer.text);
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_is_told_soon_and_found_again_without_a_restart() {
    let Some(app) = TestApp::start(Stack::Networked).await else { return };
    let (proxy, url) = FaultProxy::on_the_way_to(app.variable("DATABASE_URL")).await;
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address").to_string();
    let changed = [("DATABASE_URL", url.as_str()), ("REQUEST_TIMEOUT_MS", "2000"), ("METRICS_ADDR", free.as_str())];
    let app = app.beside_with(&changed).await;
    let stage = Stage::set(&app).await;
    let unknown = r#"majestic_outbox_waiting{subscriber="bus"} NaN"#;
    let scrape = async || {
        let answer = reqwest::get(format!("http://{free}/metrics")).await.expect("an answer");
        answer.text().await.expect("a text")
    };
    stage.staff.get(ITEMS).await.expecting(StatusCode::OK);

    for fault in [Fault::Cut, Fault::Reset, Fault::BlackHole] {
        proxy.set(fault).await;
        let mut asking = JoinSet::new();
        for _ in 0..64 {
            let staff = stage.staff.clone();
            asking.spawn(async move {
                let asked = Instant::now();
                (staff.get(ITEMS).await, asked.elapsed())
            });
        }
        let all = async {
            while let Some(answered) = asking.join_next().await {
                let (answer, took) = answered.expect("no panic");
                assert_refused_for_now(&answer);
                assert!(took < REFUSAL_SLACK, "it is told after {took:?}: {fault:?}");
            }
        };
        timeout(DEADLINE / 2, all).await.unwrap_or_else(|_| panic!("somebody waits for ever: {fault:?}"));
        until_readiness_is(&app, StatusCode::SERVICE_UNAVAILABLE, &[r#""database":"failed""#, "not ready"]).await;
        app.anybody().get("/api/healthcheck/").await.expecting(StatusCode::OK);
        let told = scrape().await;
        assert!(told.contains(unknown), "what nobody knows is not told as it was: {fault:?}\n{told}");

        proxy.heal().await;
        until_served(&stage.staff, ITEMS).await;
        let began = Instant::now();
        while scrape().await.contains(unknown) {
            assert!(began.elapsed() < DEADLINE, "nobody looks again");
            sleep(Duration::from_millis(50)).await;
        }
        until_readiness_is(&app, StatusCode::OK, &[r#""database":"ok""#]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_slow_or_gone_and_everybody_is_served_on() {
    let Some(app) = TestApp::start(Stack::Networked).await else { return };
    let (proxy, url) = FaultProxy::on_the_way_to(app.variable("CACHE_URL")).await;
    let app = app.beside_with(&[("CACHE_URL", &url), ("CACHE_TIMEOUT_MS", "50")]).await;
    let stage = Stage::set(&app).await;

    for fault in [
        Fault::BlackHole,
        Fault::Latency(Duration::from_secs(2)),
        Fault::Drip { bytes: 1, every: Duration::from_millis(500) },
        Fault::Cut,
        Fault::Reset,
    ] {
        proxy.set(fault).await;
        for _ in 0..20 {
            stage.staff.get(PROFILE).await.expecting(StatusCode::OK);
            stage.an_item().await;
        }
        until_readiness_is(&app, StatusCode::OK, &[r#""cache":"failed""#, "degraded"]).await;

        proxy.heal().await;
        until_readiness_is(&app, StatusCode::OK, &[r#""cache":"ok""#, r#""ready""#]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_hang_are_given_up_and_reads_go_on_beside_them() {
    let (Some(app), Some(endpoint)) = (TestApp::start(Stack::Embedded).await, support::s3_endpoint()) else { return };
    let bucket = format!("hung-{}", app.variable("CACHE_PREFIX"));
    let made = reqwest::Client::new().put(format!("{endpoint}/{bucket}")).send().await.expect("an answer");
    assert!(made.status().is_success(), "{}", made.status());
    let proxy = FaultProxy::before(endpoint.trim_start_matches("http://")).await;
    let url = format!("s3://{bucket}?region=us-east-1&endpoint=http://{}", proxy.address());
    let keys = [("STORAGE_URL", url.as_str()), ("AWS_ACCESS_KEY_ID", "tests"), ("AWS_SECRET_ACCESS_KEY", "tests")];
    let _quiet = app.quiet().await;
    let app = app.beside_with(&keys).await;
    let stage = Stage::set(&app).await;
    let upload = |visitor: &Visitor| {
        let picture = Part::bytes(pictures::png(40, 40, true)).file_name("me.png").mime_str("image/png");
        let form = Form::new().part("image", picture.expect("a media type"));
        Answer::to(visitor.request(Method::PATCH, PROFILE).multipart(form))
    };
    upload(&stage.staff).await.expecting(StatusCode::OK);

    proxy.set(Fault::BlackHole).await;
    let mut hanging = JoinSet::new();
    for _ in 0..4 {
        let uploading = upload(&stage.staff);
        hanging.spawn(async move { uploading.await.status });
    }
    let mut read = 0;
    while hanging.try_join_next().is_none() {
        stage.staff.get(ITEMS).await.expecting(StatusCode::OK);
        read += 1;
    }

    assert!(read > 20, "reads go on: {read}");
    until_readiness_is(&app, StatusCode::OK, &[r#""storage":"failed""#, "degraded"]).await;
    let all = async { while hanging.join_next().await.is_some() {} };
    timeout(DEADLINE, all).await.expect("uploads are given up");
    proxy.heal().await;
    let began = Instant::now();
    while upload(&stage.staff).await.status != StatusCode::OK {
        assert!(began.elapsed() < DEADLINE, "uploads do not recover");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_nested_without_end_is_refused_like_any_other_that_makes_no_sense() {
    let Some(app) = TestApp::start(Stack::Embedded).await else { return };
    let stage = Stage::set(&app).await;
    for nested in [r"[".repeat(100_000), r#"{"sku":"#.repeat(100_000)] {
        let request = stage.staff.request(Method::POST, ITEMS).header("content-type", "application/json").body(nested);
        Answer::to(request).await.refused(StatusCode::BAD_REQUEST, "parse_error");
    }
    stage.an_item().await;
}
