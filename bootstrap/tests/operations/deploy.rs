//! A deploy: another process takes over, and nobody who asks meanwhile finds a closed door.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use kernel_application::ClaimLimits;
use persistence_adapter::{BUS, Database, Settings};
use reqwest::{Client, StatusCode};
use secrets_adapter::Secrets;
use serde_json::{Value, json};
use tokens_adapter::RootKeys;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

use crate::program::{PATIENCE, Server, Setting, client, is_ready};

/// Clients that ask one request after the other.
const CLIENTS: u64 = 8;
/// How often each of them asks, so that all together ask two hundred times in a second.
const PACE: Duration = Duration::from_millis(40);
/// Requests that each process has to answer before the test goes on.
const ENOUGH: u64 = 200;
/// Connections that are open and ask for nothing, and as many that never finish a header.
const IDLE: usize = 100;
/// How long a process that was told to stop may take, five seconds of notice included.
const END: Duration = Duration::from_secs(20);

const PHONE_NUMBER: &str = "+821048151623";
const PASSWORD: &str = "correct horse battery";
const ITEMS: &str = "/api/v1/shipping/shippingitems/";
const BATCHES: &str = "/api/v1/shipping/batches/";

/// Sends requests where they may be sent, as a load balancer does: it asks each target whether it is ready, again and again.
#[derive(Clone, Default)]
struct Balancer {
    targets: Arc<Mutex<BTreeMap<String, bool>>>,
    answered: Arc<Mutex<BTreeMap<String, u64>>>,
    failures: Arc<Mutex<Vec<String>>>,
    next: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

fn held<T>(by: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    by.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Balancer {
    fn add(&self, server: &Server) {
        held(&self.targets).insert(server.base.clone(), true);
    }

    fn begin(&self, access: &str) -> JoinSet<()> {
        let mut busy = JoinSet::new();
        let looking = self.clone();
        busy.spawn(async move {
            let http = client();
            while !looking.is_over.load(Ordering::Relaxed) {
                let targets: Vec<String> = held(&looking.targets).keys().cloned().collect();
                for base in targets {
                    let ready = is_ready(&http, &base).await;
                    held(&looking.targets).insert(base, ready);
                }
                sleep(Duration::from_millis(50)).await;
            }
        });
        for number in 0..CLIENTS {
            let (asking, access) = (self.clone(), access.to_owned());
            busy.spawn(async move {
                let mut clerk = Clerk { http: client(), access, number, so_far: 0, batch: None, item: None };
                let mut turns = interval(PACE);
                turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !asking.is_over.load(Ordering::Relaxed) {
                    turns.tick().await;
                    asking.ask(&mut clerk).await;
                }
            });
        }
        busy
    }

    async fn ask(&self, clerk: &mut Clerk) {
        let ready: Vec<String> = held(&self.targets).iter().filter(|it| *it.1).map(|it| it.0.clone()).collect();
        let turn = usize::try_from(self.next.fetch_add(1, Ordering::Relaxed)).unwrap_or_default();
        let Some(base) = ready.get(turn % ready.len().max(1)) else {
            held(&self.failures).push("nobody was ready".to_owned());
            return;
        };
        match clerk.ask(base).await {
            Ok(status) if status.is_success() => *held(&self.answered).entry(base.clone()).or_default() += 1,
            Ok(status) => held(&self.failures).push(format!("{base}: {status}")),
            Err(error) => held(&self.failures).push(format!("{base}: {error:?}")),
        }
    }

    async fn until_answered_by(&self, server: &Server) {
        let so_far = || held(&self.answered).get(&server.base).copied().unwrap_or_default();
        let (begin, enough) = (so_far(), async |begin: u64| {
            while so_far() < begin + ENOUGH {
                sleep(Duration::from_millis(10)).await;
            }
        });
        timeout(PATIENCE, enough(begin)).await.expect("it answers");
    }
}

/// Somebody who packs items into a batch of their own, and looks something up between.
struct Clerk {
    http: Client,
    access: String,
    number: u64,
    so_far: u64,
    batch: Option<String>,
    /// One that is in no batch yet.
    item: Option<String>,
}

impl Clerk {
    /// Asks for the next thing: every third time for a change, under a key.
    async fn ask(&mut self, base: &str) -> reqwest::Result<StatusCode> {
        self.so_far += 1;
        if !self.so_far.is_multiple_of(3) {
            return Ok(self.http.get(format!("{base}/api/v1/auth/public-keys/")).send().await?.status());
        }
        let (path, body) = match (&self.batch, self.item.take()) {
            (None, _) => (BATCHES.to_owned(), json!({})),
            (Some(_), None) => (ITEMS.to_owned(), json!({ "sku": "SHOE-42" })),
            (Some(batch), Some(item)) => (format!("{BATCHES}{batch}/add/"), json!({ "tracking_number": item })),
        };
        let request = self.http.post(format!("{base}{path}")).bearer_auth(&self.access).json(&body);
        let key = format!("{}-{}", self.number, self.so_far);
        let answer = request.header("Idempotency-Key", key).send().await?;
        let status = answer.status();
        let made: Value = answer.json().await?;
        let name = |it: &str| made[it].as_str().map(str::to_owned);
        match path.as_str() {
            BATCHES => self.batch = name("alias"),
            ITEMS => self.item = name("tracking_number"),
            _ => {}
        }
        Ok(status)
    }
}

/// An access token of somebody who may do everything.
async fn access(setting: &Setting<'_>, server: &Server) -> String {
    setting.run(&["create-superuser", "--phonenumber", PHONE_NUMBER]).await;
    let credentials = json!({ "phonenumber": PHONE_NUMBER, "password": PASSWORD });
    let answer = client().post(format!("{}/api/v1/auth/signin/", server.base)).json(&credentials).send().await;
    let tokens: Value = answer.expect("an answer").json().await.expect("tokens");
    tokens["access"].as_str().expect("an access token").to_owned()
}

/// How many events wait, and how many of them nobody holds.
async fn waiting(database: &Database) -> (u64, u64) {
    let backlog = database.backlog().await.expect("a backlog");
    let waiting = backlog.iter().find(|it| it.subscriber == BUS).map_or(0, |it| it.waiting);
    let all = ClaimLimits { events: 10_000, lease: TimeDelta::seconds(10) };
    #[expect(clippy::disallowed_methods, reason = "the processes that held them went by the real time")]
    let now = Utc::now();
    let free = database.deliveries(BUS).claim(Uuid::nil(), all, now).await.expect("a claim");
    (waiting, free.len() as u64)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_drops_no_request() {
    let folder = tempfile::tempdir().expect("a folder");
    // A bus that never answers: as long as events wait, relays hold some of them.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let bus = format!("eventbridge://bus?endpoint=http://{}", silent.local_addr().expect("an address"));
    let secret_key = Secrets::generate();
    let database_url = format!("sqlite://{}", folder.path().join("deploy.db").display());
    let rates = r#"{"anon-burst":"1000000/min","user-default":"1000000/min","user-burst":"1000000/min"}"#;
    let variables = vec![
        ("ENV", "test".to_owned()),
        ("DRAIN_SECONDS", "5".to_owned()),
        ("THROTTLE_RATES", rates.to_owned()),
        ("RUST_LOG", "warn".to_owned()),
        ("DATABASE_URL", database_url.clone()),
        ("SECRET_KEY", secret_key.clone()),
        ("TOKEN_ROOT_KEY", RootKeys::generate()),
        ("MAJESTIC_PASSWORD", PASSWORD.to_owned()),
        ("EVENTS_URL", bus),
        ("AWS_ACCESS_KEY_ID", "tests".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "tests".to_owned()),
    ];
    let setting = Setting { folder: folder.path(), variables };
    let (mut old, balancer) = (setting.serve().await, Balancer::default());
    let access = access(&setting, &old).await;
    let address = old.base.trim_start_matches("http://").to_owned();
    let mut open = Vec::new();
    for half in [&b""[..], b"GET / HTTP/1.1\r\nhost:"] {
        for _ in 0..IDLE {
            let mut socket = TcpStream::connect(&address).await.expect("a connection");
            socket.write_all(half).await.expect("sent");
            open.push(socket);
        }
    }
    balancer.add(&old);
    let mut busy = balancer.begin(&access);
    balancer.until_answered_by(&old).await;

    let mut new = setting.serve().await;
    balancer.add(&new);
    balancer.until_answered_by(&new).await;
    old.terminate().await;
    let told = Instant::now();
    let http = client();
    let unready = async {
        while is_ready(&http, &old.base).await {
            sleep(Duration::from_millis(5)).await;
        }
        // It says so, and answers all the same.
        http.get(format!("{}/api/v1/auth/public-keys/", old.base)).send().await.expect("the door is open")
    };
    let answer = timeout(PATIENCE, unready).await.expect("it says that it is not ready");
    assert!(answer.status().is_success());
    assert!(answer.headers().get("connection").is_some_and(|it| it == "close"));
    let ended = old.ended().await;
    let took = told.elapsed();
    balancer.until_answered_by(&new).await;
    balancer.is_over.store(true, Ordering::Relaxed);
    while let Some(done) = busy.join_next().await {
        done.expect("no panic");
    }

    assert_eq!(*held(&balancer.failures), [] as [String; 0]);
    assert!(ended.success(), "{ended}\n{}", old.said.all());
    assert!(took < END, "it takes {took:?} to end");

    new.terminate().await;
    assert!(new.ended().await.success(), "{}", new.said.all());
    let secrets = Secrets::parse(&secret_key, []).expect("a key");
    let database = Database::open(&database_url, &Settings::default(), Arc::new(secrets)).expect("a database");
    let (waiting, free) = waiting(&database).await;
    assert!(waiting > 0, "there was nothing to hold");
    assert_eq!(free, waiting, "what a relay held it gave back");
}
