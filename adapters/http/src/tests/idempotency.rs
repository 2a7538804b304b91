//! Requests that are made again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use kernel_application::{Idempotency, KeptRequest, Once, Operation, RequestKey, Work};
use kernel_domain::StoreError;
use poem::http::StatusCode;
use poem::test::{TestClient, TestResponse};
use poem::{Endpoint, Response};
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{around, contexts, faults_of, foundations, json_of};
use crate::body::{Body, Payload};
use crate::caller::{Allowed, Right};
use crate::created::Created;
use crate::fields::{Fields, Input};
use crate::problem::Problem;
use crate::throttle::{AnonDefault, Throttled, UserDefault};
use crate::{Foundations, HttpSettings, resource};

/// Remembers what was answered, for as long as the test lives.
#[derive(Default)]
pub(super) struct Remembered {
    requests: Mutex<HashMap<(String, String), Option<KeptRequest>>>,
    /// Says after the work that nothing was kept.
    breaks: bool,
}

impl Remembered {
    fn requests(&self) -> MutexGuard<'_, HashMap<(String, String), Option<KeptRequest>>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Idempotency for Remembered {
    async fn once(
        &self,
        RequestKey { scope, key }: RequestKey,
        fingerprint: [u8; 32],
        _: DateTime<Utc>,
        work: Work<'_>,
    ) -> Result<Once, StoreError> {
        assert!(scope.len() <= 255 && key.len() <= 255, "a store can keep {scope} and {key}");
        match self.requests().get(&(scope.clone(), key.clone())) {
            Some(Some(kept)) => return Ok(Once::Before(kept.clone())),
            Some(None) => return Ok(Once::Running),
            None => {}
        }
        self.requests().insert((scope.clone(), key.clone()), None);
        let answer = work.await;
        self.requests().remove(&(scope.clone(), key.clone()));
        if self.breaks {
            return Err(StoreError::unavailable("the secret host does not answer"));
        }
        if let Some(answer) = answer {
            self.requests().insert((scope, key), Some(KeptRequest { fingerprint, answer }));
        }
        Ok(Once::Done)
    }

    async fn forget(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[derive(Default)]
struct Orders {
    made: Arc<AtomicUsize>,
    gate: Arc<Notify>,
}

/// An order.
#[derive(Object, Serialize)]
struct Order {
    number: usize,
    item: String,
}

struct NewOrder(String);

impl Input for NewOrder {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self(fields.text("item", "What is ordered.").max(100).required()?))
    }
}

impl Payload for NewOrder {
    const NAME: &'static str = "NewOrder";

    fn example() -> Value {
        json!({ "item": "tea" })
    }
}

struct OrderRight;

impl Right for OrderRight {
    const OPERATION: Operation = Operation::new("orders:make");
}

#[OpenApi]
impl Orders {
    /// Order something
    #[oai(path = "/orders", method = "post")]
    async fn order(&self, _admitted: Throttled<AnonDefault>, body: Body<NewOrder>) -> Result<Created<Order>, Problem> {
        let NewOrder(item) = body.0;
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        match item.as_str() {
            "slow" => self.gate.notified().await,
            "conflict" => return Err(Problem::conflict()),
            "panic" => panic!("the secret is out"),
            _ => {}
        }
        Ok(Created(Order { number, item }))
    }

    /// Order something for oneself
    #[oai(path = "/own-orders", method = "post")]
    async fn own_order(
        &self,
        _admitted: Throttled<UserDefault>,
        _actor: Allowed<OrderRight>,
        body: Body<NewOrder>,
    ) -> Result<Created<Order>, Problem> {
        self.order(Throttled::admitted(), body).await
    }
}

fn shop(orders: Orders, foundations: Foundations) -> TestClient<impl Endpoint<Output = Response>> {
    around(resource::operations("/api/v1", orders), foundations, HttpSettings::default())
}

/// A shop, and how many orders were made in it.
fn a_shop() -> (TestClient<impl Endpoint<Output = Response>>, Arc<AtomicUsize>) {
    let orders = Orders::default();
    let made = Arc::clone(&orders.made);
    (shop(orders, foundations()), made)
}

async fn order<E: Endpoint<Output = Response>>(client: &TestClient<E>, key: &str, item: &str) -> TestResponse {
    client.post("/api/v1/orders/").header("idempotency-key", key).body_json(&json!({ "item": item })).send().await
}

#[tokio::test]
async fn a_request_that_is_made_again_is_answered_again_and_does_nothing() {
    let (client, made) = a_shop();
    let first = order(&client, "k1", "tea").await;
    first.assert_status(StatusCode::CREATED);
    first.assert_header_is_not_exist("idempotent-replayed");

    let request = client.post("/api/v1//orders").header("idempotency-key", "k1").header("correlation-id", ID);
    let again = request.body_json(&json!({ "item": "tea" })).send().await;

    again.assert_status(StatusCode::CREATED);
    again.assert_header("idempotent-replayed", "true");
    again.assert_header("correlation-id", ID);
    again.assert_header("ratelimit-limit", "30");
    assert_eq!(again.0.content_type(), first.0.content_type());
    assert_eq!(json_of(again).await, json_of(first).await);
    assert_eq!(made.load(Ordering::Relaxed), 1);
}

const ID: &str = "0190a3f0-7b1c-7d2e-8f00-000000000001";

#[tokio::test]
async fn a_refusal_is_an_answer_too() {
    let (client, _) = a_shop();
    let first = order(&client, "k1", "").await;
    first.assert_status(StatusCode::BAD_REQUEST);

    let again = order(&client, "k1", "").await;

    again.assert_header("idempotent-replayed", "true");
    assert_eq!(json_of(again).await, json_of(first).await);
}

#[tokio::test]
async fn another_key_or_none_is_another_request() {
    let (client, made) = a_shop();
    order(&client, "k1", "tea").await.assert_status(StatusCode::CREATED);
    order(&client, "k2", "tea").await.assert_status(StatusCode::CREATED);
    for _ in 0..2 {
        client.post("/api/v1/orders/").body_json(&json!({ "item": "tea" })).send().await;
    }

    assert_eq!(made.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_key_that_was_used_for_another_request_is_refused() {
    let (client, made) = a_shop();
    order(&client, "k1", "tea").await;

    let other_body = order(&client, "k1", "cup").await;
    let other_query = client.post("/api/v1/orders/?now=1").header("idempotency-key", "k1");
    let other_query = other_query.body_json(&json!({ "item": "tea" })).send().await;
    let form = client.post("/api/v1/orders/").header("idempotency-key", "k1");
    let form = form.content_type("application/x-www-form-urlencoded").body("item=tea").send().await;

    for response in [other_body, other_query, form] {
        response.assert_status(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(faults_of(response).await[0].1, "idempotency_key_reused");
    }
    assert_eq!(made.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn while_a_request_runs_its_twin_is_told_to_come_back() {
    let orders = Orders::default();
    let (gate, made) = (Arc::clone(&orders.gate), Arc::clone(&orders.made));
    let client = shop(orders, foundations());
    let first = order(&client, "k1", "slow");
    let both = async {
        while made.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        let twin = order(&client, "k1", "slow").await;
        gate.notify_one();
        twin
    };

    let both = Box::pin(futures_util::future::join(first, both));
    let (first, twin) = tokio::time::timeout(std::time::Duration::from_secs(5), both).await.expect("both end");

    first.assert_status(StatusCode::CREATED);
    twin.assert_status(StatusCode::CONFLICT);
    twin.assert_header("retry-after", "1");
    assert_eq!(faults_of(twin).await[0].1, "idempotency_key_in_use");
}

#[tokio::test]
async fn what_may_go_better_next_time_is_tried_again() {
    for (item, status) in [("conflict", StatusCode::CONFLICT), ("panic", StatusCode::INTERNAL_SERVER_ERROR)] {
        let (client, made) = a_shop();
        for _ in 0..2 {
            let response = order(&client, "k1", item).await;
            response.assert_status(status);
            response.assert_header_is_not_exist("idempotent-replayed");
        }
        assert_eq!(made.load(Ordering::Relaxed), 2, "{item}");
    }
}

#[tokio::test]
async fn what_was_done_and_not_kept_is_no_answer() {
    let broken = Remembered { breaks: true, ..Remembered::default() };
    let client = shop(Orders::default(), Foundations { idempotency: Arc::new(broken), ..foundations() });

    let response = order(&client, "k1", "tea").await;

    response.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    assert!(!json_of(response).await.to_string().contains("secret"));
}

async fn own_order<E: Endpoint<Output = Response>>(client: &TestClient<E>, token: &str) -> TestResponse {
    let request = client.post("/api/v1/own-orders/").header("authorization", format!("Bearer {token}"));
    request.header("idempotency-key", "k1").body_json(&json!({ "item": "tea" })).send().await
}

#[tokio::test]
async fn nobody_gets_the_answer_of_somebody_else() {
    let (client, made) = a_shop();
    for token in ["one", "two", "one"] {
        own_order(&client, token).await.assert_status(StatusCode::CREATED);
    }
    order(&client, "k1", "tea").await.assert_status(StatusCode::CREATED);

    assert_eq!(made.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn where_no_credential_is_needed_a_good_one_still_says_who_asks() {
    let (client, made) = a_shop();
    for token in ["one", "two", "one", "forged"] {
        let request = client.post("/api/v1/orders/").header("authorization", format!("Bearer {token}"));
        let request = request.header("idempotency-key", "k1").body_json(&json!({ "item": "tea" }));
        request.send().await.assert_status(StatusCode::CREATED);
    }
    order(&client, "k1", "tea").await.assert_header("idempotent-replayed", "true");

    assert_eq!(made.load(Ordering::Relaxed), 3);
}

/// Nobody is remembered: asking is a failure of the test.
struct NeverAsked;

#[async_trait]
impl Idempotency for NeverAsked {
    async fn once(&self, _: RequestKey, _: [u8; 32], _: DateTime<Utc>, _: Work<'_>) -> Result<Once, StoreError> {
        panic!("the store was asked")
    }

    async fn forget(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[tokio::test]
async fn who_is_turned_away_at_the_door_costs_the_store_nothing() {
    let unasked = || Foundations { idempotency: Arc::new(NeverAsked), ..foundations() };
    let client = shop(Orders::default(), unasked());
    own_order(&client, "forged").await.assert_status(StatusCode::UNAUTHORIZED);
    let unknown = client.post("/api/v1/nowhere").header("idempotency-key", "k1").send().await;
    unknown.assert_status(StatusCode::NOT_FOUND);

    let busy = shop(Orders::default(), Foundations { throttle: contexts::throttle(true), ..unasked() });
    order(&busy, "k1", "tea").await.assert_status(StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_key_has_to_be_one() {
    let (client, _) = a_shop();
    let long = "k".repeat(256);
    for key in ["", " ", "a b", "\u{e9}", long.as_str()] {
        let response = order(&client, key, "tea").await;
        response.assert_status(StatusCode::BAD_REQUEST);
        let (field, code, message) = faults_of(response).await.remove(0);
        assert_eq!((field.as_str(), code.as_str()), ("Idempotency-Key", "invalid"));
        assert!(message.contains("Idempotency-Key"), "{message}");
    }
    let twice = client.post("/api/v1/orders/").header("idempotency-key", "a").header("idempotency-key", "b");
    twice.send().await.assert_status(StatusCode::BAD_REQUEST);
    order(&client, &"k".repeat(255), "tea").await.assert_status(StatusCode::CREATED);
}

#[tokio::test]
async fn the_body_is_as_bounded_as_ever() {
    let (client, _) = a_shop();
    let request = client.post("/api/v1/orders/").header("idempotency-key", "k1").content_type("application/json");

    request.body(" ".repeat(crate::body::LIMIT + 1)).send().await.assert_status(StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn other_methods_have_no_use_for_a_key() {
    let (client, _) = a_shop();

    let response = client.delete("/api/v1/orders/").header("idempotency-key", "").send().await;

    response.assert_status(StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_client_that_leaves_does_not_leave_its_request_half_done() {
    let orders = Orders::default();
    let (gate, made) = (Arc::clone(&orders.gate), Arc::clone(&orders.made));
    let client = shop(orders, foundations());

    assert!(order(&client, "k1", "slow").now_or_never().is_none(), "left while it ran");
    gate.notify_one();
    let answered = async {
        loop {
            let again = order(&client, "k1", "slow").await;
            if again.0.status() == StatusCode::CREATED {
                return again;
            }
            tokio::task::yield_now().await;
        }
    };

    let again = tokio::time::timeout(std::time::Duration::from_secs(5), answered).await.expect("it ends");
    again.assert_header("idempotent-replayed", "true");
    assert_eq!(made.load(Ordering::Relaxed), 1);
}
