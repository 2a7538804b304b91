//! The whole API over contexts whose ports are mocks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_application::{AccessTokens, Auth, Claims, IssueError, PublicKey, RequestFacts, TokenRefused, VerifiedToken};
use auth_domain::{AccountId, SessionId};
use chrono::{DateTime, Utc};
use distribution_application::Distribution;
use kernel_application::testing::{CountingIds, Noon};
use kernel_application::{MockThrottle, Operation, Rights, Throttle, Verdict};
use kernel_domain::BoxError;
use poem::http::Method;
use poem::test::{TestClient, TestRequestBuilder, TestResponse};
use poem::{Endpoint, Response};
use serde_json::Value;
use shipping_application::Shipping;
use uuid::Uuid;

use crate::{Contexts, HttpSettings};

/// Who the token `staff` belongs to.
pub(super) const STAFF: Uuid = Uuid::from_u128(0x57AF);
/// The session that it is of.
pub(super) const SESSION: Uuid = Uuid::from_u128(0x5E55);

/// What is served; a test brings the context that it is about.
#[derive(Default)]
pub(super) struct Served {
    pub(super) auth: Box<auth_application::testing::World>,
    /// What else is different about auth.
    pub(super) adjusted: Option<fn(&mut Auth)>,
    pub(super) users: Box<user_application::testing::World>,
    pub(super) distribution: Option<Distribution>,
    pub(super) shipping: Option<Shipping>,
    pub(super) asked: Asked,
    /// Says no to whoever is counted.
    pub(super) too_often: bool,
}

/// Lets everybody pass, or nobody.
pub(super) fn throttle(too_often: bool) -> Arc<dyn Throttle> {
    let mut throttle = MockThrottle::new();
    let reset_after = Duration::from_millis(41_500);
    let verdict = Verdict { allowed: !too_often, remaining: if too_often { 0 } else { 29 }, reset_after };
    throttle.expect_hit().returning(move |_, _, _| Ok(verdict));
    Arc::new(throttle)
}

/// The requests that tokens were shown for.
pub(super) type Asked = Arc<Mutex<Vec<RequestFacts>>>;

/// `staff` may do everything, `nobody` nothing; `slow` cannot be read in time.
struct Tokens(Asked);

struct Everything(bool);

impl Rights for Everything {
    fn allow(&self, _: Operation) -> Result<bool, BoxError> {
        Ok(self.0)
    }
}

impl AccessTokens for Tokens {
    fn issue(&self, _: &Claims) -> Result<String, IssueError> {
        Ok("signed".to_owned())
    }

    fn verify(&self, token: &str, request: &RequestFacts, _: DateTime<Utc>) -> Result<VerifiedToken, TokenRefused> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let rights = match token {
            "staff" => Arc::new(Everything(true)),
            "nobody" => Arc::new(Everything(false)),
            "slow" => return Err(TokenRefused::Undecided("out of time".into())),
            _ => return Err(TokenRefused::Invalid),
        };
        Ok(VerifiedToken { account_id: AccountId::new(STAFF), session_id: SessionId::new(SESSION), rights })
    }

    fn public_keys(&self) -> Vec<PublicKey> {
        vec![PublicKey { id: 7, algorithm: "ed25519", hex: "d75a".to_owned() }]
    }
}

pub(super) fn serving(served: Served, settings: HttpSettings) -> TestClient<impl Endpoint<Output = Response>> {
    let Served { auth, adjusted, users, distribution, shipping, asked, too_often } = served;
    let mut auth = auth.commits().0;
    auth.access_tokens = Arc::new(Tokens(asked));
    if let Some(adjust) = adjusted {
        adjust(&mut auth);
    }
    let users = users.commits().0;
    let distribution = distribution.unwrap_or_else(|| distribution_application::testing::World::default().commits().0);
    let shipping = shipping.unwrap_or_else(|| shipping_application::testing::World::default().never_begins());
    let contexts = Contexts {
        auth: Arc::new(auth),
        users: Arc::new(users),
        distribution: Arc::new(distribution),
        shipping: Arc::new(shipping),
        ids: Arc::new(CountingIds::default()),
        throttle: throttle(too_often),
        clock: Arc::new(Noon),
        idempotency: Arc::new(super::idempotency::Remembered::default()),
    };
    TestClient::new(crate::api(contexts, settings))
}

/// Asks `served` for `path` below `/api/v1/`, as the staff.
pub(super) async fn get(served: Served, path: &str) -> TestResponse {
    let client = serving(served, HttpSettings::default());
    as_staff(client.get(format!("/api/v1/{path}"))).send().await
}

/// Sends `body` to `path` below `/api/v1/`, as the staff.
pub(super) async fn post(served: Served, path: &str, body: &Value) -> TestResponse {
    send(served, Method::POST, path, body).await
}

/// Sends `body` to `path` below `/api/v1/` by any method, as the staff.
pub(super) async fn send(served: Served, method: Method, path: &str, body: &Value) -> TestResponse {
    let client = serving(served, HttpSettings::default());
    as_staff(client.request(method, format!("/api/v1/{path}"))).body_json(body).send().await
}

pub(super) fn as_staff<E>(request: TestRequestBuilder<'_, E>) -> TestRequestBuilder<'_, E> {
    request.header("authorization", "Bearer staff")
}
