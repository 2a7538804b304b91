//! The commands that the README promises, run as somebody at a terminal would run them.

#![expect(clippy::expect_used, reason = "a command that goes wrong fails the test")]

use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use kernel_application::{ClaimLimits, DeliveryOutcome};
use persistence_adapter::{BUS, Database, Settings};
use reqwest::StatusCode;
use secrets_adapter::Secrets;
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
async fn what_was_acknowledged_survives_kill_9_and_a_repetition_gets_the_first_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut server, base) = serving(folder.path()).await;
    let created = run(&mut majestic(folder.path(), &["create-api-key", "--name", "scanner"])).await;
    let key = text(&created.stdout).trim().to_owned();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
    let register = |base: &str| {
        let register = http.post(format!("{base}/api/v1/shipping/shippingitems/")).json(&json!({ "sku": "SHOE-42" }));
        register.header("x-api-key", &key).header("idempotency-key", "once").send()
    };
    let first = register(&base).await.expect("an answer");
    assert_eq!(first.status(), StatusCode::CREATED);
    let first = first.text().await.expect("a body");

    server.kill().await.expect("SIGKILL");
    let (_server, base) = serving(folder.path()).await;

    let again = register(&base).await.expect("an answer");
    assert_eq!(
        again.headers().get("idempotent-replayed").map(reqwest::header::HeaderValue::as_bytes),
        Some(&b"true"[..])
    );
    assert_eq!(again.text().await.expect("a body"), first);
    let items = http.get(format!("{base}/api/v1/shipping/shippingitems/")).header("x-api-key", &key).send().await;
    let items: serde_json::Value = items.expect("an answer").json().await.expect("JSON");
    assert_eq!(items["count"], 1);
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

/// Creates somebody while no server runs: that they signed up is still to be told.
async fn signed_up_unheard(folder: &Path, number: &str) {
    let mut create = majestic(folder, &["create-superuser", "--phonenumber", number]);
    let created = run(create.env("MAJESTIC_PASSWORD", "correct horse battery")).await;
    assert!(created.status.success(), "{}", text(&created.stderr));
}

/// Gives up on everything that is to be told.
async fn park_everything(folder: &Path) {
    let url = format!("sqlite://{}", folder.join("var/majestic.db").display());
    let sealing = Arc::new(Secrets::parse(&Secrets::generate(), []).expect("a key"));
    let database = Database::open(&url, &Settings::default(), sealing).expect("it opens");
    let deliveries = database.deliveries(BUS);
    let owner = uuid::Uuid::from_u128(1);
    let limits = ClaimLimits { events: 100, lease: TimeDelta::seconds(10) };
    #[expect(clippy::disallowed_methods, reason = "the server beside this goes by the real time, too")]
    let claimed = deliveries.claim(owner, limits, Utc::now()).await.expect("it answers");
    let parked: Vec<_> =
        claimed.into_iter().map(|it| (it, DeliveryOutcome::Parked { reason: "no rule takes it".to_owned() })).collect();
    deliveries.settle(owner, &parked).await.expect("it answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_replayed_and_dropped_beside_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    for number in ["+821012345678", "+821012345679", "+821012345670"] {
        signed_up_unheard(folder.path(), number).await;
    }
    park_everything(folder.path()).await;
    let (_server, _base) = serving(folder.path()).await;
    let letters = async |arguments: &[&str]| {
        let outcome = run(&mut majestic(folder.path(), &[&["dead-letters"], arguments].concat())).await;
        (outcome.status.success(), text(&outcome.stdout), text(&outcome.stderr))
    };

    let (_, listed, _) = letters(&["list"]).await;
    assert_eq!(listed.matches("UserSignup for bus: user").count(), 3, "{listed}");
    assert_eq!(listed.matches("no rule takes it").count(), 3, "{listed}");
    let (_, objects, _) = letters(&["list", "--json"]).await;
    let objects: Vec<serde_json::Value> = objects.lines().map(|it| serde_json::from_str(it).expect("JSON")).collect();
    assert_eq!((objects.len(), &objects[0]["attempts"], &objects[0]["waiting"]), (3, &json!(1), &json!(0)));
    assert_eq!(objects[0]["reason"], json!("no rule takes it"));
    let first = objects[0]["event_id"].as_str().expect("an id");

    assert_eq!(letters(&["drop", first, "--subscriber", "bus"]).await.1, "1 dropped\n");
    let (succeeded, _, refusal) = letters(&["replay", first]).await;
    assert!(!succeeded && refusal.contains("these are no dead letters"), "{refusal}");
    let second = objects[1]["event_id"].as_str().expect("an id");
    assert_eq!(letters(&["replay", second]).await.1, "1 to be delivered\n");
    assert_eq!(letters(&["replay", "--all"]).await.1, "1 to be delivered\n");
    assert_eq!(letters(&["list"]).await.1, "there are none\n");
    assert!(!letters(&["drop"]).await.0, "nobody drops everything by mistake");
}

#[tokio::test]
async fn a_relay_alone_delivers_and_stops_when_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    signed_up_unheard(folder.path(), "+821012345678").await;

    let mut relay = majestic(folder.path(), &["relay"]).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(relay.stdout.take().expect("its output")).lines();
    let published = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains("UserSignup published") {
                return true;
            }
        }
        false
    };
    assert!(timeout(PATIENCE, published).await.expect("in time"), "it ended before");
    let pid = relay.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.expect("a signal").success());
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });

    let ended = timeout(PATIENCE, relay.wait()).await.expect("it stops in time").expect("it ends");
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn a_relay_alone_tells_its_numbers_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    signed_up_unheard(folder.path(), "+821012345678").await;

    let mut relay = majestic(folder.path(), &["relay"]);
    let _relay = relay.env("METRICS_ADDR", free.to_string()).stdout(Stdio::null()).spawn().expect("it starts");

    let _ = rustls::crypto::ring::default_provider().install_default();
    let delivered = r#"majestic_outbox_waiting{subscriber="bus"} 0"#;
    let told = async {
        loop {
            if let Ok(answer) = reqwest::get(format!("http://{free}/metrics")).await
                && answer.text().await.is_ok_and(|it| it.lines().any(|line| line == delivered))
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, told).await.expect("it says that nothing waits");
}

#[tokio::test]
async fn a_check_says_by_its_exit_code_what_stands_in_the_way_of_a_deploy() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = async |variables: &[(&str, &str)]| {
        let mut command = majestic(folder.path(), &["check"]);
        let checked = run(command.envs(variables.iter().copied())).await;
        (checked.status.code(), text(&checked.stdout))
    };

    let (code, said) = check(&[("ENV", "prod"), ("LISTEN_ADDR", "here")]).await;
    assert_eq!(code, Some(1), "{said}");
    for fault in ["LISTEN_ADDR", "DATABASE_URL", "SECRET_KEY", "TOKEN_ROOT_KEY"] {
        assert!(said.contains(fault), "{fault} in {said}");
    }
    let (code, said) = check(&[]).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("schema          it lacks 2026-01-01-000001_kernel_outbox"), "{said}");

    assert!(run(&mut majestic(folder.path(), &["migrate"])).await.status.success());
    let (code, said) = check(&[]).await;
    assert_eq!(code, Some(0), "{said}");
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let (code, said) = check(&[("CACHE_URL", &format!("redis://{gone}"))]).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.lines().any(|it| it.starts_with("cache ") && !it.contains("ok, in")), "{said}");
    assert!(said.lines().any(|it| it.starts_with("database ") && it.contains("ok, in")), "{said}");
}

#[tokio::test]
async fn a_check_names_every_backend_that_is_gone_also_when_all_of_them_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let keys: &[(&str, &str)] = &[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    // A role whose keys nobody hands out: without them the place for pictures cannot even be asked.
    let role: &[(&str, &str)] = &[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/nobody")];

    for credentials in [keys, role] {
        let mut check = majestic(folder.path(), &["check"]);
        check.envs(credentials.iter().copied()).envs([
            ("DATABASE_URL", format!("mysql://root@{gone}/majestic")),
            ("DATABASE_REPLICA_URL", format!("mysql://root@{gone}/replica")),
            ("CACHE_URL", format!("redis://{gone}")),
            ("STORAGE_URL", format!("s3://pictures?region=us-east-1&endpoint=http://{gone}")),
            ("EVENTS_URL", format!("eventbridge://bus?region=us-east-1&endpoint=http://{gone}")),
        ]);
        let checked = run(&mut check).await;

        let said = text(&checked.stdout);
        assert_eq!(checked.status.code(), Some(3), "{said}{}", text(&checked.stderr));
        for backend in ["database", "replica", "cache", "storage", "events", "schema"] {
            let told = said.lines().find(|it| it.split_whitespace().next() == Some(backend));
            assert!(told.is_some_and(|it| !it.contains("ok, in")), "{backend} in {said}");
        }
    }
}

#[tokio::test]
async fn a_check_tells_programs_the_same() {
    let folder = tempfile::tempdir().expect("a folder");

    let checked = run(&mut majestic(folder.path(), &["check", "--json"])).await;

    let found: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!((checked.status.code(), &found["ok"], &found["configuration"]), (Some(3), &json!(false), &json!([])));
    let schema = found["backends"].as_array().expect("a list").iter().find(|it| it["name"] == "schema");
    assert_eq!(schema.expect("it is looked at")["ok"], json!(false), "{found:#}");
}

#[tokio::test]
async fn whoever_reads_may_stop_reading() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut list = majestic(folder.path(), &["dead-letters", "list"]);

    let mut listing = list.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(listing.stdout.take());

    let ended = timeout(PATIENCE, listing.wait_with_output()).await.expect("it ends in time").expect("it ends");
    assert!(!text(&ended.stderr).contains("panicked"), "{}", text(&ended.stderr));
}
