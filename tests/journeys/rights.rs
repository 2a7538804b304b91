//! Who may do what, as a table; an operation that the table forgets makes it fail.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, TestApp, Visitor};

use auth_application::AccountType;
use auth_application::{Claims, RequestFacts};
use auth_domain::Scope;
use chrono::TimeDelta;
use user_domain::{Privileges, Role};

on_both_stacks![every_operation_is_open_to_those_it_is_meant_for_and_to_nobody_else];

/// A method and a path of the document, and the statuses that everybody in [`people`] gets.
type Row = (&'static str, &'static str, [u16; 11]);

/// Who asks, in the order of the columns.
const PEOPLE: [&str; 11] = [
    "anonymous",
    "driver",
    "staff",
    "staff flag",
    "superuser",
    "key to read shipping",
    "key to write shipping",
    "key to read centers",
    "banned",
    "signed out",
    "key that expired",
];

/// Whoever may ask is told 400 or 404: bodies are empty, and ids do not exist.
const TABLE: &[Row] = &[
    // auth, open to all
    ("POST", "/api/v1/auth/phonenumber/check/", [400; 11]),
    ("POST", "/api/v1/auth/signup/token_request/", [400; 11]),
    ("POST", "/api/v1/auth/signup/token_confirm/", [400; 11]),
    ("POST", "/api/v1/auth/signup/", [400; 11]),
    ("POST", "/api/v1/auth/signin/", [400; 11]),
    ("POST", "/api/v1/auth/signin/token_request/", [400; 11]),
    ("POST", "/api/v1/auth/signin/token_confirm/", [400; 11]),
    ("POST", "/api/v1/auth/token/refresh/", [400; 11]),
    ("POST", "/api/v1/auth/token/verify/", [400; 11]),
    ("GET", "/api/v1/auth/public-keys/", [200; 11]),
    // auth, for whoever is signed in
    ("POST", "/api/v1/auth/token/heartbeat/", [401, 403, 200, 200, 200, 200, 200, 200, 401, 401, 401]),
    ("POST", "/api/v1/auth/signout/", [401, 400, 400, 400, 400, 403, 403, 403, 401, 401, 401]),
    ("POST", "/api/v1/auth/unregister/", [401, 400, 400, 400, 400, 403, 403, 403, 401, 401, 401]),
    ("POST", "/api/v1/auth/password/change/", [401, 400, 400, 400, 400, 403, 403, 403, 401, 401, 401]),
    ("GET", "/api/v1/auth/sessions/", [401, 200, 200, 200, 200, 403, 403, 403, 401, 401, 401]),
    ("DELETE", "/api/v1/auth/sessions/", [401, 204, 204, 204, 204, 403, 403, 403, 401, 401, 401]),
    ("DELETE", "/api/v1/auth/sessions/{id}/", [401, 404, 404, 404, 404, 403, 403, 403, 401, 401, 401]),
    ("GET", "/api/v1/auth/api-keys/", [401, 403, 403, 403, 200, 403, 403, 403, 401, 401, 401]),
    ("POST", "/api/v1/auth/api-keys/", [401, 403, 403, 403, 400, 403, 403, 403, 401, 401, 401]),
    ("DELETE", "/api/v1/auth/api-keys/{id}/", [401, 403, 403, 403, 404, 403, 403, 403, 401, 401, 401]),
    // user
    ("GET", "/api/v1/user/users/self/profile/", [401, 200, 200, 200, 200, 403, 403, 403, 401, 401, 401]),
    ("PATCH", "/api/v1/user/users/self/profile/", [401, 200, 200, 200, 200, 403, 403, 403, 401, 401, 401]),
    ("GET", "/api/v1/user/users/", [401, 403, 403, 200, 200, 403, 403, 403, 401, 401, 401]),
    ("GET", "/api/v1/user/users/{uuid}/", [401, 403, 403, 404, 404, 403, 403, 403, 401, 401, 401]),
    ("PATCH", "/api/v1/user/users/{uuid}/", [401, 403, 403, 403, 404, 403, 403, 403, 401, 401, 401]),
    ("POST", "/api/v1/user/users/{uuid}/ban/", [401, 403, 403, 404, 404, 403, 403, 403, 401, 401, 401]),
    ("POST", "/api/v1/user/users/{uuid}/unregister/", [401, 403, 403, 404, 404, 403, 403, 403, 401, 401, 401]),
    // distribution
    ("GET", "/api/v1/distribution/centers/", [401, 200, 200, 200, 200, 403, 403, 200, 401, 401, 401]),
    ("POST", "/api/v1/distribution/centers/", [401, 403, 403, 400, 400, 403, 403, 403, 401, 401, 401]),
    ("GET", "/api/v1/distribution/centers/{uuid}/", [401, 403, 403, 404, 404, 403, 403, 403, 401, 401, 401]),
    ("PUT", "/api/v1/distribution/centers/{uuid}/", [401, 403, 403, 400, 400, 403, 403, 403, 401, 401, 401]),
    ("PATCH", "/api/v1/distribution/centers/{uuid}/", [401, 403, 403, 404, 404, 403, 403, 403, 401, 401, 401]),
    ("DELETE", "/api/v1/distribution/centers/{uuid}/", [401, 403, 403, 404, 404, 403, 403, 403, 401, 401, 401]),
    // shipping
    ("GET", "/api/v1/shipping/shippingitems/", [401, 403, 200, 200, 200, 200, 403, 403, 401, 401, 401]),
    ("POST", "/api/v1/shipping/shippingitems/", [401, 403, 201, 201, 201, 403, 201, 403, 401, 401, 401]),
    (
        "GET",
        "/api/v1/shipping/shippingitems/{tracking_number}/",
        [401, 403, 404, 404, 404, 404, 403, 403, 401, 401, 401],
    ),
    (
        "PUT",
        "/api/v1/shipping/shippingitems/{tracking_number}/",
        [401, 403, 400, 400, 400, 403, 400, 403, 401, 401, 401],
    ),
    (
        "PATCH",
        "/api/v1/shipping/shippingitems/{tracking_number}/",
        [401, 403, 404, 404, 404, 403, 404, 403, 401, 401, 401],
    ),
    (
        "DELETE",
        "/api/v1/shipping/shippingitems/{tracking_number}/",
        [401, 403, 404, 404, 404, 403, 404, 403, 401, 401, 401],
    ),
    ("GET", "/api/v1/shipping/batches/", [401, 403, 200, 200, 200, 200, 403, 403, 401, 401, 401]),
    ("POST", "/api/v1/shipping/batches/", [401, 403, 201, 201, 201, 403, 201, 403, 401, 401, 401]),
    ("GET", "/api/v1/shipping/batches/{alias}/", [401, 403, 404, 404, 404, 404, 403, 403, 401, 401, 401]),
    ("PUT", "/api/v1/shipping/batches/{alias}/", [401, 403, 404, 404, 404, 403, 404, 403, 401, 401, 401]),
    ("PATCH", "/api/v1/shipping/batches/{alias}/", [401, 403, 404, 404, 404, 403, 404, 403, 401, 401, 401]),
    ("DELETE", "/api/v1/shipping/batches/{alias}/", [401, 403, 404, 404, 404, 403, 404, 403, 401, 401, 401]),
    ("GET", "/api/v1/shipping/batches/{alias}/shippingitems/", [401, 404, 404, 404, 404, 404, 403, 403, 401, 401, 401]),
    ("POST", "/api/v1/shipping/batches/{alias}/add/", [401, 403, 400, 400, 400, 403, 400, 403, 401, 401, 401]),
    ("POST", "/api/v1/shipping/batches/{alias}/remove/", [401, 403, 400, 400, 400, 403, 400, 403, 401, 401, 401]),
    ("GET", "/api/v1/shipping/transports/", [401, 200, 200, 200, 200, 200, 403, 403, 401, 401, 401]),
    ("POST", "/api/v1/shipping/transports/", [401, 403, 400, 400, 400, 403, 400, 403, 401, 401, 401]),
    ("PUT", "/api/v1/shipping/transports/{uuid}/", [401, 403, 400, 400, 400, 403, 400, 403, 401, 401, 401]),
    ("PATCH", "/api/v1/shipping/transports/{uuid}/", [401, 403, 404, 404, 404, 403, 404, 403, 401, 401, 401]),
    ("DELETE", "/api/v1/shipping/transports/{uuid}/", [401, 403, 404, 404, 404, 403, 404, 403, 401, 401, 401]),
    ("GET", "/api/v1/shipping/transports/{uuid}/", [401, 404, 404, 404, 404, 404, 403, 403, 401, 401, 401]),
    ("GET", "/api/v1/shipping/transports/{uuid}/batches/", [401, 404, 404, 404, 404, 404, 403, 403, 401, 401, 401]),
    ("POST", "/api/v1/shipping/transports/{uuid}/add/", [401, 403, 400, 400, 400, 403, 400, 403, 401, 401, 401]),
    ("POST", "/api/v1/shipping/transports/{uuid}/start/", [401, 404, 404, 404, 404, 403, 404, 403, 401, 401, 401]),
    ("POST", "/api/v1/shipping/transports/{uuid}/complete/", [401, 404, 404, 404, 404, 403, 404, 403, 401, 401, 401]),
];

/// Everybody, in the order of [`PEOPLE`].
async fn people(app: &TestApp) -> [Visitor; 11] {
    let manager = app.manager().await;
    let banned = app.driver().await;
    let ban = format!("/api/v1/user/users/{}/ban/", banned.user_id);
    manager.post(&ban, json!({})).await.expecting(StatusCode::NO_CONTENT);
    // The ban is known everywhere within a second: here it must be, for what follows.
    app.auth.look_for_ended().await.expect("the store answers");
    let signed_out = app.clerk().await;
    let refresh = json!({ "refresh": signed_out.refresh });
    signed_out.post("/api/v1/auth/signout/", refresh).await.expecting(StatusCode::NO_CONTENT);
    [
        app.anybody(),
        app.driver().await,
        app.clerk().await,
        manager,
        app.signed_in(Role::Staff { groups: vec![] }, Privileges::Superuser).await,
        app.machine(&[Scope::ReadShipping]).await,
        app.machine(&[Scope::WriteShipping]).await,
        app.machine(&[Scope::ReadDistribution]).await,
        banned,
        signed_out,
        app.machine_that_expired().await,
    ]
}

/// A superuser with a token that expired, and with one that somebody else signed.
async fn with_void_tokens(app: &TestApp) -> [(Visitor, &'static str); 2] {
    let path = "/api/v1/user/users/self/profile/";
    let root = app.superuser().await;
    let (token, now) = (root.token.as_deref().expect("a token"), app.auth.clock.now());
    let request = RequestFacts { method: "GET".to_owned(), path: path.to_owned() };
    let verified = app.auth.access_tokens.verify(token, &request, now).expect("their own");
    let good = Claims {
        account_id: verified.account_id,
        session_id: verified.session_id,
        account_type: AccountType::Staff,
        is_staff: true,
        is_superuser: true,
        groups: Vec::new(),
        expires_at: now + TimeDelta::minutes(15),
    };
    let token = app.auth.access_tokens.issue(&good).expect("it is signed");
    root.showing(token).get(path).await.expecting(StatusCode::OK);

    let strange = app.beside_with(&[("TOKEN_ROOT_KEY", &tokens_adapter::RootKeys::generate())]).await;
    let forged = strange.auth.access_tokens.issue(&good).expect("it is signed");
    let expired = Claims { expires_at: now - TimeDelta::seconds(1), ..good };
    let expired = app.auth.access_tokens.issue(&expired).expect("it is signed");
    [(root.showing(expired), "token that expired"), (root.showing(forged), "forged token")]
}

async fn every_operation_is_open_to_those_it_is_meant_for_and_to_nobody_else(app: TestApp) {
    let people = people(&app).await;
    let void = with_void_tokens(&app).await;

    let mut wrong = Vec::new();
    for (method, path, expected) in TABLE {
        let void = void.iter().map(|(visitor, who)| ((visitor, *who), expected.last().expect("a void key")));
        for ((visitor, who), expected) in people.iter().zip(PEOPLE).zip(expected).chain(void) {
            let answer = ask(visitor, method, path).await;
            if answer.status.as_u16() != *expected {
                wrong.push(format!("{method} {path} by {who}: {} instead of {expected}", answer.status.as_u16()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    let document = app.anybody().get("/api/docs/openapi.json").await.expecting(StatusCode::OK);
    let mut documented = operations(&document);
    let mut tabled: Vec<_> =
        TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), without_names(path))).collect();
    documented.sort();
    tabled.sort();
    assert_eq!(documented, tabled, "every operation has a row");
}

async fn ask(visitor: &Visitor, method: &str, path: &str) -> Answer {
    let path = path
        .replace("{uuid}", "0190a3f0-7b1c-7d2e-8f00-000000000001")
        .replace("{id}", "0190a3f0-7b1c-7d2e-8f00-000000000001")
        .replace("{tracking_number}", "20260102-0000000000")
        .replace("{alias}", "nowhere");
    let method: Method = method.parse().expect("a method");
    let request = visitor.request(method.clone(), &path);
    let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
    Answer::to(if has_body { request.json(&json!({})) } else { request }).await
}

/// Every method and path of the document, under `/api/v1`.
pub(crate) fn operations(document: &Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").keys();
        methods.filter(|it| *it != "parameters").map(|it| (it.to_uppercase(), without_names(path)))
    });
    operations.filter(|(_, path)| path.starts_with("/api/v1/")).collect()
}

/// `/a/{id}/` as `/a/{}/`: what a parameter is called does not matter here.
pub(crate) fn without_names(path: &str) -> String {
    let segments = path.split('/').map(|it| if it.starts_with('{') { "{}" } else { it });
    segments.collect::<Vec<_>>().join("/")
}
