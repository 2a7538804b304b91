//! The whole application on a free port, and people who talk to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_application::{Auth, CreateApiKey};
use auth_domain::{AccountId, ApiKeyName, NewPassword, Password, Scope};
use bootstrap::config::Config;
use bootstrap::{build, serve};
use kernel_application::StoredEvent;
use kernel_domain::{CorrelationId, PhoneNumber};
use persistence_adapter::Database;
use reqwest::{Client, Method, StatusCode};
use secrets_adapter::Secrets;
use serde_json::{Value, json};
use tokens_adapter::RootKeys;
use tokio::net::TcpListener;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, oneshot};
use user_application::{RegisterUser, Users};
use user_domain::{Privileges, Profile, Role, UserId};
use uuid::Uuid;

use crate::containers;
use crate::events::{Pausable, Pause, Recorder};
use crate::specification::{Specification, Told};

/// What stands behind the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    /// A file and memory: what `cargo run` uses.
    Embedded,
    /// MySQL and Redis, in containers.
    Networked,
}

/// Every password in these tests.
pub const PASSWORD: &str = "correct horse battery";
/// How often anything may be asked here, in a minute, unless a test says otherwise.
const OFTEN: &str = "100000/min";
/// The scopes there are.
const SCOPES: [&str; 12] = [
    "anon-default",
    "anon-burst",
    "anon-suppressed",
    "user-default",
    "user-burst",
    "user-suppressed",
    "auth-check",
    "sms-request",
    "sms-block",
    "sms-total",
    "wrong-tokens",
    "api-key",
];
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(30);

/// Variables of the environment, by name.
type Variables = BTreeMap<String, String>;

/// The application, started as `majestic serve` starts it.
pub struct TestApp {
    /// `http://127.0.0.1:port`
    pub base: String,
    /// What is behind it.
    pub stack: Stack,
    /// What went out.
    pub events: Recorder,
    /// What is behind it.
    pub database: Database,
    /// The context that knows who somebody is.
    pub auth: Arc<Auth>,
    /// The context that knows who there is.
    pub users: Arc<Users>,
    variables: Variables,
    pause: Pause,
    turn: Arc<RwLock<()>>,
    http: Client,
    stop: Option<oneshot::Sender<()>>,
    serving: tokio::task::JoinHandle<Result<(), bootstrap::StartupError>>,
    /// The folder of the embedded database and of pictures, removed with the last application that uses it.
    folder: Arc<tempfile::TempDir>,
}

impl TestApp {
    /// Starts the application on a database of its own; `None` where the stack is not to be had.
    pub async fn start(stack: Stack) -> Option<Self> {
        Self::start_with(stack, &[]).await
    }

    /// The same, with other variables than usual.
    pub async fn start_with(stack: Stack, changed: &[(&str, &str)]) -> Option<Self> {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let (database_url, cache_url) = match stack {
            Stack::Embedded => (format!("sqlite://{}", folder.path().join("test.db").display()), "memory:".to_owned()),
            Stack::Networked => (containers::fresh_mysql_database().await?, containers::redis_url().await?),
        };
        let rates: serde_json::Map<String, Value> = SCOPES.iter().map(|it| ((*it).to_owned(), json!(OFTEN))).collect();
        let usual = [
            ("ENV", "test".to_owned()),
            ("DATABASE_URL", database_url),
            ("CACHE_URL", cache_url),
            // A machine that runs many tests at once is slow; whether an instance goes on without Redis is a matter of
            // the contracts.
            ("CACHE_TIMEOUT_MS", "5000".to_owned()),
            ("REQUEST_TIMEOUT_MS", "30000".to_owned()),
            // Redis is shared by all tests.
            ("CACHE_PREFIX", unique().to_string()),
            ("STORAGE_URL", format!("file:{}", folder.path().join("media").display())),
            ("TOKEN_ROOT_KEY", RootKeys::generate()),
            ("SECRET_KEY", Secrets::generate()),
            ("THROTTLE_RATES", Value::Object(rates).to_string()),
        ];
        let changed = changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let variables = usual.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(changed).collect();
        Some(Self::run(stack, variables, folder, Recorder::default()).await)
    }

    /// Another instance beside this one, on the same backends.
    pub async fn beside(&self) -> Self {
        Self::run(self.stack, self.variables.clone(), self.folder.clone(), self.events.clone()).await
    }

    /// The same, with other variables than this one has.
    pub async fn beside_with(&self, changed: &[(&str, &str)]) -> Self {
        let mut variables = self.variables.clone();
        variables.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self::run(self.stack, variables, self.folder.clone(), self.events.clone()).await
    }

    /// Runs an instance. Whichever relay takes an event out, it is recorded in one place, unless there is a bus.
    async fn run(stack: Stack, variables: Variables, folder: Arc<tempfile::TempDir>, events: Recorder) -> Self {
        let config = Config::read(|name| variables.get(name).cloned()).expect("a usable configuration");
        let mut app = build(&config).await.expect("it can be built");
        app.database.migrate().await.expect("it can be migrated");
        let pause = Pause::default();
        if variables.contains_key("EVENTS_URL") {
            // What a bus refuses, it refuses here for good: ten attempts take ten minutes.
            app.relay.settings.max_attempts = 1;
        } else {
            app.relay.publisher = Arc::new(events.clone());
        }
        for relay in [&mut app.relay, &mut app.closed_accounts] {
            relay.settings.idle = Duration::from_millis(20);
            relay.deliveries = Arc::new(Pausable::new(relay.deliveries.clone(), pause.clone()));
        }
        let (auth, users, database) = (app.auth.clone(), app.users.clone(), app.database.clone());
        let turn = app.chores.turn.clone();

        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            serve(&config, app, listener, shutdown).await
        });
        let http = Client::builder().timeout(PATIENCE).build().expect("a client");
        Self {
            base,
            stack,
            events,
            database,
            auth,
            users,
            variables,
            pause,
            turn,
            http,
            stop: Some(stop),
            serving,
            folder,
        }
    }

    /// A variable that the application was started with.
    pub fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The folder of everything that is kept in files.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Holds events back from now on, and all chores as long as the answer lives: the database hears nothing but
    /// the requests.
    pub async fn quiet(&self) -> OwnedRwLockWriteGuard<()> {
        self.pause.begin().await;
        self.turn.clone().write_owned().await
    }

    /// Waits until no event waits any more: what was to go out has gone.
    pub async fn all_is_delivered(&self) {
        let delivered = async {
            while self.database.backlog().await.expect("a backlog").iter().any(|it| it.waiting > 0) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, delivered).await.expect("every event goes out");
    }

    /// The first token that was sent to a number.
    pub async fn token_sent_to(&self, number: &str) -> String {
        self.nth_token_sent_to(1, number).await
    }

    /// One of the tokens that were sent to a number, counted from 1.
    pub async fn nth_token_sent_to(&self, nth: usize, number: &str) -> String {
        let told = |it: &StoredEvent, name: &str| {
            it.data.iter().find(|(told, _)| told == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let is_for = |it: &StoredEvent| it.name == "verification_attempt" && told(it, "phonenumber") == number;
        let mut events = self.events.until(is_for).await;
        while events.iter().filter(|it| is_for(it)).count() < nth {
            events = self.events.more_than(events.len()).await;
        }
        told(events.iter().filter(|it| is_for(it)).nth(nth - 1).expect("it was waited for"), "token")
    }

    /// Somebody without any credential.
    pub fn anybody(&self) -> Visitor {
        Visitor {
            user_id: String::new(),
            phone_number: String::new(),
            token: None,
            refresh: None,
            api_key: None,
            http: self.http.clone(),
            base: self.base.clone(),
        }
    }

    /// Somebody from the staff, with the staff flag, signed in.
    pub async fn manager(&self) -> Visitor {
        self.signed_in(Role::Staff { groups: Vec::new() }, Privileges::Staff).await
    }

    /// Somebody from the staff, signed in.
    pub async fn clerk(&self) -> Visitor {
        self.signed_in(Role::Staff { groups: Vec::new() }, Privileges::None).await
    }

    /// Somebody from the staff, with both flags, signed in.
    pub async fn superuser(&self) -> Visitor {
        self.signed_in(Role::Staff { groups: Vec::new() }, Privileges::Superuser).await
    }

    /// A driver, signed in.
    pub async fn driver(&self) -> Visitor {
        self.signed_in(Role::Driver { date_of_birth: None }, Privileges::None).await
    }

    /// A phone number that nobody has.
    pub fn a_phone_number(&self) -> PhoneNumber {
        static NUMBERS: AtomicU64 = AtomicU64::new(20_000_000);
        let number = format!("+8210{}", NUMBERS.fetch_add(1, Ordering::Relaxed));
        PhoneNumber::parse(&number).expect("a phone number")
    }

    /// Somebody who signs in with a phone number and [`PASSWORD`].
    pub async fn somebody(&self, role: Role, privileges: Privileges) -> (UserId, PhoneNumber) {
        let phone_number = self.a_phone_number();
        let id = UserId::new(unique());
        let command = RegisterUser {
            id,
            username: None,
            phone_number: phone_number.clone(),
            role,
            profile: Profile::default(),
            privileges,
        };
        self.users.register_user(command, &CorrelationId::from(unique())).await.expect("they register");
        let password = NewPassword::choose(Password::typed(PASSWORD)).expect("long enough");
        self.auth.set_password(AccountId::new(id.as_uuid()), &password).await.expect("a password is set");
        (id, phone_number)
    }

    /// Somebody of this role, signed in.
    pub async fn signed_in(&self, role: Role, privileges: Privileges) -> Visitor {
        let (id, number) = self.somebody(role, privileges).await;
        let mut visitor = self.anybody();
        visitor.user_id = id.to_string();
        visitor.phone_number = number.as_str().to_owned();
        visitor.sign_in().await;
        visitor
    }

    /// A machine with a key for these scopes.
    pub async fn machine(&self, scopes: &[Scope]) -> Visitor {
        let name = ApiKeyName::parse("tests").expect("a name");
        let command = CreateApiKey { name, scopes: scopes.iter().copied().collect(), expires_at: None };
        let created = self.auth.make_api_key(command, None).await.expect("a key");
        let mut visitor = self.anybody();
        visitor.api_key = Some(created.key.expose().to_owned());
        visitor
    }

    /// A machine with a key to read shipping, which has expired.
    pub async fn machine_that_expired(&self) -> Visitor {
        let name = ApiKeyName::parse("tests").expect("a name");
        let expires_at = Some(self.auth.clock.now() + chrono::TimeDelta::milliseconds(500));
        let command = CreateApiKey { name, scopes: [Scope::ReadShipping].into(), expires_at };
        let created = self.auth.make_api_key(command, None).await.expect("a key");
        let mut visitor = self.anybody();
        visitor.api_key = Some(created.key.expose().to_owned());
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while visitor.get("/api/v1/shipping/shippingitems/").await.status != StatusCode::UNAUTHORIZED {
            assert!(tokio::time::Instant::now() < deadline, "the key does not expire");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        visitor
    }

    /// Tells the application to stop, and waits until it has.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        let serving = tokio::time::timeout(PATIENCE, &mut self.serving).await.expect("it stops in time");
        serving.expect("it does not panic").expect("it stops well");
    }
}

fn unique() -> Uuid {
    #[expect(clippy::disallowed_methods, reason = "tests share servers, so their ids must really be unique")]
    Uuid::now_v7()
}

/// Somebody who talks to the API.
#[derive(Clone)]
pub struct Visitor {
    /// Who it is, if they are signed in.
    pub user_id: String,
    /// The number they sign in with.
    pub phone_number: String,
    /// The access token they show.
    pub token: Option<String>,
    /// What gets them the next one.
    pub refresh: Option<String>,
    /// The API key they show.
    pub api_key: Option<String>,
    http: Client,
    base: String,
}

impl Visitor {
    /// Signs in with the number and [`PASSWORD`].
    pub async fn sign_in(&mut self) {
        let credentials = json!({ "phonenumber": self.phone_number, "password": PASSWORD });
        let tokens = self.post("/api/v1/auth/signin/", credentials).await.expecting(StatusCode::OK);
        self.holds(&tokens);
    }

    /// Takes tokens that were answered.
    pub fn holds(&mut self, tokens: &Value) {
        self.token = tokens["access"].as_str().map(str::to_owned);
        self.refresh = tokens["refresh"].as_str().map(str::to_owned);
    }

    /// Somebody without any credential, before a server that runs elsewhere and is waited for no longer than this.
    pub fn before(base: &str, patience: Duration) -> Self {
        Self {
            user_id: String::new(),
            phone_number: String::new(),
            token: None,
            refresh: None,
            api_key: None,
            http: Client::builder().timeout(patience).build().expect("a client"),
            base: base.to_owned(),
        }
    }

    /// The same person before another instance.
    #[must_use]
    pub fn at(&self, app: &TestApp) -> Self {
        Self { base: app.base.clone(), ..self.clone() }
    }

    /// The same person with another access token.
    #[must_use]
    pub fn showing(&self, token: String) -> Self {
        Self { token: Some(token), ..self.clone() }
    }

    /// Asks for `path`.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// Sends `body` to `path`.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(&body)).await
    }

    /// Replaces what is at `path`.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::PUT, path).json(&body)).await
    }

    /// Changes what is at `path`.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::PATCH, path).json(&body)).await
    }

    /// Deletes what is at `path`.
    pub async fn delete(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::DELETE, path)).await
    }

    /// A request to be completed by hand; [`Answer::to`] sends it.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match (&self.token, &self.api_key) {
            (Some(token), _) => request.bearer_auth(token),
            (None, Some(key)) => request.header("authorization", format!("Api-Key {key}")),
            (None, None) => request,
        }
    }
}

/// What the API said.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body; null if there is none or it is not JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// Sends a request and reads what comes back, which has to be what the document of the API says.
    pub async fn to(request: reqwest::RequestBuilder) -> Self {
        Self::if_any(request).await.expect("a whole answer")
    }

    /// The same, where perhaps nobody answers.
    pub async fn if_any(request: reqwest::RequestBuilder) -> Result<Self, reqwest::Error> {
        let (client, request) = request.build_split();
        let request = request?;
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let answer = client.execute(request).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await?;
        let told = Told { method: &method, path: &path, status, headers: &headers, body: &text };
        if let Err(lie) = Specification::served().judge(&told) {
            panic!("{method} {path} does not do what its document says: {lie}\n{status} {text}");
        }
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Self { status, headers, body, text })
    }

    /// The body, if the status is the expected one.
    #[track_caller]
    pub fn expecting(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// Fails unless this is a problem (RFC 9457) with this status and first code.
    #[track_caller]
    pub fn refused(self, status: StatusCode, code: &str) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        let media_type = self.headers.get("content-type").and_then(|it| it.to_str().ok()).unwrap_or_default();
        assert!(media_type.starts_with("application/problem+json"), "{media_type}");
        assert_eq!(self.body["status"], json!(status.as_u16()));
        assert_eq!(self.body["errors"][0]["code"], json!(code), "{:#}", self.body);
        for field in ["type", "title", "detail", "code", "correlation_id"] {
            assert!(self.body[field].is_string(), "{field} in {:#}", self.body);
        }
        self.body
    }
}
