//! What the API promises whatever it serves, tried on an API that exists only here.

mod auth;
mod bodies;
mod callers;
mod contexts;
mod distribution;
mod documentation;
mod extras;
mod idempotency;
mod inventory;
mod languages;
mod lists;
mod logs;
mod overload;
mod pipeline;
mod questions;
mod shipping;
mod throttling;
mod user;

use std::sync::Arc;

use auth_application::{MockAccessTokens, TokenRefused, VerifiedToken};
use auth_domain::{AccountId, SessionId};
use kernel_application::testing::{CountingIds, Noon, every_right, noon};
use kernel_application::{Cursor, Direction, Page, PageRequest, PageStart, Place};
use kernel_domain::StoreError;
use poem::http::StatusCode;
use poem::http::uri::Scheme;
use poem::test::{TestClient, TestResponse};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Request, RequestParts, Response};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::body::{Body, Bulk, Payload};
use crate::fault::Fault;
use crate::fields::{Fields, Input};
use crate::messages::Message;
use crate::page::{Here, PageBody};
use crate::path::Path;
use crate::problem::Problem;
use crate::query::Query;
use crate::resource::Resources;
use crate::{Foundations, HttpSettings, resource};

/// A parcel, as it is sent and as it is answered.
#[derive(Object, Clone)]
#[oai(example)]
struct Parcel {
    label: String,
    note: String,
    fragile: bool,
    owner: Option<Uuid>,
    staff: Vec<Uuid>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Size {
    Small,
    Large,
}

const SIZES: &[Size] = &[Size::Small, Size::Large];

fn name_of(size: Size) -> &'static str {
    match size {
        Size::Small => "SMALL",
        Size::Large => "LARGE",
    }
}

impl Input for Parcel {
    fn read(fields: &mut Fields) -> Option<Self> {
        let label = fields.text("label", "What it is called.").max(5).required();
        let note = fields.text("note", "Anything.").blank().optional();
        let fragile = fields.boolean("fragile", "Whether it breaks.").optional();
        let owner = fields.uuid("owner", "Whose it is.").nullable().optional();
        let staff = fields.uuids("staff", "Who looks after it.").max(2).optional();
        let size = fields.choice("size", "How large it is.", SIZES, name_of).optional();
        size?;
        Some(Self {
            label: label?,
            note: note?.unwrap_or_default(),
            fragile: fragile?.unwrap_or_default(),
            owner: owner?,
            staff: staff?.unwrap_or_default(),
        })
    }
}

impl Payload for Parcel {
    const NAME: &'static str = "NewParcel";

    fn example() -> Value {
        json!({ "label": "tea", "fragile": true })
    }
}

impl Example for Parcel {
    fn example() -> Self {
        Self { label: "tea".to_owned(), note: String::new(), fragile: true, owner: None, staff: vec![] }
    }
}

struct ParcelQuery {
    size: Option<Size>,
    fragile: Option<bool>,
    page: PageRequest,
    order: Vec<(&'static str, Direction)>,
}

impl Input for ParcelQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let size = fields.choice("size", "Only those of this size.", SIZES, name_of).optional();
        let fragile = fields.boolean("fragile", "Only those that break.").optional();
        let owner = fields.uuid("owner", "Only those of this owner.").optional();
        let order = fields.ordering(&[("created", "created"), ("label", "label")]);
        let page = fields.page();
        owner?;
        Some(Self { size: size?, fragile: fragile?, page: page?, order: order? })
    }
}

/// How many parcels the list has.
const PARCELS: u64 = 25;

struct Parcels {
    gate: Arc<Notify>,
    finished: Arc<Notify>,
}

#[OpenApi]
#[expect(clippy::unused_async, reason = "operations are asynchronous whether they wait or not")]
impl Parcels {
    /// Take a parcel
    #[oai(path = "/parcels", method = "post")]
    async fn take(&self, Body(parcel): Body<Parcel>) -> Result<Json<Parcel>, Problem> {
        Ok(Json(parcel))
    }

    /// Take many parcels
    #[oai(path = "/parcels/add", method = "post")]
    async fn add(&self, parcels: Bulk<Parcel>) -> Result<Json<Vec<Parcel>>, Problem> {
        Ok(Json(parcels.entries))
    }

    /// List parcels
    #[oai(path = "/parcels", method = "get")]
    async fn list(&self, query: Query<ParcelQuery>, here: Here) -> Result<Json<PageBody<Parcel>>, Problem> {
        let Query(query) = query;
        let label = format!("{:?} {:?} {:?}", query.size, query.fragile, query.order);
        let parcel = Parcel { label, note: "n".repeat(2000), fragile: false, owner: None, staff: vec![] };
        let size = query.page.size();
        let page = match query.page.start() {
            PageStart::Number(number) => {
                let number = number.among(PARCELS, size).ok_or_else(Problem::no_such_page)?;
                Page::numbered(vec![parcel], number, PARCELS, size)
            }
            // The second page is the last.
            PageStart::Cursor(cursor) => {
                let place = |is_backwards| Cursor::new(is_backwards, &[Some(noon()), None], Uuid::from_u128(7));
                let next = if cursor.is_none() { place(false) } else { None };
                Page { entries: vec![parcel], place: Place::Between { previous: cursor.and(place(true)), next }, size }
            }
        };
        Ok(Json(PageBody::at(&here, page)))
    }

    /// Find a parcel
    #[oai(path = "/parcels/:uuid", method = "get")]
    async fn find(&self, uuid: Path<Uuid>) -> Result<Json<Uuid>, Problem> {
        Ok(Json(uuid.0))
    }

    /// Drop a parcel
    #[oai(path = "/panics", method = "get")]
    async fn panics(&self) -> Result<Json<u8>, Problem> {
        panic!("the secret is out")
    }

    /// Lose a parcel
    #[oai(path = "/breaks", method = "get")]
    async fn breaks(&self) -> Result<Json<u8>, Problem> {
        Err(StoreError::unavailable("the secret host does not answer").into())
    }

    /// Wait for ever
    #[oai(path = "/waits", method = "get")]
    async fn waits(&self) -> Result<Json<u8>, Problem> {
        std::future::pending().await
    }

    /// Take one's time
    #[oai(path = "/waits", method = "post")]
    async fn works(&self) -> Result<Json<u8>, Problem> {
        self.gate.notified().await;
        self.finished.notify_one();
        Ok(Json(1))
    }

    /// Race
    #[oai(path = "/races", method = "post")]
    async fn races(&self) -> Result<Json<u8>, Problem> {
        Err(Problem::refused(Fault::new("RaceLost", Message::Conflict)))
    }
}

fn parcels() -> Parcels {
    Parcels { gate: Arc::default(), finished: Arc::default() }
}

/// Who shows the token `one` or the token `two` is that user, and may do everything.
fn foundations() -> Foundations {
    let mut tokens = MockAccessTokens::new();
    tokens.expect_verify().returning(|token, _, _| {
        let user = match token {
            "one" => Uuid::from_u128(1),
            "two" => Uuid::from_u128(2),
            _ => return Err(TokenRefused::Invalid),
        };
        let (account_id, session_id) = (AccountId::new(user), SessionId::new(Uuid::nil()));
        Ok(VerifiedToken { account_id, session_id, rights: every_right() })
    });
    let mut auth = auth_application::testing::World::default().commits().0;
    auth.access_tokens = Arc::new(tokens);
    Foundations {
        auth: Arc::new(auth),
        clock: Arc::new(Noon),
        ids: Arc::new(CountingIds::default()),
        throttle: contexts::throttle(false),
        idempotency: Arc::new(idempotency::Remembered::default()),
    }
}

fn around(
    resources: Resources,
    foundations: Foundations,
    settings: HttpSettings,
) -> TestClient<impl Endpoint<Output = Response>> {
    TestClient::new(crate::pipeline(resources, foundations, settings))
}

fn serving(parcels: Parcels, settings: HttpSettings) -> TestClient<impl Endpoint<Output = Response>> {
    around(resource::operations("/api/v1", parcels), foundations(), settings)
}

/// A request over a connection from `peer`.
fn request_from(peer: &str, request: poem::http::request::Builder) -> Request {
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    let peer = std::net::SocketAddr::new(peer.parse().expect("an address"), 40_000);
    let way = (parts, LocalAddr::default(), RemoteAddr(peer.into()), Scheme::HTTP);
    Request::from_parts(RequestParts::from(way), poem::Body::empty())
}

fn client() -> TestClient<impl Endpoint<Output = Response>> {
    serving(parcels(), HttpSettings::default())
}

async fn json_of(response: TestResponse) -> Value {
    response.0.into_body().into_json().await.expect("JSON")
}

/// The faults of a problem document that has this status: field and code of each.
async fn refusals_of(response: TestResponse, status: StatusCode) -> Vec<(String, String)> {
    response.assert_status(status);
    faults_of(response).await.into_iter().map(|(field, code, _)| (field, code)).collect()
}

/// A fault, as [`refusals_of`] tells it.
fn refusal(field: &str, code: &str) -> (String, String) {
    (field.to_owned(), code.to_owned())
}

/// The faults of a problem document: field, code and message of each.
async fn faults_of(response: TestResponse) -> Vec<(String, String, String)> {
    let problem = json_of(response).await;
    let text = |fault: &Value, name: &str| fault[name].as_str().unwrap_or_default().to_owned();
    let faults = problem["errors"].as_array().expect("a list of faults");
    faults.iter().map(|it| (text(it, "field"), text(it, "code"), text(it, "message"))).collect()
}
