//! A client that knows nothing of us but our document makes its requests up, good ones and bad ones.

mod fitting;

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::{PASSWORD, Stack, TestApp, Visitor};
use tokio::process::Command;

use crate::stage::{CENTERS, Stage, TRANSPORTS};

/// How long it asks, in seconds, unless `MADE_UP_SECONDS` says otherwise.
const ASKING: u64 = 60;
/// As whom it asks, unless `MADE_UP_BY` says otherwise: one who may do everything, so that everything can succeed.
const SUPERUSER: &str = "superuser";
/// What is made up is the same each time, as far as our answers are.
const SEED: &str = "20260102";
/// It reads the document before it asks, and writes its report afterwards.
const BESIDES: Duration = Duration::from_mins(3);
/// What it reports to.
const REPORT: &str = "report.json";
/// Where it finds what fits together and as whom it signs in, and where it notes how it was answered.
const FITTING: &str = "fitting.json";
const ACCOUNTS: &str = "accounts.json";
const ANSWERED: &str = "answered.txt";
/// As how many it can sign in. What is made up closes an account now and then, or changes its password.
const MANY: usize = 20;
/// Fewer requests find nothing because they hardly ask; even a busy machine answers more.
const LEAST: u64 = 300;
/// What takes no right: whoever asks, it succeeds.
const OPEN: [&str; 2] = ["list_public_keys", "own_profile"];
/// A number that needs no token to sign up.
const NEWCOMER: &str = "+821029990001";
/// The token that is always sent.
const TOKEN: &str = "042042";

/// Only on the embedded stack: what is looked for is in the API, and the same on both.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_made_up_from_the_document_is_answered_as_it_says() {
    let Some(python) = support::python() else { return };
    let seconds = chosen("MADE_UP_SECONDS").map_or(ASKING, |it| it.parse().expect("a number of seconds"));
    let role = chosen("MADE_UP_BY").unwrap_or_else(|| SUPERUSER.to_owned());
    let lenient = [("BYPASS_PHONENUMBER_REGEX", r"\+82102999\d{4}"), ("AUTH_FIXED_TOKEN", TOKEN)];
    let app = TestApp::start_with(Stack::Embedded, &lenient).await.expect("the embedded stack is always there");
    for (name, text) in prepared(&app, &role).await {
        std::fs::write(app.folder().join(name), text).expect("it can be written");
    }

    let mut asking = Command::new(python);
    asking
        .args(["-m", "schemathesis.cli", "run", &format!("{}/api/docs/openapi.json", app.base)])
        .args(["--checks", "all", "--max-time", &seconds.to_string(), "--seed", SEED])
        .args(["--no-color", "--generation-database", "none", "--report", "json", "--report-json-path", REPORT])
        .env("FITTING_REQUESTS", FITTING)
        .env("ACCOUNTS", ACCOUNTS)
        .env("ANSWERED", ANSWERED)
        .current_dir(app.folder())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let deadline = Duration::from_secs(seconds) + BESIDES;
    let asked = tokio::time::timeout(deadline, asking.output()).await.expect("it ends in time").expect("Python runs");

    let (told, complained) = (String::from_utf8_lossy(&asked.stdout), String::from_utf8_lossy(&asked.stderr));
    assert!(asked.status.success(), "{told}\n{complained}");
    let report = std::fs::read(app.folder().join(REPORT)).expect("it reports");
    let report: Value = serde_json::from_slice(&report).expect("in JSON");
    assert_eq!(report["operations"]["tested"], report["operations"]["total"], "{told}");
    assert!(report["test_cases"]["generated"].as_u64() > Some(LEAST), "{told}");
    let answered = std::fs::read_to_string(app.folder().join(ANSWERED)).expect("it notes how it was answered");
    let mut unseen = never_successful(&app, &answered).await;
    unseen.retain(|it| role == SUPERUSER || OPEN.contains(&it.as_str()));
    assert_eq!(unseen, [] as [String; 0], "no success of these was held against the document");
}

/// What a longer run, or one as somebody else, is asked for by.
fn chosen(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "that is how another run is asked for")]
    std::env::var(name).ok()
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

/// How it is to ask, with some of what there is, requests that fit, and whom it can sign in as.
async fn prepared(app: &TestApp, role: &str) -> [(&'static str, String); 3] {
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

    let mut accounts = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        accounts.push(somebody(app, role).await);
    }
    let who = &accounts[0];
    let (token, refresh) = (who.token.clone().unwrap_or_default(), who.refresh.clone().unwrap_or_default());
    let known = [
        ["ABC001", "ABC002", &alias, &item, &stage.a_batch().await, &stage.an_item().await],
        [&who.phone_number, PASSWORD, NEWCOMER, TOKEN, &token, &refresh],
    ];
    let accounts = json!({
        "sign_in": format!("{}/api/v1/auth/signin/", app.base),
        "password": PASSWORD,
        "phonenumbers": accounts.iter().map(|it| &it.phone_number).collect::<Vec<_>>(),
    });

    let certain: Vec<_> = OPEN.into_iter().chain((role == SUPERUSER).then_some("register_item")).collect();
    let settings = include_str!("../schemathesis.toml")
        .replace("<HOOKS>", concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis_hooks.py"))
        .replace("<KNOWN>", &list(&known.concat()))
        .replace("<CERTAIN>", &list(&certain))
        .replace("<TRANSPORTS>", &list(&transports))
        .replace("<USER>", &user.user_id);
    [("schemathesis.toml", settings), (FITTING, fitting.to_string()), (ACCOUNTS, accounts.to_string())]
}

async fn somebody(app: &TestApp, role: &str) -> Visitor {
    match role {
        SUPERUSER => app.superuser().await,
        "manager" => app.manager().await,
        "clerk" => app.clerk().await,
        "driver" => app.driver().await,
        nobody => panic!("{nobody} is none of superuser, manager, clerk and driver"),
    }
}

/// Texts as a list in TOML, of which those of JSON are some.
fn list(texts: &[impl AsRef<str>]) -> String {
    texts.iter().map(|it| json!(it.as_ref()).to_string()).collect::<Vec<_>>().join(", ")
}
