//! Doors that are open on a developer's machine are shut where it counts: the program itself refuses to leave them open.

use std::path::Path;
use std::process::Stdio;

use reqwest::StatusCode;
use serde_json::json;
use tokio::time::timeout;

use crate::program::{PATIENCE, Setting, client};

/// The key that is there on a developer's machine without being set. Everybody who reads the source knows it.
const WELL_KNOWN: &str = "0d15ea5e0123456789abcdef0011223344556677f8e9dacbbcad9e8f70615243";
const NUMBER: &str = "+821024681357";

/// What `env` needs to start, but for what others add to it.
async fn usable<'f>(folder: &'f Path, env: &str) -> Setting<'f> {
    let mut setting = Setting { folder, variables: Vec::new() };
    let [secret, root] = [setting.run(&["generate-keypair"]).await, setting.run(&["generate-keypair"]).await];
    setting.variables = vec![
        ("ENV", env.to_owned()),
        ("DATABASE_URL", format!("sqlite://{}", folder.join("test.db").display())),
        ("SECRET_KEY", secret),
        ("TOKEN_ROOT_KEY", root),
        ("METRICS_ADDR", "none".to_owned()),
        ("DRAIN_SECONDS", "0".to_owned()),
    ];
    setting
}

/// The exit code and the complaints of a server that does not start.
async fn refused(setting: &Setting<'_>, changed: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut serve = setting.command(&["serve"]);
    serve.env("LISTEN_ADDR", "127.0.0.1:0").envs(changed.iter().copied()).stdout(Stdio::null());
    let ended = timeout(PATIENCE, serve.output()).await.expect("it does not serve").expect("it runs");
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[tokio::test]
async fn a_process_on_prod_does_not_start_while_a_door_is_open_and_names_it() {
    let doors = [
        ("BYPASS_PHONENUMBER_REGEX", r"\+821012341\d{3}"),
        ("AUTH_FIXED_TOKEN", "135792"),
        ("SECRET_KEY", WELL_KNOWN),
        ("TOKEN_ROOT_KEY", WELL_KNOWN),
        // What is set to nothing is not set.
        ("SECRET_KEY", ""),
        ("TOKEN_ROOT_KEY", ""),
    ];
    let names = ["BYPASS_PHONENUMBER_REGEX", "AUTH_FIXED_TOKEN", "SECRET_KEY", "TOKEN_ROOT_KEY"];
    let folder = tempfile::tempdir().expect("a folder");
    let setting = usable(folder.path(), "prod").await;

    for door in doors {
        let (code, said) = refused(&setting, &[door]).await;
        assert_eq!(code, Some(1), "{door:?}: {said}");
        for name in names {
            assert_eq!(said.contains(name), name == door.0, "{door:?}: {said}");
        }
        assert!(door.1.is_empty() || !said.contains(door.1), "it repeats a secret: {said}");
    }
    let (code, said) = refused(&setting, &doors[..4]).await;
    assert_eq!(code, Some(1), "{said}");
    for name in names {
        assert!(said.contains(name), "{name} in {said}");
    }
    // None of it is there, and it starts.
    setting.run(&["migrate"]).await;
    setting.serve().await.terminate().await;
}

/// Starts it, has a token sent, and gives what it logged of that, with the status and the text of the inbox.
async fn told_of_a_token(env: &str) -> (String, StatusCode, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let setting = usable(folder.path(), env).await;
    setting.run(&["migrate"]).await;
    let server = setting.serve().await;
    let http = client();

    let asked = http.post(format!("{}/api/v1/auth/signup/token_request/", server.base));
    let asked = asked.json(&json!({ "phonenumber": NUMBER })).send().await.expect("an answer");
    assert_eq!(asked.status(), StatusCode::OK, "{env}");
    let logged = server.said.until(|it| it.contains("verification_attempt published")).await;
    let inbox = http.get(format!("{}/dev/inbox", server.base)).send().await.expect("an answer");
    let (status, inbox) = (inbox.status(), inbox.text().await.expect("a text"));
    (logged, status, inbox)
}

/// The first six digits in a row that stand alone.
fn six_digits(text: &str) -> Option<&str> {
    text.split(|it: char| !it.is_ascii_digit()).find(|it| it.len() == 6)
}

#[tokio::test]
async fn a_token_is_in_the_log_and_in_the_inbox_of_a_developer_and_of_nobody_else() {
    let (logged, status, inbox) = told_of_a_token("local").await;
    assert_eq!(status, StatusCode::OK);
    assert!(inbox.contains(NUMBER), "{inbox}");
    let token = six_digits(&inbox[inbox.find(NUMBER).expect("a number")..]).expect("a token");
    let line = logged.lines().find(|it| it.contains("verification_attempt published")).expect("a line");
    assert!(line.contains(NUMBER) && line.contains(token), "{token} in {line}");

    for env in ["dev", "prod"] {
        let (logged, status, inbox) = told_of_a_token(env).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{env}: {inbox}");
        assert!(!logged.contains(&NUMBER[1..]), "{env}: {logged}");
        let line = logged.lines().find(|it| it.contains("verification_attempt published")).expect("a line");
        // With the number goes the whole entry, and the token with it.
        assert!(!line.contains("params") && !line.contains("token"), "{env}: {line}");
    }
}
