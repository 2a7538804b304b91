//! A deploy: another process takes over, and nobody who asks meanwhile finds a closed door.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::program::{PATIENCE, Server, Setting, client, is_ready};

/// Clients that ask one request after the other.
const CLIENTS: usize = 8;
/// Requests that each process has to answer before the test goes on.
const ENOUGH: u64 = 200;
/// Connections that are open and ask for nothing, and as many that never finish a header.
const IDLE: usize = 50;

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

    fn begin(&self) -> JoinSet<()> {
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
        for _ in 0..CLIENTS {
            let asking = self.clone();
            busy.spawn(async move {
                let http = client();
                while !asking.is_over.load(Ordering::Relaxed) {
                    asking.ask(&http).await;
                }
            });
        }
        busy
    }

    async fn ask(&self, http: &Client) {
        let ready: Vec<String> = held(&self.targets).iter().filter(|it| *it.1).map(|it| it.0.clone()).collect();
        let turn = usize::try_from(self.next.fetch_add(1, Ordering::Relaxed)).unwrap_or_default();
        let Some(base) = ready.get(turn % ready.len().max(1)) else {
            held(&self.failures).push("nobody was ready".to_owned());
            return;
        };
        match http.get(format!("{base}/api/v1/auth/public-keys/")).send().await {
            Ok(answer) if answer.status().is_success() => *held(&self.answered).entry(base.clone()).or_default() += 1,
            Ok(answer) => held(&self.failures).push(format!("{base}: {}", answer.status())),
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

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_drops_no_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = vec![
        ("ENV", "test".to_owned()),
        ("DRAIN_SECONDS", "5".to_owned()),
        ("THROTTLE_RATES", r#"{"anon-burst":"1000000/min"}"#.to_owned()),
        ("RUST_LOG", "warn".to_owned()),
    ];
    let setting = Setting { folder: folder.path(), variables };
    let (mut old, balancer) = (setting.serve().await, Balancer::default());
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
    let mut busy = balancer.begin();
    balancer.until_answered_by(&old).await;

    let new = setting.serve().await;
    balancer.add(&new);
    balancer.until_answered_by(&new).await;
    old.terminate().await;
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
    balancer.until_answered_by(&new).await;
    balancer.is_over.store(true, Ordering::Relaxed);
    while let Some(done) = busy.join_next().await {
        done.expect("no panic");
    }

    assert_eq!(*held(&balancer.failures), [] as [String; 0]);
    assert!(ended.success(), "{ended}\n{}", old.said.all());
}
