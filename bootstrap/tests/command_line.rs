//! The commands that the README promises, run as somebody at a terminal would run them.

#![expect(clippy::expect_used, reason = "a command that goes wrong fails the test")]

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// No command here takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// `majestic` in a folder of its own, with nothing set but what the test sets.
fn majestic(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_majestic"));
    command.args(arguments).current_dir(folder).env_clear().kill_on_drop(true).stdin(Stdio::null());
    command
}

async fn run(command: &mut Command) -> Output {
    timeout(PATIENCE, command.output()).await.expect("it ends in time").expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn the_demonstration_plays_twice_on_the_same_database() {
    let folder = tempfile::tempdir().expect("a folder");

    for _ in 0..2 {
        let demo = run(&mut majestic(folder.path(), &["demo"])).await;

        let shown = text(&demo.stdout);
        assert!(demo.status.success(), "{shown}\n{}", text(&demo.stderr));
        assert!(shown.contains("All 20 parcels are in BUSAN01."), "{shown}");
    }
    assert!(folder.path().join("var/majestic.db").exists(), "the database is where the README says");
}

#[tokio::test]
async fn a_superuser_who_was_created_beside_the_server_can_sign_in_and_the_server_stops_when_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut server, base) = serving(folder.path()).await;

    let mut create =
        majestic(folder.path(), &["create-superuser", "--phonenumber", "+82 10-1234-5678", "--username", "root"]);
    let created = run(create.env("MAJESTIC_PASSWORD", "correct horse battery")).await;
    assert!(created.status.success(), "{}", text(&created.stderr));
    let id = text(&created.stdout).trim().to_owned();

    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
    let credentials = json!({ "username": "root", "password": "correct horse battery" });
    let signed_in =
        http.post(format!("{base}/api/v1/auth/signin/")).json(&credentials).send().await.expect("an answer");
    assert_eq!(signed_in.status(), StatusCode::OK);
    let tokens: serde_json::Value = signed_in.json().await.expect("JSON");
    let access = tokens["access"].as_str().expect("a token");
    let profile = http.get(format!("{base}/api/v1/user/users/self/profile/")).bearer_auth(access).send().await;
    let profile: serde_json::Value = profile.expect("an answer").json().await.expect("JSON");
    assert_eq!((&profile["uuid"], &profile["type"]), (&json!(id), &json!("STAFF")));

    let again = run(create.env("MAJESTIC_PASSWORD", "correct horse battery")).await;
    assert!(!again.status.success(), "the number is taken");
    assert!(text(&again.stderr).contains("somebody else has this"), "{}", text(&again.stderr));

    let pid = server.id().expect("it runs").to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status().await.expect("a signal");
    assert!(told.success());
    let ended = timeout(PATIENCE, server.wait()).await.expect("it stops in time").expect("it ends");
    assert!(ended.success(), "{ended}");
}

/// A server on a free port, and its address.
async fn serving(folder: &Path) -> (Child, String) {
    let mut serve = majestic(folder, &[]);
    let mut server = serve.env("LISTEN_ADDR", "127.0.0.1:0").stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(server.stdout.take().expect("its output")).lines();
    let greeting = timeout(PATIENCE, lines.next_line()).await.expect("a greeting in time").expect("its output");
    let greeting = greeting.expect("a greeting");
    let base = greeting.split_whitespace().find(|it| it.starts_with("http://")).expect("an address").to_owned();
    // Whatever else it says is read away, so that it never waits for us.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (server, base)
}

#[tokio::test]
async fn a_key_that_was_created_beside_the_server_opens_what_its_scopes_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, base) = serving(folder.path()).await;

    let created = run(&mut majestic(folder.path(), &["create-api-key", "--name", "scanner"])).await;

    assert!(created.status.success(), "{}", text(&created.stderr));
    let key = text(&created.stdout);
    assert_eq!(key.lines().count(), 1, "the key, alone: {key}");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
    let asked = |path: &str| http.get(format!("{base}/api/v1/{path}")).header("x-api-key", key.trim()).send();
    assert_eq!(asked("shipping/batches/").await.expect("an answer").status(), StatusCode::OK);
    assert_eq!(asked("distribution/centers/").await.expect("an answer").status(), StatusCode::FORBIDDEN);

    let scopes = ["create-api-key", "--name", "all", "--scopes", "shipping:read,root"];
    let refused = run(&mut majestic(folder.path(), &scopes)).await;
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("there is no scope root"), "{}", text(&refused.stderr));
}

#[tokio::test]
async fn numbers_are_allowed_disallowed_and_pardoned() {
    let folder = tempfile::tempdir().expect("a folder");
    let allow = ["allow-phonenumber", "--phonenumber", "+82 10-1234-5678", "--description", "Kim Jisoo"];

    for (arguments, said) in [
        (allow.to_vec(), "they may"),
        ([allow.as_slice(), &["--remove"]].concat(), "they may no longer"),
        ([allow.as_slice(), &["--remove"]].concat(), "they could not before"),
        (vec!["pardon-phonenumber", "--phonenumber", "+821012345678"], "it was not stopped"),
    ] {
        let outcome = run(&mut majestic(folder.path(), &arguments)).await;
        assert!(outcome.status.success(), "{}", text(&outcome.stderr));
        assert_eq!(text(&outcome.stdout).trim(), said);
    }
}

#[tokio::test]
async fn a_password_that_is_too_short_creates_nobody() {
    let folder = tempfile::tempdir().expect("a folder");

    let mut create = majestic(folder.path(), &["create-superuser", "--phonenumber", "+821012345678"]);
    let refused = run(create.env("MAJESTIC_PASSWORD", "short")).await;

    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("at least 8 characters"), "{}", text(&refused.stderr));
}

#[tokio::test]
async fn a_configuration_that_is_not_usable_stops_the_start_and_names_every_fault() {
    let folder = tempfile::tempdir().expect("a folder");

    let refused = run(majestic(folder.path(), &["serve"]).env("ENV", "prod").env("LISTEN_ADDR", "here")).await;

    assert!(!refused.status.success());
    let said = text(&refused.stderr);
    for name in ["LISTEN_ADDR", "DATABASE_URL", "SECRET_KEY", "TOKEN_ROOT_KEY"] {
        assert!(said.contains(name), "{name} in {said}");
    }
}

#[tokio::test]
async fn a_generated_key_signs_tokens() {
    let folder = tempfile::tempdir().expect("a folder");
    let generated = run(&mut majestic(folder.path(), &["generate-keypair"])).await;
    let key = text(&generated.stdout).trim().to_owned();

    let demo = run(majestic(folder.path(), &["demo"]).env("TOKEN_ROOT_KEY", key)).await;

    assert!(demo.status.success(), "{}", text(&demo.stderr));
}

#[tokio::test]
async fn the_document_and_the_schema_can_be_had_without_a_server() {
    let folder = tempfile::tempdir().expect("a folder");

    let printed = run(&mut majestic(folder.path(), &["openapi"])).await;
    let document: serde_json::Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    assert!(document["paths"].as_object().is_some_and(|it| !it.is_empty()));

    for _ in 0..2 {
        let migrated = run(&mut majestic(folder.path(), &["migrate"])).await;
        assert!(migrated.status.success(), "{}", text(&migrated.stderr));
    }
}
