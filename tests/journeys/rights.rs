//! Who may do what, as a table; an operation that the table forgets makes it fail.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, TestApp, Visitor};

on_both_stacks![every_operation_is_open_to_those_it_is_meant_for_and_to_nobody_else];

/// A method and a path of the document, and the statuses that four people get: somebody without
/// a credential, a driver, a clerk (staff without the staff flag), and a manager (with it).
type Row = (&'static str, &'static str, [u16; 4]);

/// An empty body, and ids that do not exist: whoever may ask is told 400 or 404.
const TABLE: &[Row] = &[
    ("POST", "/api/v1/auth/signin/", [400, 400, 400, 400]),
    ("GET", "/api/v1/user/users/self/profile/", [401, 200, 200, 200]),
    ("GET", "/api/v1/distribution/centers/", [401, 200, 200, 200]),
    ("POST", "/api/v1/distribution/centers/", [401, 403, 403, 400]),
    ("GET", "/api/v1/distribution/centers/{uuid}/", [401, 403, 403, 404]),
    ("GET", "/api/v1/shipping/shippingitems/", [401, 403, 200, 200]),
    ("POST", "/api/v1/shipping/shippingitems/", [401, 403, 400, 400]),
    ("GET", "/api/v1/shipping/shippingitems/{tracking_number}/", [401, 403, 404, 404]),
    ("GET", "/api/v1/shipping/batches/", [401, 403, 200, 200]),
    ("POST", "/api/v1/shipping/batches/", [401, 403, 201, 201]),
    ("GET", "/api/v1/shipping/batches/{alias}/", [401, 403, 404, 404]),
    ("GET", "/api/v1/shipping/batches/{alias}/shippingitems/", [401, 403, 404, 404]),
    ("POST", "/api/v1/shipping/batches/{alias}/add/", [401, 403, 400, 400]),
    ("GET", "/api/v1/shipping/transports/", [401, 403, 200, 200]),
    ("POST", "/api/v1/shipping/transports/", [401, 403, 400, 400]),
    ("GET", "/api/v1/shipping/transports/{uuid}/", [401, 403, 404, 404]),
    ("GET", "/api/v1/shipping/transports/{uuid}/batches/", [401, 403, 404, 404]),
    ("POST", "/api/v1/shipping/transports/{uuid}/add/", [401, 403, 400, 400]),
    ("POST", "/api/v1/shipping/transports/{uuid}/start/", [401, 403, 404, 404]),
    ("POST", "/api/v1/shipping/transports/{uuid}/complete/", [401, 403, 404, 404]),
];

async fn every_operation_is_open_to_those_it_is_meant_for_and_to_nobody_else(app: TestApp) {
    let people = [app.anybody(), app.driver().await, app.clerk().await, app.manager().await];

    for (method, path, expected) in TABLE {
        for (visitor, expected) in people.iter().zip(expected) {
            let answer = ask(visitor, method, path).await;
            assert_eq!(answer.status.as_u16(), *expected, "{method} {path}: {:#}", answer.body);
        }
    }

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
        .replace("{tracking_number}", "20260102-0000000000")
        .replace("{alias}", "nowhere");
    let method: Method = method.parse().expect("a method");
    let request = visitor.request(method.clone(), &path);
    let request = if method == Method::POST { request.json(&json!({})) } else { request };
    Answer::to(request).await
}

/// Every method and path of the document, under `/api/v1`.
fn operations(document: &Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").keys();
        methods.filter(|it| *it != "parameters").map(|it| (it.to_uppercase(), without_names(path)))
    });
    operations.filter(|(_, path)| path.starts_with("/api/v1/")).collect()
}

/// `/a/{id}/` as `/a/{}/`: what a parameter is called does not matter here.
fn without_names(path: &str) -> String {
    let segments = path.split('/').map(|it| if it.starts_with('{') { "{}" } else { it });
    segments.collect::<Vec<_>>().join("/")
}
