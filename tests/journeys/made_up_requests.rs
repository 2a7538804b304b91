//! A client that knows nothing of us but our document makes its requests up, good ones and bad ones.

mod fitting;

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::{PASSWORD, Stack, TestApp};
use tokio::process::Command;

use crate::stage::{CENTERS, Stage, TRANSPORTS};

/// How long it asks, in seconds.
const ASKING: &str = "60";
/// What is made up is the same each time, as far as our answers are.
const SEED: &str = "20260102";
/// It reads the document before it asks, and writes its report afterwards.
const DEADLINE: Duration = Duration::from_mins(4);
/// What it reports to.
const REPORT: &str = "report.json";
/// Where it finds what fits together, and where it notes how it was answered.
const FITTING: &str = "fitting.json";
const ANSWERED: &str = "answered.txt";
/// Fewer requests find nothing because they hardly ask; even a busy machine answers more.
const LEAST: u64 = 300;
/// A number that needs no token to sign up.
const NEWCOMER: &str = "+821029990001";
/// The token that is always sent.
const TOKEN: &str = "042042";

/// Only on the embedded stack: what is looked for is in the API, and the same on both.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_made_up_from_the_document_is_answered_as_it_says() {
    let Some(python) = support::python() else { return };
    let lenient = [("BYPASS_PHONENUMBER_REGEX", r"\+82102999\d{4}"), ("AUTH_FIXED_TOKEN", TOKEN)];
    let app = TestApp::start_with(Stack::Embedded, &lenient).await.expect("the embedded stack is always there");
    let (settings, fitting) = prepared(&app).await;
    std::fs::write(app.folder().join("schemathesis.toml"), settings).expect("it can be written");
    std::fs::write(app.folder().join(FITTING), fitting.to_string()).expect("it can be written");

    let mut asking = Command::new(python);
    asking
        .args(["-m", "schemathesis.cli", "run", &format!("{}/api/docs/openapi.json", app.base)])
        .args(["--checks", "all", "--max-time", ASKING, "--seed", SEED, "--no-color", "--generation-database", "none"])
        .args(["--report", "json", "--report-json-path", REPORT])
        .env("FITTING_REQUESTS", FITTING)
        .env("ANSWERED", ANSWERED)
        .current_dir(app.folder())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let asked = tokio::time::timeout(DEADLINE, asking.output()).await.expect("it ends in time").expect("Python runs");

    let (told, complained) = (String::from_utf8_lossy(&asked.stdout), String::from_utf8_lossy(&asked.stderr));
    assert!(asked.status.success(), "{told}\n{complained}");
    let report = std::fs::read(app.folder().join(REPORT)).expect("it reports");
    let report: Value = serde_json::from_slice(&report).expect("in JSON");
    assert_eq!(report["operations"]["tested"], report["operations"]["total"], "{told}");
    assert!(report["test_cases"]["generated"].as_u64() > Some(LEAST), "{told}");
    let answered = std::fs::read_to_string(app.folder().join(ANSWERED)).expect("it notes how it was answered");
    let unseen = never_successful(&app, &answered).await;
    assert_eq!(unseen, [] as [String; 0], "no success of these was held against the document");
}

/// The operations of the document that were never asked with success.
async fn never_successful(app: &TestApp, answered: &str) -> Vec<String> {
    let document = app.anybody().get("/api/docs/openapi.json").await.expecting(StatusCode::OK);
    let paths = document["paths"].as_object().expect("paths").values();
    let operations = paths.flat_map(|it| it.as_object().expect("operations").values());
    let successful: BTreeSet<_> =
        answered.lines().filter_map(|it| it.split_once(" 2").map(|(operation, _)| operation)).collect();
    let ids = operations.map(|it| it["operationId"].as_str().expect("an id"));
    ids.filter(|it| !successful.contains(it)).map(str::to_owned).collect()
}

/// How it is to ask, with some of what there is, and requests that fit.
async fn prepared(app: &TestApp) -> (String, Value) {
    let stage = Stage::set(app).await;
    let east = json!({ "center_code": "ABC003", "name": "East" });
    stage.staff.post(CENTERS, east).await.expecting(StatusCode::CREATED);
    let planned = stage.a_transport().await;
    let (alias, item) = stage.a_packed_batch().await;
    stage.load(&planned, &alias).await;
    let departed = stage.a_departed_transport().await.transport;
    let driven = json!({ "driver_uuid": stage.driver.user_id });
    stage.staff.patch(&format!("{TRANSPORTS}{planned}/"), driven).await.expecting(StatusCode::OK);
    let transports = [planned, departed, stage.a_transport().await];
    let (superuser, user) = (app.superuser().await, app.driver().await);
    let fitting = fitting::requests(app, &stage, &superuser).await;
    let (token, refresh) = (superuser.token.unwrap_or_default(), superuser.refresh.unwrap_or_default());
    let known = [
        ["ABC001", "ABC002", &alias, &item, &stage.a_batch().await, &stage.an_item().await],
        [&superuser.phone_number, PASSWORD, NEWCOMER, TOKEN, &token, &refresh],
    ];

    let settings = include_str!("../schemathesis.toml")
        .replace("<HOOKS>", concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis_hooks.py"))
        .replace("<SUPERUSER>", &superuser.phone_number)
        .replace("<PASSWORD>", PASSWORD)
        .replace("<KNOWN>", &list(&known.concat()))
        .replace("<TRANSPORTS>", &list(&transports))
        .replace("<USER>", &user.user_id);
    (settings, fitting)
}

/// Texts as a list in TOML, of which those of JSON are some.
fn list(texts: &[impl AsRef<str>]) -> String {
    texts.iter().map(|it| json!(it.as_ref()).to_string()).collect::<Vec<_>>().join(", ")
}
