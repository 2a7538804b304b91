//! The whole API, asked as clients ask it, over contexts that accept everything and keep nothing.
//!
//! Whatever a request asks of a store is answered that the store is away: a 503 says that everything before was in order.
//! Only the list of users is there; it is empty, and leads on to the place that it was asked for.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use async_trait::async_trait;
use auth_application::{
    AccessTokens, Auth, Claims, CloseAccountError, IssueError, PublicKey, RegisterError, RequestFacts, TokenRefused,
    VerifiedToken,
};
use auth_domain::{AccountId, AuthStore, AuthWork, PasswordHash, Session, SessionId};
use chrono::{DateTime, Utc};
use distribution_application::Distribution;
use distribution_domain::{DistributionStore, DistributionWork};
use http_adapter::{Contexts, HttpSettings};
use kernel_application::testing::{CountingIds, Noon, every_right};
use kernel_application::{
    Idempotency, Once, Page, PageRequest, PageStart, Place, Rate, RequestKey, Throttle, Verdict, Work,
};
use kernel_domain::StoreError;
use phonenumbers_adapter::Libphonenumber;
use poem::endpoint::BoxEndpoint;
use poem::http::uri::Scheme;
use poem::http::{self, HeaderMap, StatusCode};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Body, Endpoint as _, EndpointExt as _, Request, RequestParts, Response};
use shipping_application::Shipping;
use tokens_adapter::RandomApiKeys;
use tokio::runtime::{Builder, Runtime};
use user_application::{ImageEditor, ImageRefused, PreparedImage, UserView, Users};
use user_domain::{UserStore, UserWork};
use uuid::Uuid;

/// The list that is there.
pub(crate) const USERS: &str = "/api/v1/user/users/";

/// What anybody may ask, counted by the address that they come from.
pub(crate) const PUBLIC: &str = "/api/v1/auth/public-keys/";

/// Who shows this may do everything.
pub(crate) const CREDENTIAL: &str = "Bearer everybody";

/// The proxies whose word counts.
pub(crate) const TRUSTED: [&str; 2] = ["10.0.0.0/8", "2001:db8:1::/48"];

/// What came of a request.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Of a refusal, and of what was asked of the [`USERS`]; pages of megabytes are not looked at.
    pub(crate) body: Vec<u8>,
    /// Who the request counted for, last.
    pub(crate) caller: String,
}

/// Makes a request over a connection from `peer`.
pub(crate) fn ask(request: http::Request<Vec<u8>>, peer: IpAddr) -> Answer {
    let (parts, body) = request.into_parts();
    let is_read = parts.uri.path() == USERS;
    let way = (parts, LocalAddr::default(), RemoteAddr(SocketAddr::new(peer, 40_000).into()), Scheme::HTTP);
    let request = Request::from_parts(RequestParts::from(way), Body::from(body));
    // One at a time: who was counted is who asked.
    let _turn = SERVED.turn.lock().unwrap_or_else(PoisonError::into_inner);
    SERVED.runtime.block_on(async {
        let mut answer = SERVED.api.get_response(request).await;
        let status = answer.status();
        let is_read = is_read || status.is_client_error() || status.is_server_error();
        let body = if is_read { answer.take_body().into_vec().await.unwrap_or_default() } else { Vec::new() };
        let caller = SERVED.counted.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Answer { status, headers: answer.headers().clone(), body, caller }
    })
}

struct Served {
    api: BoxEndpoint<'static, Response>,
    runtime: Runtime,
    counted: Arc<Counted>,
    turn: Mutex<()>,
}

#[expect(clippy::expect_used, reason = "without an API there is nothing to try")]
static SERVED: LazyLock<Served> = LazyLock::new(|| {
    let counted = Arc::new(Counted::default());
    let contexts = Contexts {
        auth: Arc::new(auth()),
        users: Arc::new(users()),
        distribution: Arc::new(distribution()),
        shipping: Arc::new(shipping()),
        clock: Arc::new(Noon),
        ids: Arc::new(CountingIds::default()),
        throttle: counted.clone(),
        idempotency: Arc::new(Forgetful),
    };
    let trusted_proxies = TRUSTED.map(|it| it.parse().expect("a network")).into();
    let settings = HttpSettings { trusted_proxies, ..HttpSettings::default() };
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let api = runtime.block_on(async { http_adapter::api(contexts, settings).boxed() });
    Served { api, runtime, counted, turn: Mutex::default() }
});

/// A store, and whatever else is asked in vain.
struct Away;

fn away() -> StoreError {
    StoreError::unavailable("it is away")
}

#[async_trait]
impl AuthStore for Away {
    async fn begin(&self) -> Result<Box<dyn AuthWork>, StoreError> {
        Err(away())
    }

    async fn open(&self, _: &Session, _: &PasswordHash) -> Result<bool, StoreError> {
        Err(away())
    }
}

#[async_trait]
impl UserStore for Away {
    async fn begin(&self) -> Result<Box<dyn UserWork>, StoreError> {
        Err(away())
    }
}

#[async_trait]
impl DistributionStore for Away {
    async fn begin(&self) -> Result<Box<dyn DistributionWork>, StoreError> {
        Err(away())
    }
}

#[async_trait]
impl ImageEditor for Away {
    async fn prepare(&self, _: Vec<u8>) -> Result<PreparedImage, ImageRefused> {
        Err(away().into())
    }
}

fn auth() -> Auth {
    let mut world = auth_application::testing::World::default();
    world.accounts.expect_find().returning(|_| Err(away()));
    world.accounts.expect_standing().returning(|_| Err(away()));
    world.accounts.expect_register().returning(|_, _| Err(RegisterError::Store(away())));
    world.accounts.expect_close().returning(|_, _| Err(CloseAccountError::Store(away())));
    world.accounts.expect_profile().returning(|_| Err(away()));
    world.passwords.expect_hash().returning(|_| Err(away()));
    world.passwords.expect_verify().returning(|_, _| Err(away()));
    world.queries.expect_password_hash().returning(|_| Err(away()));
    world.queries.expect_account_of().returning(|_| Err(away()));
    world.queries.expect_sessions().returning(|_, _, _| Err(away()));
    world.queries.expect_api_key().returning(|_| Err(away()));
    world.queries.expect_api_keys().returning(|_| Err(away()));
    world.queries.expect_is_allowed().returning(|_| Err(away()));
    #[expect(clippy::expect_used, reason = "without policies there is nothing to try")]
    let api_keys = RandomApiKeys::new().expect("policies");
    Auth {
        store: Arc::new(Away),
        numbering_plans: Arc::new(Libphonenumber::load()),
        access_tokens: Arc::new(Everybody),
        api_keys: Arc::new(api_keys),
        ..world.commits().0
    }
}

fn users() -> Users {
    let mut world = user_application::testing::World::default();
    world.queries.expect_profiles().returning(|_| Err(away()));
    world.queries.expect_account().returning(|_| Err(away()));
    world.queries.expect_standing().returning(|_, _| Err(away()));
    world.queries.expect_user().returning(|_| Err(away()));
    world.queries.expect_users().returning(|_, page| Ok(Some(led_on(page))));
    Users {
        store: Arc::new(Away),
        international_form: Arc::new(Libphonenumber::load()),
        image_editor: Arc::new(Away),
        ..world.commits().0
    }
}

/// A page with nothing on it, whose neighbours are where it was asked for itself.
fn led_on(page: PageRequest) -> Page<UserView> {
    let place = match page.start() {
        PageStart::Number(_) => Place::Numbered { number: 1, count: 0 },
        PageStart::Cursor(cursor) => Place::Between { previous: cursor, next: cursor },
    };
    Page { entries: Vec::new(), place, size: page.size() }
}

fn distribution() -> Distribution {
    let mut world = distribution_application::testing::World::default();
    world.queries.expect_center().returning(|_| Err(away()));
    world.queries.expect_centers_coded().returning(|_| Err(away()));
    world.queries.expect_open_among().returning(|_| Err(away()));
    world.queries.expect_centers().returning(|_, _| Err(away()));
    world.usage.expect_is_used().returning(|_| Err(away()));
    Distribution { store: Arc::new(Away), ..world.commits().0 }
}

fn shipping() -> Shipping {
    let mut world = shipping_application::testing::World::default();
    world.queries.expect_item().returning(|_| Err(away()));
    world.queries.expect_histories().returning(|_| Err(away()));
    world.queries.expect_items().returning(|_, _, _| Err(away()));
    world.queries.expect_batch().returning(|_| Err(away()));
    world.queries.expect_batches_by_id().returning(|_| Err(away()));
    world.queries.expect_batches().returning(|_, _, _| Err(away()));
    world.queries.expect_transport().returning(|_| Err(away()));
    world.queries.expect_transports().returning(|_, _, _| Err(away()));
    world.never_begins()
}

/// Believes one token, and lets whoever shows it do everything.
struct Everybody;

impl AccessTokens for Everybody {
    fn issue(&self, _: &Claims) -> Result<String, IssueError> {
        Err(IssueError("nobody signs in here".into()))
    }

    fn verify(&self, token: &str, _: &RequestFacts, _: DateTime<Utc>) -> Result<VerifiedToken, TokenRefused> {
        if token != "everybody" {
            return Err(TokenRefused::Invalid);
        }
        let (account_id, session_id) = (AccountId::new(Uuid::from_u128(1)), SessionId::new(Uuid::from_u128(2)));
        Ok(VerifiedToken { account_id, session_id, rights: every_right() })
    }

    fn public_keys(&self) -> Vec<PublicKey> {
        Vec::new()
    }
}

/// Lets everybody pass, and knows who was counted last.
#[derive(Default)]
struct Counted(Mutex<String>);

#[async_trait]
impl Throttle for Counted {
    async fn hit(&self, _: &str, caller: &str, rate: Rate) -> Result<Verdict, StoreError> {
        caller.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Verdict { allowed: true, remaining: rate.limit, reset_after: rate.window })
    }
}

/// Has never heard of a request before.
struct Forgetful;

#[async_trait]
impl Idempotency for Forgetful {
    async fn once(&self, _: RequestKey, _: [u8; 32], _: DateTime<Utc>, work: Work<'_>) -> Result<Once, StoreError> {
        work.await;
        Ok(Once::Done)
    }

    async fn forget(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}
