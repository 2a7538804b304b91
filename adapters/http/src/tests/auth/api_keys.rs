//! API keys, and the keys that sign access tokens.

use auth_application::{ApiKeyView, KeyFingerprint, PresentedKey};
use auth_domain::testing::a_new_api_key;
use auth_domain::{ApiKey, ApiKeyHash, ApiKeyId, ApiKeyName, Scope};
use kernel_application::Page;
use kernel_application::testing::noon;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::contexts::{Served, get, post, send, serving};
use super::super::{json_of, refusal, refusals_of};
use crate::HttpSettings;

const KEYS: &str = "auth/api-keys/";

/// A world in which the next key is this one.
fn making() -> Served {
    let mut served = Served::default();
    served.auth.api_keys.expect_fresh().returning(|| {
        let fingerprint = KeyFingerprint { prefix: "mk_12345678".to_owned(), hash: ApiKeyHash::new([1; 32]) };
        (PresentedKey::new("mk_12345678.secret"), fingerprint)
    });
    served
}

#[tokio::test]
async fn a_new_key_is_shown_once() {
    let mut served = making();
    served.auth.work.api_keys.expect_add().times(1).returning(|_| Ok(()));
    let body = json!({
        "name": " scanner ", "expires_at": "2027-01-01T09:00:00.1234567+09:00",
        "scopes": ["distribution:read", "shipping:read"], "id": Uuid::nil(), "key": "mine", "revoked": true,
    });

    let response = post(served, KEYS, &body).await;

    response.assert_status(StatusCode::CREATED);
    response.assert_header("cache-control", "no-store");
    let mut key = json_of(response).await;
    assert!(key["id"].take().as_str().is_some_and(|it| it != Uuid::nil().to_string()));
    let expected = json!({
        "id": null, "name": "scanner", "prefix": "mk_12345678", "key": "mk_12345678.secret",
        "scopes": ["shipping:read", "distribution:read"], "expires_at": "2027-01-01T00:00:00.123456Z",
        "created_at": "2026-01-02T12:00:00.000000Z",
    });
    assert_eq!(key, expected);
}

#[tokio::test]
async fn a_key_is_for_shipping_and_for_ever_unless_somebody_says_otherwise() {
    for body in [json!({ "name": "scanner" }), json!({ "name": "scanner", "expires_at": null })] {
        let mut served = making();
        served.auth.work.api_keys.expect_add().returning(|_| Ok(()));
        let key = json_of(post(served, KEYS, &body).await).await;
        assert_eq!(key["scopes"], json!(["shipping:read", "shipping:write"]));
        assert_eq!(key["expires_at"], Value::Null);
    }
}

#[tokio::test]
async fn each_way_not_to_get_a_key_has_its_code() {
    for (changed, value, field, code) in [
        ("name", json!("x".repeat(51)), "name", "max_length"),
        ("name", json!("  "), "name", "blank"),
        ("scopes", json!([]), "scopes", "empty"),
        ("scopes", json!("shipping:read"), "scopes", "not_a_list"),
        ("scopes", json!(["shipping:read", "everything"]), "scopes[1]", "invalid_choice"),
        ("scopes", json!([null]), "scopes[0]", "invalid_choice"),
        ("scopes", json!(vec!["shipping:read"; 4]), "scopes", "max_length"),
        ("scopes", json!(null), "scopes", "null"),
        ("expires_at", json!("2025-01-01T00:00:00Z"), "expires_at", "already_expired"),
        ("expires_at", json!("2026-01-02T12:00:00Z"), "expires_at", "already_expired"),
        ("expires_at", json!("tomorrow"), "expires_at", "invalid"),
        ("expires_at", json!("2027-01-01"), "expires_at", "invalid"),
        ("expires_at", json!("9999-12-31T23:59:59-12:00"), "expires_at", "invalid"),
        ("expires_at", json!(1_800_000_000), "expires_at", "invalid"),
    ] {
        let mut body = json!({ "name": "scanner" });
        body[changed] = value;
        let response = post(making(), KEYS, &body).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal(field, code)], "{body}");
    }
}

#[tokio::test]
async fn keys_are_listed_without_what_opens_doors() {
    let mut served = Served::default();
    served.auth.queries.expect_api_keys().returning(|_| {
        let view = ApiKeyView {
            id: ApiKeyId::new(Uuid::from_u128(4)),
            name: ApiKeyName::parse("scanner").expect("a name"),
            prefix: "mk_12345678".to_owned(),
            scopes: vec![Scope::ReadShipping],
            created_at: noon(),
            expires_at: None,
            last_used_at: Some(noon()),
        };
        Ok(Some(Page::numbered(vec![view], 1, 1, 10)))
    });

    let page = json_of(get(served, KEYS).await).await;

    let expected = json!({
        "id": Uuid::from_u128(4), "name": "scanner", "prefix": "mk_12345678", "scopes": ["shipping:read"],
        "expires_at": null, "created_at": "2026-01-02T12:00:00.000000Z",
        "last_used_at": "2026-01-02T12:00:00.000000Z",
    });
    assert_eq!(page["results"], json!([expected]));
}

#[tokio::test]
async fn a_revoked_key_is_gone() {
    let mut served = Served::default();
    let key = ApiKey::create(a_new_api_key(), noon()).expect("a key");
    let path = format!("{KEYS}{}/", key.id());
    served.auth.work.api_keys.expect_find().returning(move |_| Ok(Some(key.clone())));
    let revoked = |it: &ApiKey| it.snapshot().revoked_at.is_some();
    served.auth.work.api_keys.expect_save().times(1).withf(revoked).returning(|_| Ok(()));
    send(served, Method::DELETE, &path, &json!({})).await.assert_status(StatusCode::NO_CONTENT);

    let mut unknown = Served::default();
    unknown.auth.work.api_keys.expect_find().returning(|_| Ok(None));
    let response = send(unknown, Method::DELETE, &path, &json!({})).await;
    assert_eq!(refusals_of(response, StatusCode::NOT_FOUND).await, [refusal("", "not_found")]);
}

#[tokio::test]
async fn anybody_can_have_the_keys_that_prove_our_tokens() {
    let client = serving(Served::default(), HttpSettings::default());

    let response = client.get("/api/v1/auth/public-keys").send().await;

    response.assert_status_is_ok();
    let expected = json!({ "keys": [{ "id": 7, "algorithm": "ed25519", "public_key": "d75a" }] });
    assert_eq!(json_of(response).await, expected);
}
