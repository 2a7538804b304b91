//! More requests than can be answered, and what operators hear of them.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{FutureExt as _, stream};
use poem::http::{HeaderMap, StatusCode};
use tokio::sync::Notify;

use super::{faults_of, parcels, serving};
use crate::overload::ARRIVING;
use crate::{Ended, HttpSettings, Observer};

/// A request that ended: its method, its route, and the status of the answer.
type Told = (String, Option<String>, Option<u16>);

#[derive(Default)]
struct Watching {
    began: AtomicU32,
    shed: AtomicU32,
    ended: Mutex<Vec<Told>>,
}

impl Observer for Watching {
    fn began(&self, _: &tracing::Span, _: &HeaderMap) {
        self.began.fetch_add(1, Ordering::Relaxed);
    }

    fn ended(&self, _: &tracing::Span, ended: &Ended<'_>) {
        let told = (ended.method.to_string(), ended.route.map(ToOwned::to_owned), ended.status);
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }

    fn shed(&self) {
        self.shed.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn whoever_comes_when_all_places_are_taken_is_told_so_at_once_and_others_are_served_on() {
    let (watching, parcels) = (Arc::new(Watching::default()), parcels());
    let gate = Arc::clone(&parcels.gate);
    let settings = HttpSettings { requests: 2, observer: watching.clone(), ..HttpSettings::default() };
    let client = serving(parcels, settings);
    let mut first = pin!(client.get("/api/v1/waits/").send());
    let mut second = pin!(client.post("/api/v1/waits/").send());
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    // The second one runs in a task of its own, which has to begin.
    tokio::task::yield_now().await;

    for _ in 0..3 {
        let refused = client.get("/api/v1/parcels/").send().await;
        refused.assert_status(StatusCode::SERVICE_UNAVAILABLE);
        refused.assert_header_exist("retry-after");
        assert_eq!(faults_of(refused).await[0].1, "unavailable");
    }
    client.get("/healthcheck/").send().await.assert_status_is_ok();
    client.get("/api/readiness/").send().await.assert_status_is_ok();

    gate.notify_one();
    second.await.assert_status_is_ok();
    client.get("/api/v1/parcels/").send().await.assert_status_is_ok();
    assert_eq!(watching.shed.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_place_is_free_again_when_a_client_leaves() {
    let client = serving(parcels(), HttpSettings { requests: 1, ..HttpSettings::default() });

    for _ in 0..3 {
        assert!(client.get("/api/v1/waits/").send().now_or_never().is_none(), "it has begun, and its client leaves");
    }

    client.get("/api/v1/parcels/").send().await.assert_status_is_ok();
}

#[tokio::test]
async fn a_body_that_is_still_arriving_takes_nobodys_place_and_not_too_many_arrive_at_once() {
    let watching = Arc::new(Watching::default());
    let settings = HttpSettings { requests: 1, observer: watching.clone(), ..HttpSettings::default() };
    let client = serving(parcels(), settings);
    let silent = || {
        let silence = stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let request = client.post("/api/v1/parcels/").content_type("application/json");
        request.header("idempotency-key", "silent").body(poem::Body::from_bytes_stream(silence)).send()
    };
    let mut arriving = Vec::new();

    for _ in 0..ARRIVING {
        let mut body = Box::pin(silent());
        assert!(body.as_mut().now_or_never().is_none());
        arriving.push(body);
        // It runs in a task of its own, which has to begin.
        tokio::task::yield_now().await;
        client.get("/api/v1/parcels/").send().await.assert_status_is_ok();
    }

    assert_eq!(watching.shed.load(Ordering::Relaxed), 0);
    silent().await.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    client.get("/api/v1/parcels/").send().await.assert_status_is_ok();
    assert_eq!(watching.shed.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_body_that_arrives_when_all_places_are_taken_is_turned_away() {
    let watching = Arc::new(Watching::default());
    let settings = HttpSettings { requests: 1, observer: watching.clone(), ..HttpSettings::default() };
    let client = serving(parcels(), settings);
    let rest = Arc::new(Notify::new());
    let awaited = Arc::clone(&rest);
    let body = stream::once(async move {
        awaited.notified().await;
        Ok::<_, std::io::Error>(b"{\"label\": \"tea\"}".to_vec())
    });
    let request = client.post("/api/v1/parcels/").content_type("application/json");
    let mut late = pin!(request.body(poem::Body::from_bytes_stream(body)).send());
    assert!(late.as_mut().now_or_never().is_none());
    tokio::task::yield_now().await;
    let mut busy = pin!(client.get("/api/v1/waits/").send());
    assert!(busy.as_mut().now_or_never().is_none());

    rest.notify_one();

    late.await.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(watching.shed.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn whoever_watches_hears_of_requests_by_the_template_of_their_path() {
    let watching = Arc::new(Watching::default());
    let client = serving(parcels(), HttpSettings { observer: watching.clone(), ..HttpSettings::default() });

    client.get("/api/v1/parcels/00000000-0000-0000-0000-000000000007/").send().await;
    client.get("/api/v1/nowhere/").send().await;
    client.get("/healthcheck/").send().await;
    assert!(client.get("/api/v1/waits/").send().now_or_never().is_none(), "its client leaves");

    let ended = watching.ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let told = |route: Option<&str>, status| ("GET".to_owned(), route.map(ToOwned::to_owned), status);
    assert_eq!(
        ended,
        [told(Some("/api/v1/parcels/{uuid}"), Some(200)), told(None, Some(404)), told(Some("/api/v1/waits"), None),]
    );
    assert_eq!(watching.began.load(Ordering::Relaxed), 3, "health checks are nobody's business");
}
