//! Secrets and personal data, each a text like no other, are used in every way there is, and looked for wherever they
//! must not be: in the log, in errors, in the database.

use std::path::Path;
use std::process::Stdio;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::program::{PATIENCE, Said, client};

const TOKEN: &str = "4815162342";
const PASSWORD: &str = "canary-password-Xq7";
const WRONG_PASSWORD: &str = "canary-wrong-password-Zw3";
const PHONE_NUMBER: &str = "+821048151623";
const NAME: &str = "Canary Serinus";
const SECRET_KEY: &str = "ca9a51d2f3e4c5b6a79889706a5b4c3d2e1f00112233445566778899aabbccdd";
const ROOT_KEY: &str = "5e1fd2f3e4c5b6a79889706a5b4c3d2e1f00112233445566778899aabbccdd99";

fn majestic(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_majestic"));
    command.args(arguments).current_dir(folder).env_clear().kill_on_drop(true).stdin(Stdio::null());
    for (name, value) in [
        ("ENV", "test"),
        ("LISTEN_ADDR", "127.0.0.1:0"),
        ("SECRET_KEY", SECRET_KEY),
        ("TOKEN_ROOT_KEY", ROOT_KEY),
        ("AUTH_FIXED_TOKEN", TOKEN),
        ("AUTH_TOKEN_DIGITS", "10"),
        ("MAJESTIC_PASSWORD", PASSWORD),
        ("RUST_LOG", "debug"),
    ] {
        command.env(name, value);
    }
    command
}

async fn serving(folder: &Path) -> (Child, String, Said) {
    let mut serve = majestic(folder, &[]);
    let mut server = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let said = Said::default();
    said.listen(server.stdout.take().expect("its output"));
    said.listen(server.stderr.take().expect("its complaints"));
    let greeting = said.until(|it| it.lines().any(|line| line.contains("serves on http://"))).await;
    let base = greeting.split_whitespace().find(|it| it.starts_with("http://")).expect("an address").to_owned();
    (server, base, said)
}

/// Talks to the server, and keeps every refusal.
struct Visitor {
    http: Client,
    base: String,
    credential: Option<String>,
    refusals: Vec<String>,
}

impl Visitor {
    async fn ask(&mut self, method: Method, path: &str, body: Value) -> Value {
        let mut request = self.http.request(method, format!("{}/api/v1/{path}", self.base));
        if !body.is_null() {
            request = request.json(&body);
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
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn no_secret_is_found_where_none_may_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut server, base, said) = serving(folder.path()).await;
    let created =
        majestic(folder.path(), &["create-superuser", "--phonenumber", "+821048151699", "--username", "root"]);
    let created = timeout(PATIENCE, { created }.output()).await.expect("in time").expect("it runs");
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));

    let mut visitor = Visitor { http: client(), base, credential: None, refusals: Vec::new() };
    let number = json!({ "phonenumber": PHONE_NUMBER });
    let shown = |token: &str| json!({ "phonenumber": PHONE_NUMBER, "token": token });
    visitor.post("auth/signup/token_request/", number.clone()).await;
    visitor.post("auth/signup/token_confirm/", shown("0000000000")).await;
    visitor.post("auth/signup/token_confirm/", shown(TOKEN)).await;
    let driver = json!({
        "phonenumber": PHONE_NUMBER, "user_type": "DRIVER", "fullname": NAME, "password": PASSWORD,
    });
    let signed_up = visitor.post("auth/signup/", driver.clone()).await;
    visitor.post("auth/signup/", driver).await;
    let mut secrets =
        vec![TOKEN, PASSWORD, WRONG_PASSWORD, SECRET_KEY, ROOT_KEY].into_iter().map(str::to_owned).collect::<Vec<_>>();
    secrets.extend([text(&signed_up["access"]), text(&signed_up["refresh"])]);

    // Sign-ins that fail are those whose bodies other systems have logged.
    for password in [PASSWORD, WRONG_PASSWORD] {
        for name in ["phonenumber", "username", "unknown"] {
            visitor.post("auth/signin/", json!({ name: PHONE_NUMBER, "password": password })).await;
        }
    }
    visitor.post("auth/signin/", json!([{ "phonenumber": PHONE_NUMBER, "password": PASSWORD }])).await;
    visitor.post("auth/signin/token_request/", number).await;
    let tokens = visitor.post("auth/signin/token_confirm/", shown(TOKEN)).await;
    secrets.extend([text(&tokens["access"]), text(&tokens["refresh"])]);
    let next = visitor.post("auth/token/refresh/", json!({ "refresh": tokens["refresh"] })).await;
    secrets.extend([text(&next["access"]), text(&next["refresh"])]);
    visitor.post("auth/token/refresh/", json!({ "refresh": tokens["refresh"] })).await;
    visitor.post("auth/token/verify/", json!({ "token": next["access"] })).await;
    visitor.credential = Some(format!("Bearer {}", text(&next["access"])));
    visitor.ask(Method::GET, "user/users/self/profile/", Value::Null).await;
    visitor.credential = Some(format!("Bearer {}", text(&signed_up["access"])));
    visitor.ask(Method::PATCH, "user/users/self/profile/", json!({ "fullname": NAME, "dob": PASSWORD })).await;
    let change = json!({ "password": WRONG_PASSWORD, "new_password": PASSWORD });
    visitor.post("auth/password/change/", change).await;

    visitor.credential = None;
    let root = visitor.post("auth/signin/", json!({ "username": "root", "password": PASSWORD })).await;
    secrets.push(text(&root["access"]));
    visitor.credential = Some(format!("Bearer {}", text(&root["access"])));
    let key = text(&visitor.post("auth/api-keys/", json!({ "name": "canary" })).await["key"]);
    secrets.push(key.split_once('.').expect("a secret").1.to_owned());
    visitor.credential = Some(format!("Api-Key {key}"));
    visitor.ask(Method::GET, "shipping/shippingitems/", Value::Null).await;
    visitor.ask(Method::GET, "user/users/self/profile/", Value::Null).await;
    visitor.credential = Some(format!("Api-Key {key}x"));
    visitor.ask(Method::GET, "shipping/shippingitems/", Value::Null).await;

    let log = said.until(|it| it.matches("verification_attempt published").count() >= 2).await;
    assert!(log.contains("/api/v1/auth/signin/"), "requests are logged:\n{log}");
    let errors = visitor.refusals.join("\n");
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "the log tells {secret}");
        assert!(!errors.contains(secret.as_str()), "an error tells {secret}");
    }
    for personal in [PHONE_NUMBER.trim_start_matches('+'), NAME] {
        assert!(!log.contains(personal), "the log tells {personal}");
    }
    server.kill().await.expect("it ends");
    let mut kept = String::new();
    for file in std::fs::read_dir(folder.path().join("var")).expect("the folder of the database") {
        let path = file.expect("a file").path();
        if path.is_file() {
            kept.push_str(&String::from_utf8_lossy(&std::fs::read(path).expect("its content")));
        }
    }
    assert!(kept.contains(PHONE_NUMBER), "what is kept in clear is found");
    for secret in &secrets {
        assert!(!kept.contains(secret.as_str()), "the database tells {secret}");
    }
}
