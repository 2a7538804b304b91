//! `Idempotency-Key`: a request that is made again gets the first answer again, and does nothing.
//!
//! Nobody's request is looked up before they were admitted: the first steps of an operation, the throttle and the right
//! it takes, run before; then the operation waits at a [`Door`] until it is known whether its work is still to be done.
//! So who has no good credential, or asks too often, costs the store nothing, repeated requests count as others do, and
//! who has lost a right since hears no answer again.

mod kept;

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use kernel_application::{Clock, Idempotency, Identity, KeptAnswer, Once, RequestKey};
use poem::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, Middleware, Request, RequestBody, Response, Result};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use crate::problem::{Problem, Recipient};
use crate::{body, caller, throttle};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The longest key, in characters.
const MAX_KEY: usize = 255;
/// The longest scope that a store has to take, in bytes.
const MAX_SCOPE: usize = 255;
/// The largest answer that is kept, in bytes. The largest of ours, a thousand batches with their transport, has a
/// few millions.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Does what a POST with a key asks for once.
pub(crate) struct Idempotent {
    pub(crate) memory: Arc<dyn Idempotency>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl<E: Endpoint<Output = Response>> Middleware<E> for Idempotent {
    type Output = IdempotentEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        IdempotentEndpoint { inner, memory: Arc::clone(&self.memory), clock: Arc::clone(&self.clock) }
    }
}

pub(crate) struct IdempotentEndpoint<E> {
    inner: E,
    memory: Arc<dyn Idempotency>,
    clock: Arc<dyn Clock>,
}

impl<E: Endpoint<Output = Response>> Endpoint for IdempotentEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if request.method() != Method::POST || !request.headers().contains_key(KEY) {
            return self.inner.call(request).await;
        }
        let recipient = Recipient::of(&request);
        // In a box, for most requests have no key: the room that a future takes is copied with each of them.
        let answer = Box::pin(self.once(request)).await;
        Ok(answer.unwrap_or_else(|problem| problem.into_answer(&recipient)))
    }
}

impl<E: Endpoint<Output = Response>> IdempotentEndpoint<E> {
    async fn once(&self, mut request: Request) -> Result<Response, Problem> {
        let key = key_of(&request)?;
        let path = path_of(&request);
        let mut sent = RequestBody::new(request.take_body());
        let sent = body::read(&request, &mut sent, body::LIMIT, body::DEADLINE).await?;
        let fingerprint = fingerprint_of(&request, &sent);
        request.set_body(sent);

        let door = Arc::<Door>::default();
        request.set_data(Arc::clone(&door));
        let mut serving = Box::pin(self.inner.call(request));
        let caller = tokio::select! {
            biased;
            turned_away = &mut serving => return turned_away.map_err(Problem::from_framework),
            caller = door.knocked() => caller,
        };

        let mut given = None;
        let work = async {
            door.open();
            let (answer, kept) = kept(serving.await).await;
            given = Some(answer);
            kept
        };
        let request = RequestKey { scope: scope_of(&caller, &path), key };
        match self.memory.once(request, fingerprint, self.clock.now(), Box::pin(work)).await? {
            Once::Done => given.unwrap_or_else(|| Err(Problem::internal("a request was done without an answer"))),
            Once::Before(before) if before.fingerprint == fingerprint => replayed(before.answer),
            Once::Before(_) => Err(Problem::idempotency_key_reused()),
            Once::Running => Err(Problem::idempotency_key_in_use()),
        }
    }
}

/// The answer to give, and what is kept of it.
async fn kept(answer: Result<Response>) -> (Result<Response, Problem>, Option<KeptAnswer>) {
    let mut answer = match answer {
        Ok(answer) => answer,
        Err(error) => return (Err(Problem::from_framework(error)), None),
    };
    if !is_final(answer.status()) {
        return (Ok(answer), None);
    }
    match answer.take_body().into_bytes_limit(MAX_ANSWER).await {
        Ok(body) => {
            let kept = kept::written(&answer, &body);
            answer.set_body(body);
            (Ok(answer), Some(kept))
        }
        Err(error) => (Err(Problem::internal(error)), None),
    }
}

/// Whether the answer stands: not if it is our fault, not if it says "come back", and not if it is about the rights of
/// whoever asked. A 401 does stand, with what it changed: it is about what was sent, such as a token that was used before.
fn is_final(status: StatusCode) -> bool {
    !status.is_server_error()
        && !matches!(
            status,
            StatusCode::FORBIDDEN | StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS
        )
}

fn replayed(answer: KeptAnswer) -> Result<Response, Problem> {
    let mut answer = kept::read(answer).ok_or_else(|| Problem::internal("a kept answer cannot be read"))?;
    answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(answer)
}

/// The name that a client gave its request.
fn key_of(request: &Request) -> Result<String, Problem> {
    let mut lines = request.headers().get_all(KEY).iter();
    let key = lines.next().filter(|it| it.as_bytes().iter().all(u8::is_ascii_graphic));
    let key = key.filter(|it| (1..=MAX_KEY).contains(&it.len())).filter(|_| lines.next().is_none());
    let key = key.and_then(|it| it.to_str().ok());
    key.map(ToOwned::to_owned).ok_or_else(|| Problem::idempotency_key_malformed(MAX_KEY))
}

/// The path in one spelling, whatever its slashes.
fn path_of(request: &Request) -> String {
    request.uri().path().split('/').filter(|it| !it.is_empty()).fold(String::new(), |path, part| path + "/" + part)
}

/// Who asks, and what for.
fn scope_of(caller: &str, path: &str) -> String {
    let scope = format!("{caller}|POST|{path}");
    if scope.len() > MAX_SCOPE { hexadecimal(&Sha256::digest(scope)) } else { scope }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The digest of what is asked: what the body is, the query, and the body.
fn fingerprint_of(request: &Request, body: &[u8]) -> [u8; 32] {
    let content_type = request.headers().get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let mut digest = Sha256::new();
    for part in [content_type, query, body] {
        // With its length before it, no part can be taken for the beginning of the next.
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// Where an operation waits, once its caller was admitted, until somebody says that its work is to be done.
#[derive(Default)]
struct Door {
    caller: OnceLock<String>,
    knocked: Notify,
    opened: Notify,
}

impl Door {
    /// Waits until somebody is there, and says who.
    async fn knocked(&self) -> String {
        self.knocked.notified().await;
        self.caller.get().cloned().unwrap_or_default()
    }

    fn open(&self) {
        self.opened.notify_one();
    }
}

/// The caller of `request` was admitted. If it has a key, the work begins when it is known to be new.
pub(crate) async fn admitted(request: &Request) {
    let Some(door) = request.data::<Arc<Door>>() else { return };
    let caller = match caller::recognised(request).await.map(|it| it.identity) {
        Ok(Identity::User { user_id, .. }) => format!("user {user_id}"),
        Ok(Identity::ApiKey { key_id }) => format!("key {key_id}"),
        // Where no credential is needed a bad one is none.
        Err(_) => format!("address {}", throttle::address_of(request)),
    };
    if door.caller.set(caller).is_ok() {
        door.knocked.notify_one();
        door.opened.notified().await;
    }
}
