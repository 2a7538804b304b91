//! The whole application on a free port, and people who talk to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_application::Auth;
use auth_domain::{AccountId, NewPassword, Password};
use bootstrap::config::Config;
use bootstrap::{build, serve};
use kernel_domain::CorrelationId;
use persistence_adapter::Database;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};
use user_application::{RegisterUser, Users};
use user_domain::{PhoneNumber, Privileges, Profile, Role, UserId};
use uuid::Uuid;

use crate::containers;
use crate::events::{Pausable, Recorder};

/// What stands behind the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    /// A file and memory: what `cargo run` uses.
    Embedded,
    /// MySQL and Redis, in containers.
    Networked,
}

/// Every password in these tests.
const PASSWORD: &str = "correct horse battery";
/// How often somebody may sign in here, in a minute.
pub const SIGN_INS: u32 = 40;
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(30);

/// The application, started as `majestic serve` starts it.
pub struct TestApp {
    /// `http://127.0.0.1:port`
    pub base: String,
    /// What went out.
    pub events: Recorder,
    /// What is behind it.
    pub database: Database,
    paused: Arc<Mutex<bool>>,
    auth: Arc<Auth>,
    users: Arc<Users>,
    http: Client,
    stop: Option<oneshot::Sender<()>>,
    serving: tokio::task::JoinHandle<Result<(), bootstrap::StartupError>>,
    /// The folder of the embedded database, removed with the application.
    _folder: tempfile::TempDir,
}

impl TestApp {
    /// Starts the application on a database of its own; `None` where the stack is not to be had.
    pub async fn start(stack: Stack) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let (database_url, cache_url) = match stack {
            Stack::Embedded => (format!("sqlite://{}", folder.path().join("test.db").display()), "memory:".to_owned()),
            Stack::Networked => (containers::fresh_mysql_database().await?, containers::redis_url().await?),
        };
        let variables = [
            ("ENV", "test".to_owned()),
            ("DATABASE_URL", database_url),
            ("CACHE_URL", cache_url),
            // Redis is shared by all tests, and all of them come from the same address.
            ("CACHE_PREFIX", unique().to_string()),
            ("THROTTLE_RATES", json!({ "auth-check": format!("{SIGN_INS}/min") }).to_string()),
        ];
        let find = |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| value.clone());
        let config = Config::read(find).expect("a usable configuration");

        let mut app = build(&config).expect("it can be built");
        app.database.migrate().await.expect("it can be migrated");
        let events = Recorder::default();
        app.relay.publisher = Arc::new(events.clone());
        app.relay.settings.idle = Duration::from_millis(20);
        let paused = Arc::new(Mutex::new(false));
        app.relay.deliveries = Arc::new(Pausable::new(app.relay.deliveries, paused.clone()));
        let (auth, users, database) = (app.auth.clone(), app.users.clone(), app.database.clone());

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
        Some(Self { base, events, paused, database, auth, users, http, stop: Some(stop), serving, _folder: folder })
    }

    /// Holds events back from now on: the database hears nothing but the requests.
    pub async fn pause_events(&self) {
        *self.paused.lock().await = true;
    }

    /// Somebody without any credential.
    pub fn anybody(&self) -> Visitor {
        Visitor { http: self.http.clone(), base: self.base.clone(), token: None, user_id: String::new() }
    }

    /// Somebody from the staff, with the staff flag, signed in.
    pub async fn manager(&self) -> Visitor {
        self.signed_in(Role::Staff { groups: Vec::new() }, Privileges::Staff).await
    }

    /// Somebody from the staff, signed in.
    pub async fn clerk(&self) -> Visitor {
        self.signed_in(Role::Staff { groups: Vec::new() }, Privileges::None).await
    }

    /// A driver, signed in.
    pub async fn driver(&self) -> Visitor {
        self.signed_in(Role::Driver { date_of_birth: None }, Privileges::None).await
    }

    /// Somebody who signs in with a phone number and [`Self::password`].
    pub async fn somebody(&self, role: Role, privileges: Privileges) -> (UserId, PhoneNumber) {
        static NUMBERS: AtomicU64 = AtomicU64::new(10_000_000);
        let number = format!("+8210{}", NUMBERS.fetch_add(1, Ordering::Relaxed));
        let phone_number = PhoneNumber::parse(&number).expect("a phone number");
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

    /// The password of everybody here.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    async fn signed_in(&self, role: Role, privileges: Privileges) -> Visitor {
        let (id, number) = self.somebody(role, privileges).await;
        let mut visitor = self.anybody();
        let tokens = visitor
            .post("/api/v1/auth/signin/", json!({ "phonenumber": number.as_str(), "password": PASSWORD }))
            .await
            .expecting(StatusCode::OK);
        visitor.token = tokens["access"].as_str().map(str::to_owned);
        visitor.user_id = id.to_string();
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
    /// What they show.
    pub token: Option<String>,
    http: Client,
    base: String,
}

impl Visitor {
    /// Asks for `path`.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// Sends `body` to `path`.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(&body)).await
    }

    /// A request to be completed by hand; [`Answer::to`] sends it.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
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
    /// Sends a request and reads what comes back.
    pub async fn to(request: reqwest::RequestBuilder) -> Self {
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.expect("a whole answer");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, body, text }
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
