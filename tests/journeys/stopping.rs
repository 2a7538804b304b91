//! The application stops without cutting anybody off.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bootstrap::config::Config;
use bootstrap::{build, serve};
use kernel_application::{Publisher, StoredEvent, Undelivered};
use kernel_domain::CorrelationId;
use reqwest::StatusCode;
use serde_json::json;
use support::app::TestApp;
use support::sql::Sql;
use tokio::net::TcpListener;
use user_application::RegisterUser;
use user_domain::testing::a_registration;

use crate::stage::Stage;

on_both_stacks![a_stop_waits_for_what_has_begun];

async fn a_stop_waits_for_what_has_begun(app: TestApp) {
    let stage = Stage::set(&app).await;
    let staff = stage.staff.clone();
    // What is kept outlives the one that stops.
    let other = app.beside().await;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let staff = staff.clone();
        asking.spawn(async move {
            let request = staff.request(reqwest::Method::POST, "/api/v1/shipping/shippingitems/");
            request.json(&json!({ "sku": "LAST" })).send().await
        });
    }
    let first = asking.join_next().await.expect("an answer").expect("no panic").expect("it is served");
    let mut answered = usize::from(first.status() == StatusCode::CREATED);

    tokio::time::timeout(Duration::from_secs(30), app.stop()).await.expect("it stops");

    while let Some(asked) = asking.join_next().await {
        // Refused before it began, or answered in full; never half an answer.
        match asked.expect("no panic") {
            Ok(answer) => {
                answered += usize::from(answer.status() == StatusCode::CREATED);
                assert!(answer.text().await.is_ok());
            }
            Err(error) => assert!(error.is_connect() || error.is_request(), "{error:?}"),
        }
    }
    let mut sql = Sql::open(other.variable("DATABASE_URL")).await;
    let done = "SELECT CAST(COUNT(*) AS CHAR(20)) AS line FROM shipping_items WHERE sku = 'LAST'";
    let done = sql.lines(done).await.expect("the items can be counted");
    assert_eq!(done, [answered.to_string()], "whatever was done was answered");
}

struct Dies;

#[async_trait]
impl Publisher for Dies {
    async fn publish(&self, _: &[StoredEvent]) -> Vec<Result<(), Undelivered>> {
        panic!("this relay dies with its first event")
    }
}

/// Whoever starts it again does so because it ended badly; a process that serves on and delivers nothing is seen by nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_relay_died_ends_with_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    let find = |name: &str| match name {
        "ENV" => Some("test".to_owned()),
        "DATABASE_URL" => Some(url.clone()),
        _ => None,
    };
    let config = Config::read(find).expect("a usable configuration");
    let mut app = build(&config).await.expect("it can be built");
    app.relay.publisher = Arc::new(Dies);
    app.database.migrate().await.expect("it can be migrated");
    let somebody = a_registration();
    let signs_up = RegisterUser {
        id: somebody.id,
        username: None,
        phone_number: somebody.phone_number.expect("a number"),
        role: somebody.role,
        profile: somebody.profile,
        privileges: somebody.privileges,
    };
    let correlation_id = CorrelationId::from(somebody.id.as_uuid());
    app.users.register_user(signs_up, &correlation_id).await.expect("they register");

    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let serving = serve(&config, app, listener, std::future::pending());
    let ended = tokio::time::timeout(Duration::from_secs(30), serving).await.expect("it ends by itself");

    assert!(ended.is_err());
}
