//! Secrets and personal data, each a text like no other, are used in every way there is, and looked for wherever they
//! must not be: in the log, in errors, in traces, in numbers, in messages to people, in events, in the database.

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::bus::Bus;
use crate::channel::Channel;
use crate::collector::Collector;
use crate::program::{PATIENCE, Server, Setting, a_free_address, client};

const TOKEN: &str = "4815162342";
const PASSWORD: &str = "canary-password-Xq7";
const WRONG_PASSWORD: &str = "canary-wrong-password-Zw3";
const QUERY: &str = "canary-query-Kp5";
const IDEMPOTENCY_KEY: &str = "canary-once-Vr8";
const PHONE_NUMBER: &str = "+821048151623";
const NAME: &str = "Canary Serinus";
const SECRET_KEY: &str = "ca9a51d2f3e4c5b6a79889706a5b4c3d2e1f00112233445566778899aabbccdd";
const ROOT_KEY: &str = "5e1fd2f3e4c5b6a79889706a5b4c3d2e1f00112233445566778899aabbccdd99";
/// What the bus is asked with.
const BUS_KEY: &str = "canary-bus-key-Ht2";

/// Everything that can be listed.
const LISTS: [&str; 7] = [
    "auth/api-keys/",
    "auth/sessions/",
    "distribution/centers/",
    "shipping/batches/",
    "shipping/shippingitems/",
    "shipping/transports/",
    "user/users/",
];

/// Talks to the server, and keeps every refusal.
struct Visitor {
    http: Client,
    base: String,
    credential: Option<String>,
    asked: u32,
    refusals: Vec<String>,
}

impl Visitor {
    async fn ask(&mut self, method: Method, path: &str, body: Value) -> Value {
        self.asked += 1;
        let mut request = self.http.request(method, format!("{}/api/v1/{path}", self.base));
        if !body.is_null() {
            request = request.json(&body).header("idempotency-key", format!("{IDEMPOTENCY_KEY}-{}", self.asked));
        }
        if let Some(credential) = &self.credential {
            request = request.header("authorization", credential);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}: {text}");
        if status.is_client_error() {
            self.refusals.push(text.clone());
        }
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn post(&mut self, path: &str, body: Value) -> Value {
        self.ask(Method::POST, path, body).await
    }

    async fn get(&mut self, path: &str) -> Value {
        self.ask(Method::GET, path, Value::Null).await
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// On a developer's machine events go to the log, which says whatever it can.
#[tokio::test]
async fn no_secret_is_found_where_none_may_be() {
    let environment = [("ENV", "test"), ("AUTH_FIXED_TOKEN", TOKEN), ("RUST_LOG", "debug")];
    find_no_secret(environment.map(|(name, value)| (name, value.to_owned())).to_vec(), None).await;
}

#[tokio::test]
async fn no_secret_is_found_where_others_share_it_either() {
    let bus = Bus::start().await;
    let environment = vec![
        ("ENV", "dev".to_owned()),
        ("EVENTS_URL", bus.url.clone()),
        ("AWS_ACCESS_KEY_ID", "id".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", BUS_KEY.to_owned()),
    ];
    find_no_secret(environment, Some(bus)).await;
}

/// Whoever does not reach a backend has most to say of it, and its URL has a password.
#[tokio::test]
async fn no_password_of_a_backend_is_told_where_it_is_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let (nowhere, address) = (a_free_address().await, a_free_address().await);
    let database = |password: &str| format!("mysql://majestic:{password}@{nowhere}/majestic");
    let variables = vec![
        ("ENV", "dev".to_owned()),
        ("RUST_LOG", "trace".to_owned()),
        ("SECRET_KEY", SECRET_KEY.to_owned()),
        ("TOKEN_ROOT_KEY", ROOT_KEY.to_owned()),
        ("DATABASE_URL", database("canary-database-Wd4")),
        ("DATABASE_REPLICA_URL", database("canary-replica-Nb6")),
        ("CACHE_URL", format!("redis://:canary-cache-Jm1@{nowhere}")),
    ];
    let setting = Setting { folder: folder.path(), variables };
    let mut told = String::new();
    for command in ["check", "migrate"] {
        let output = setting.command(&[command]).output();
        let output = timeout(PATIENCE, output).await.expect("it ends in time").expect("it runs");
        assert!(!output.status.success(), "{command} reaches what is away");
        told.push_str(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }

    let Server { base, said, .. } = &setting.start_at(address, &["serve"]);
    said.until(|it| it.contains("a database connection failed")).await;
    let readiness = client().get(format!("{base}/api/readiness/")).send().await.expect("an answer");
    told.push_str(&readiness.text().await.expect("a body"));
    let credentials = json!({ "username": "root", "password": PASSWORD });
    let refusal =
        client().post(format!("{base}/api/v1/auth/signin/")).json(&credentials).send().await.expect("an answer");
    assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
    told.push_str(&refusal.text().await.expect("a body"));
    told.push_str(&said.until(|it| it.contains("/auth/signin/")).await);

    assert!(told.contains("cache") && told.contains("replica"), "each is spoken of: {told}");
    assert!(!told.contains("canary-"), "a password is told: {told}");
}

/// A driver signs up and in, in every way there is, also in vain: the tokens that were sent, and all other secrets.
async fn a_driver_comes(visitor: &mut Visitor, bus: Option<&Bus>) -> ([String; 2], Vec<String>) {
    let token_sent = async |nth: usize| match bus {
        Some(bus) => bus.nth_token_sent_to(nth, PHONE_NUMBER).await,
        None => TOKEN.to_owned(),
    };
    let number = json!({ "phonenumber": PHONE_NUMBER });
    let shown = |token: &str| json!({ "phonenumber": PHONE_NUMBER, "token": token });
    visitor.post("auth/signup/token_request/", number.clone()).await;
    let first = token_sent(1).await;
    visitor.post("auth/signup/token_confirm/", shown("0000000000")).await;
    visitor.post("auth/signup/token_confirm/", shown(&first)).await;
    let driver = json!({
        "phonenumber": PHONE_NUMBER, "user_type": "DRIVER", "fullname": NAME, "password": PASSWORD,
    });
    let signed_up = visitor.post("auth/signup/", driver.clone()).await;
    visitor.post("auth/signup/", driver).await;
    let mut secrets = vec![text(&signed_up["access"]), text(&signed_up["refresh"])];

    // Sign-ins that fail are those whose bodies other systems have logged.
    for password in [PASSWORD, WRONG_PASSWORD] {
        for name in ["phonenumber", "username", "unknown"] {
            visitor.post("auth/signin/", json!({ name: PHONE_NUMBER, "password": password })).await;
        }
    }
    visitor.post("auth/signin/", json!([{ "phonenumber": PHONE_NUMBER, "password": PASSWORD }])).await;
    visitor.post("auth/signin/token_request/", number).await;
    let second = token_sent(2).await;
    let tokens = visitor.post("auth/signin/token_confirm/", shown(&second)).await;
    secrets.extend([text(&tokens["access"]), text(&tokens["refresh"])]);
    let next = visitor.post("auth/token/refresh/", json!({ "refresh": tokens["refresh"] })).await;
    secrets.extend([text(&next["access"]), text(&next["refresh"])]);
    visitor.post("auth/token/refresh/", json!({ "refresh": tokens["refresh"] })).await;
    visitor.post("auth/token/verify/", json!({ "token": next["access"] })).await;
    visitor.credential = Some(format!("Bearer {}", text(&next["access"])));
    visitor.get("user/users/self/profile/").await;
    visitor.credential = Some(format!("Bearer {}", text(&signed_up["access"])));
    visitor.ask(Method::PATCH, "user/users/self/profile/", json!({ "fullname": NAME, "dob": PASSWORD })).await;
    let change = json!({ "password": WRONG_PASSWORD, "new_password": PASSWORD });
    visitor.post("auth/password/change/", change).await;
    ([first, second], secrets)
}

/// Staff look at everything, and make a key that a machine uses: what of it is secret.
async fn staff_come(visitor: &mut Visitor) -> Vec<String> {
    visitor.credential = None;
    let root = visitor.post("auth/signin/", json!({ "username": "root", "password": PASSWORD })).await;
    visitor.credential = Some(format!("Bearer {}", text(&root["access"])));
    for list in LISTS {
        visitor.get(&format!("{list}?cursor={QUERY}")).await;
        visitor.get(&format!("{list}?search={QUERY}&phonenumber={QUERY}&{QUERY}={QUERY}")).await;
    }
    let key = text(&visitor.post("auth/api-keys/", json!({ "name": "canary" })).await["key"]);
    visitor.credential = Some(format!("Api-Key {key}"));
    visitor.get("shipping/shippingitems/").await;
    visitor.get("user/users/self/profile/").await;
    visitor.credential = Some(format!("Api-Key {key}x"));
    visitor.get("shipping/shippingitems/").await;
    vec![text(&root["access"]), key.split_once('.').expect("a secret").1.to_owned()]
}

async fn find_no_secret(environment: Vec<(&'static str, String)>, bus: Option<Bus>) {
    let folder = tempfile::tempdir().expect("a folder");
    let (collector, channel) = (Collector::start().await, Channel::open().await);
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let usual = [
        ("DATABASE_URL", "sqlite://majestic.db".to_owned()),
        ("SECRET_KEY", SECRET_KEY.to_owned()),
        ("TOKEN_ROOT_KEY", ROOT_KEY.to_owned()),
        ("AUTH_TOKEN_DIGITS", "10".to_owned()),
        ("MAJESTIC_PASSWORD", PASSWORD.to_owned()),
        ("METRICS_ADDR", free.to_string()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.clone()),
        ("SLACK_WEBHOOK_URL", channel.url.clone()),
    ];
    let setting = Setting { folder: folder.path(), variables: usual.into_iter().chain(environment).collect() };
    setting.run(&["migrate"]).await;
    setting.run(&["create-superuser", "--phonenumber", "+821048151699", "--username", "root"]).await;
    let mut server = setting.serve().await;

    let mut visitor =
        Visitor { http: client(), base: server.base.clone(), credential: None, asked: 0, refusals: Vec::new() };
    let (tokens, mut secrets) = a_driver_comes(&mut visitor, bus.as_ref()).await;
    secrets.extend(staff_come(&mut visitor).await);
    secrets.extend([PASSWORD, WRONG_PASSWORD, SECRET_KEY, ROOT_KEY, BUS_KEY].map(str::to_owned));

    if bus.is_none() {
        server.said.until(|it| it.matches("verification_attempt published").count() >= 2).await;
    }
    let messages = channel.until("signed up").await;
    let numbers = visitor.http.get(format!("http://{free}/metrics")).send().await.expect("an answer");
    let numbers = numbers.text().await.expect("a text");
    server.terminate().await;
    assert!(server.ended().await.success(), "{}", server.said.all());
    let log = server.said.until(|it| it.contains("stopping: not ready any more")).await;
    let spans = collector.steps();
    assert!(log.contains("/api/v1/auth/signin/"), "requests are logged:\n{log}");
    assert!(spans.iter().any(|it| it.name.contains("/api/v1/auth/signin")), "requests are traced: {spans:#?}");
    assert!(numbers.contains("/api/v1/auth/signin"), "requests are counted:\n{numbers}");

    let events = bus.map(|it| format!("{:?}", it.entries())).unwrap_or_default();
    let (refusals, spans) = (visitor.refusals.join("\n"), format!("{spans:?}"));
    // Who sends tokens is told them, and nobody else is.
    let told = [
        ("the log", &log),
        ("an error", &refusals),
        ("a trace", &spans),
        ("a number", &numbers),
        ("a message", &messages),
    ];
    for (place, told) in told {
        for secret in secrets.iter().chain(&tokens).map(String::as_str).chain([QUERY, IDEMPOTENCY_KEY]) {
            assert!(!told.contains(secret), "{place} tells {secret}");
        }
        for personal in [PHONE_NUMBER.trim_start_matches('+'), NAME] {
            assert!(!told.contains(personal), "{place} tells {personal}");
        }
    }
    let mut kept = String::new();
    for file in std::fs::read_dir(folder.path()).expect("the folder of the database") {
        let file = file.expect("a file");
        if file.file_name().to_string_lossy().starts_with("majestic.db") {
            kept.push_str(&String::from_utf8_lossy(&std::fs::read(file.path()).expect("its content")));
        }
    }
    assert!(kept.contains(PHONE_NUMBER), "what is kept in clear is found");
    for secret in &secrets {
        assert!(!events.contains(secret.as_str()), "an event tells {secret}");
        assert!(!kept.contains(secret.as_str()), "the database tells {secret}");
    }
    for token in &tokens {
        assert!(!kept.contains(token.as_str()), "the database tells {token}");
    }
}
