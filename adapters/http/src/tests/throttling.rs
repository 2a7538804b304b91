//! How often somebody may ask: whose requests count together, and what they are told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kernel_application::{Operation, Rate, Throttle, Verdict};
use kernel_domain::StoreError;
use poem::http::{Method, StatusCode};
use poem::test::TestClient;
use poem::{Endpoint, Response};
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::{faults_of, foundations, request_from};
use crate::caller::{Allowed, Right};
use crate::problem::Problem;
use crate::throttle::{AuthCheck, Throttled, UserDefault};
use crate::{Foundations, HttpSettings, Observer, Rates, resource};

struct Doors;

struct Enter;

impl Right for Enter {
    const OPERATION: Operation = Operation::new("doors:enter");
}

#[OpenApi]
#[expect(clippy::unused_async, reason = "operations are asynchronous whether they wait or not")]
impl Doors {
    /// Knock
    #[oai(path = "/knock", method = "get")]
    async fn knock(&self, _admitted: Throttled<AuthCheck>) -> Result<Json<u8>, Problem> {
        Ok(Json(1))
    }

    /// Guess
    #[oai(path = "/guess", method = "get")]
    async fn guess(&self, _admitted: Throttled<AuthCheck>) -> Result<Json<u8>, Problem> {
        let rate = Rate { limit: 7, window: Duration::from_hours(1) };
        Err(Problem::throttled("wrong-tokens", rate, 41))
    }

    /// Enter
    #[oai(path = "/enter", method = "get")]
    async fn enter(&self, _admitted: Throttled<UserDefault>, _actor: Allowed<Enter>) -> Result<Json<u8>, Problem> {
        Ok(Json(1))
    }
}

/// What was counted: the scope and the caller.
type Counted = Arc<Mutex<Vec<(String, String)>>>;

/// Lets everybody pass once.
struct Once(Counted);

#[async_trait]
impl Throttle for Once {
    async fn hit(&self, scope: &str, caller: &str, _: Rate) -> Result<Verdict, StoreError> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hit = (scope.to_owned(), caller.to_owned());
        let allowed = !counted.contains(&hit);
        counted.push(hit);
        Ok(Verdict { allowed, remaining: 0, reset_after: Duration::from_millis(41_500) })
    }
}

fn doors(counted: Counted, settings: HttpSettings) -> impl Endpoint<Output = Response> {
    let foundations = Foundations { throttle: Arc::new(Once(counted)), ..foundations() };
    crate::pipeline(resource::operations("", Doors), foundations, settings)
}

/// A request: its path, its peer, and its headers.
type Asked<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// The scope and the caller that each request counted under.
async fn counted(settings: HttpSettings, requests: &[Asked<'_>]) -> Vec<(String, String)> {
    let counted = Counted::default();
    let doors = doors(Arc::clone(&counted), settings);
    for (path, peer, headers) in requests {
        let mut request = poem::http::Request::builder().method(Method::GET).uri(*path);
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        doors.get_response(request_from(peer, request)).await;
    }
    counted.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Remembers the scopes of the limits that were reached.
#[derive(Default)]
struct Watching(Mutex<Vec<&'static str>>);

impl Observer for Watching {
    fn throttled(&self, scope: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(scope);
    }
}

fn hit(scope: &str, caller: &str) -> (String, String) {
    (scope.to_owned(), caller.to_owned())
}

#[tokio::test]
async fn whoever_watches_hears_of_every_limit_that_is_reached_whoever_found_it_to_be() {
    let watching = Arc::new(Watching::default());
    let settings = HttpSettings { observer: watching.clone(), ..HttpSettings::default() };
    let (one, two) = ("203.0.113.7", "203.0.113.8");

    counted(settings, &[("/knock", one, &[]), ("/knock", one, &[]), ("/guess", two, &[]), ("/knock", two, &[])]).await;

    let reached = watching.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(reached, ["auth-check", "wrong-tokens", "auth-check"]);
}

#[tokio::test]
async fn what_is_open_to_all_counts_by_address_whoever_asks() {
    let hits = counted(
        HttpSettings::default(),
        &[
            ("/knock", "203.0.113.7", &[]),
            ("/knock", "203.0.113.7", &[("authorization", "Bearer one")]),
            ("/knock", "203.0.113.7", &[("authorization", "Bearer forged")]),
            ("/knock", "203.0.113.7", &[("x-forwarded-for", "198.51.100.1")]),
            ("/knock", "2001:db8:1:2::9", &[]),
        ],
    )
    .await;

    let one = hit("auth-check", "203.0.113.7");
    assert_eq!(hits, [one.clone(), one.clone(), one.clone(), one, hit("auth-check", "2001:db8:1:2::/64")]);
}

#[tokio::test]
async fn what_takes_a_credential_counts_by_its_owner_wherever_they_are() {
    let hits = counted(
        HttpSettings::default(),
        &[
            ("/enter", "203.0.113.7", &[("authorization", "Bearer one")]),
            ("/enter", "198.51.100.1", &[("authorization", "Bearer one")]),
            ("/enter", "203.0.113.7", &[("authorization", "Bearer two")]),
            ("/enter", "203.0.113.7", &[("authorization", "Bearer forged")]),
            ("/enter", "203.0.113.7", &[]),
        ],
    )
    .await;

    let by = |user| hit("user-default", &uuid::Uuid::from_u128(user).to_string());
    assert_eq!(hits, [by(1), by(1), by(2)]);
}

#[tokio::test]
async fn behind_a_trusted_proxy_counts_the_address_that_it_saw() {
    let settings =
        HttpSettings { trusted_proxies: vec!["10.0.0.0/8".parse().expect("a network")], ..HttpSettings::default() };
    let hits = counted(
        settings,
        &[
            ("/knock", "10.0.0.1", &[("x-forwarded-for", "1.1.1.1, 203.0.113.7, 10.0.0.2")]),
            ("/knock", "10.0.0.1", &[("x-forwarded-for", "2.2.2.2, 203.0.113.7")]),
        ],
    )
    .await;

    assert_eq!(hits, [hit("auth-check", "203.0.113.7"), hit("auth-check", "203.0.113.7")]);
}

#[tokio::test]
async fn who_asks_too_often_is_told_the_scope_the_rate_and_the_seconds_left() {
    let rates = Rates::replaced([("auth-check", "1/hour")]).expect("rates");
    let client = TestClient::new(doors(Counted::default(), HttpSettings { rates, ..HttpSettings::default() }));
    client.get("/knock").send().await.assert_status_is_ok();

    let response = client.get("/knock").send().await;

    response.assert_status(StatusCode::TOO_MANY_REQUESTS);
    for (header, expected) in
        [("retry-after", "42"), ("ratelimit-limit", "1"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "42")]
    {
        response.assert_header(header, expected);
    }
    let (_, code, message) = faults_of(response).await.remove(0);
    let told = "Throttled by auth-check (1/hour). 42 seconds left to be released.";
    assert_eq!((code.as_str(), message.as_str()), ("throttled", told));
}
