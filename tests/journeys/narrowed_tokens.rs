//! Whoever holds a token narrows it offline, and what they took away stays away.

use std::process::Stdio;

use biscuit_auth::builder_ext::BuilderExt;
use biscuit_auth::macros::block;
use biscuit_auth::{Biscuit, PublicKey};
use reqwest::StatusCode;
use serde_json::json;
use support::app::{TestApp, Visitor};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::stage::{BATCHES, ITEMS};

on_both_stacks![
    a_token_narrowed_to_reading_writes_nothing,
    a_token_narrowed_to_a_path_opens_no_other,
    a_token_narrowed_to_a_time_is_over_by_then,
    nobody_widens_a_token,
    another_program_verifies_our_tokens_with_the_public_keys,
    a_narrowed_token_is_made_in_python_as_well,
];

/// The root key, as anybody gets it.
async fn public_key(app: &TestApp) -> String {
    let keys = app.anybody().get("/api/v1/auth/public-keys/").await.expecting(StatusCode::OK);
    let key = &keys["keys"][0];
    assert_eq!(key["algorithm"], "ed25519");
    key["public_key"].as_str().expect("a key").to_owned()
}

/// What somebody holds, opened without asking us.
async fn held(app: &TestApp, visitor: &Visitor) -> Biscuit {
    let key = PublicKey::from_bytes_hex(&public_key(app).await, biscuit_auth::Algorithm::Ed25519).expect("a key");
    Biscuit::from_base64(visitor.token.as_ref().expect("a token"), key).expect("our signature holds")
}

fn showing(visitor: &Visitor, token: &Biscuit) -> Visitor {
    visitor.showing(token.to_base64().expect("a token"))
}

async fn a_token_narrowed_to_reading_writes_nothing(app: TestApp) {
    let clerk = app.clerk().await;
    let narrowed = held(&app, &clerk).await.append(block!(r#"check if method("GET");"#)).expect("a narrower token");
    let reader = showing(&clerk, &narrowed);

    reader.get(ITEMS).await.expecting(StatusCode::OK);
    reader.post(BATCHES, json!({})).await.refused(StatusCode::FORBIDDEN, "permission_denied");
    reader.delete("/api/v1/auth/sessions/").await.refused(StatusCode::FORBIDDEN, "permission_denied");
    clerk.post(BATCHES, json!({})).await.expecting(StatusCode::CREATED);
}

async fn a_token_narrowed_to_a_path_opens_no_other(app: TestApp) {
    let clerk = app.clerk().await;
    let check = block!(r#"check if path($path), $path.starts_with("/api/v1/shipping/shippingitems/");"#);
    let narrowed = held(&app, &clerk).await.append(check).expect("a narrower token");
    let narrow = showing(&clerk, &narrowed);

    narrow.get(ITEMS).await.expecting(StatusCode::OK);
    narrow.get(ITEMS.trim_end_matches('/')).await.expecting(StatusCode::OK);
    narrow.get(BATCHES).await.refused(StatusCode::FORBIDDEN, "permission_denied");
    let roundabout = "/api/v1/shipping/shippingitems/../batches/";
    let answer = narrow.get(roundabout).await;
    assert!(!answer.status.is_success(), "{roundabout}: {}", answer.status);
}

async fn a_token_narrowed_to_a_time_is_over_by_then(app: TestApp) {
    let clerk = app.clerk().await;
    let held = held(&app, &clerk).await;
    let over = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    let later = over + std::time::Duration::from_secs(1_000_000_000);

    let expired = held.append(biscuit_auth::builder::BlockBuilder::new().check_expiration_date(over));
    let lasting = held.append(biscuit_auth::builder::BlockBuilder::new().check_expiration_date(later));

    let expired = showing(&clerk, &expired.expect("a narrower token"));
    expired.get(ITEMS).await.refused(StatusCode::FORBIDDEN, "permission_denied");
    showing(&clerk, &lasting.expect("a narrower token")).get(ITEMS).await.expecting(StatusCode::OK);
}

async fn nobody_widens_a_token(app: TestApp) {
    let driver = app.driver().await;
    let wider = block!(r#"staff_flag(true); superuser_flag(true); user_type("STAFF"); scope("shipping:read");"#);
    let wider = held(&app, &driver).await.append(wider).expect("it can be appended");
    let ambitious = showing(&driver, &wider);

    for path in [ITEMS, "/api/v1/user/users/", "/api/v1/auth/api-keys/"] {
        ambitious.get(path).await.refused(StatusCode::FORBIDDEN, "permission_denied");
    }
}

async fn another_program_verifies_our_tokens_with_the_public_keys(app: TestApp) {
    let clerk = app.clerk().await;
    let held = held(&app, &clerk).await;

    assert_eq!(held.block_count(), 1);

    let stranger = biscuit_auth::KeyPair::new().public();
    let token = clerk.token.as_ref().expect("a token");
    assert!(Biscuit::from_base64(token, stranger).is_err(), "another key verifies nothing");
}

/// `TEST_PYTHON` names an interpreter that has `biscuit-python`; `cargo xtask test` makes one.
async fn a_narrowed_token_is_made_in_python_as_well(app: TestApp) {
    let Some(python) = support::python() else { return };
    let clerk = app.clerk().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/clients/narrow_a_token.py");
    let token = clerk.token.clone().expect("a token");
    let key = public_key(&app).await;

    let mut narrow = Command::new(python);
    narrow.args([script, &key, "read-only"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut narrowing = narrow.spawn().expect("Python runs");
    narrowing.stdin.take().expect("its input").write_all(token.as_bytes()).await.expect("it reads");

    let narrowed = narrowing.wait_with_output().await.expect("Python ends");
    assert!(narrowed.status.success(), "{}", String::from_utf8_lossy(&narrowed.stderr));
    let reader = clerk.showing(String::from_utf8_lossy(&narrowed.stdout).trim().to_owned());
    reader.get(ITEMS).await.expecting(StatusCode::OK);
    reader.post(BATCHES, json!({})).await.refused(StatusCode::FORBIDDEN, "permission_denied");
}
