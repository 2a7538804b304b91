//! Whatever is sent to whatever takes a body: a problem that says what is wrong, never a failure, and nothing changes.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, TestApp, Visitor};
use support::rows::everything_in;

on_both_stacks![
    no_body_makes_any_operation_fail,
    no_path_or_query_makes_any_operation_fail,
    no_credential_makes_any_operation_fail,
];

/// Bodies that hardly any operation takes, with their media types.
fn nasty() -> Vec<(&'static str, Vec<u8>)> {
    const JSON: &str = "application/json";
    let deep =
        |open: &str, close: &str, levels: usize| [open.repeat(levels), close.repeat(levels)].concat().into_bytes();
    let mut fields = serde_json::Map::new();
    for name in [
        "phonenumber",
        "token",
        "user_type",
        "username",
        "password",
        "new_password",
        "refresh",
        "fullname",
        "dob",
        "image",
        "name",
        "scopes",
        "expires_at",
        "sku",
        "status",
        "alias",
        "tracking_number",
        "driver_uuid",
        "center_code",
        "staff_members",
        "distribution_center_code_source",
        "distribution_center_code_destination",
        "is_staff",
        "is_active",
        "email",
        "groups",
    ] {
        fields.insert(name.to_owned(), Value::Null);
    }
    let all = |value: Value| {
        let fields: serde_json::Map<_, _> = fields.keys().map(|name| (name.clone(), value.clone())).collect();
        Value::Object(fields).to_string().into_bytes()
    };
    vec![
        (JSON, all(Value::Null)),
        (JSON, all(json!(""))),
        (JSON, all(json!("\\u0000".repeat(3)))),
        (JSON, all(json!("\u{202e}\u{feff}가\u{1f600}"))),
        (JSON, all(json!("x".repeat(10_000)))),
        (JSON, all(json!(-1))),
        (JSON, all(json!(1e300))),
        (JSON, all(json!(true))),
        (JSON, all(json!([[[]]]))),
        (JSON, all(json!({ "a": { "b": {} } }))),
        (JSON, br#"{"phonenumber":"+821012345678","phonenumber":42,"token":"1","token":null}"#.to_vec()),
        (JSON, deep("[", "]", 20_000)),
        (JSON, deep("{\"a\":", "}", 20_000)),
        (JSON, b"{\"phonenumber\": \"\\ud800\"}".to_vec()),
        (JSON, b"{\"phonenumber\": \"\xff\xfe\"}".to_vec()),
        (JSON, b"\xef\xbb\xbf{}".to_vec()),
        (JSON, b"nonsense".to_vec()),
        (JSON, b"1".to_vec()),
        (JSON, b"[]".to_vec()),
        (JSON, format!("\"{}\"", "x".repeat(1_100_000)).into_bytes()),
        ("text/plain", b"{}".to_vec()),
        ("application/xml", b"<a/>".to_vec()),
        ("", b"{}".to_vec()),
        ("application/x-www-form-urlencoded", b"phonenumber=%ff%00&token=%zz&=&&".to_vec()),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nabc".to_vec(),
        ),
        ("multipart/form-data", b"nothing".to_vec()),
    ]
}

/// Every operation of the document with these methods, with ids that do not exist.
pub(crate) async fn operations(app: &TestApp, wanted: &[&str]) -> Vec<(Method, String)> {
    let document = app.anybody().get("/api/docs/openapi.json").await.expecting(StatusCode::OK);
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys().filter(|it| wanted.contains(&it.as_str())) {
            let method: Method = method.to_uppercase().parse().expect("a method");
            found.push((method, path.clone()));
        }
    }
    assert!(found.len() > 10, "{found:?}");
    found
}

pub(crate) fn with_ids(path: &str) -> String {
    path.replace("{tracking_number}", "20260102-0000000000")
        .replace("{alias}", "nowhere")
        .replace("{uuid}", "0190a3f0-7b1c-7d2e-8f00-000000000001")
        .replace("{id}", "0190a3f0-7b1c-7d2e-8f00-000000000001")
}

fn is_sound(answer: &Answer, what: &str) {
    assert!(!answer.status.is_server_error(), "{what}: {} {:#}", answer.status, answer.body);
    if answer.status.is_client_error() {
        let errors = answer.body["errors"].as_array();
        assert!(errors.is_some_and(|it| !it.is_empty()), "{what}: {} {}", answer.status, answer.text);
        for secret in ["diesel", "panicked", "SELECT", ".rs", "src/"] {
            assert!(!answer.text.contains(secret), "{what} tells of our insides: {}", answer.text);
        }
    }
}

async fn no_body_makes_any_operation_fail(app: TestApp) {
    let root = app.superuser().await;
    let _quiet = app.quiet().await;
    let mut compared = 0;
    for (method, path) in operations(&app, &["post", "patch", "put"]).await {
        let before = kept(&app).await;
        let mut all_refused = true;
        for (media_type, body) in nasty() {
            let start: String = String::from_utf8_lossy(&body).chars().take(40).collect();
            let request = root.request(method.clone(), &with_ids(&path)).header("content-type", media_type).body(body);
            let answer = Answer::to(request).await;
            is_sound(&answer, &format!("{method} {path} with {media_type} {start}"));
            all_refused &= answer.status.is_client_error();
        }
        if all_refused {
            assert!(kept(&app).await == before, "{method} {path} refused everything and changed something");
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared} operations refuse all of it");
}

/// Every row and picture there is; without what is counted and cached, and without the locks of a file.
pub(crate) async fn kept(app: &TestApp) -> Vec<(String, Vec<String>)> {
    let mut found = everything_in(app).await;
    found.retain(|(name, _)| !name.contains(app.variable("CACHE_PREFIX")) && !name.ends_with("-shm"));
    found.sort();
    found
}

async fn no_path_or_query_makes_any_operation_fail(app: TestApp) {
    let root = app.superuser().await;
    for (method, path) in operations(&app, &["get", "delete"]).await {
        for id in [
            "x",
            "%00",
            "%ff",
            "..%2f..",
            "'%20OR%201=1--",
            "0190a3f0-7b1c-7d2e-8f00-00000000000g",
            "가",
            "%F0%9F%98%80",
        ] {
            let path = ["{tracking_number}", "{alias}", "{uuid}", "{id}"]
                .iter()
                .fold(path.clone(), |it, name| it.replace(name, id));
            is_sound(&Answer::to(root.request(method.clone(), &path)).await, &format!("{method} {path}"));
        }
        for query in [
            "page=0",
            "page=-1",
            "page=99999999999999999999",
            "page_size=1000000000",
            "page_size=0",
            "page=last",
            "ordering=password",
            "ordering=,,,-",
            "status=%00",
            "q=%25%27%22%5c",
            "type=%ff",
            "completed=2",
            "is_active=yes",
            "phonenumber=x",
            "page=1&page=x",
            "&&&==",
        ] {
            if method == Method::GET {
                let path = format!("{}?{query}", with_ids(&path));
                is_sound(&root.get(&path).await, &path);
            }
        }
    }
}

async fn no_credential_makes_any_operation_fail(app: TestApp) {
    let good = app.clerk().await.token.expect("a token");
    let mut stranger: Visitor = app.anybody();
    stranger.token = None;
    let swapped: String = good.chars().rev().collect();
    for credential in [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {good}x"),
        format!("Bearer {}", &good[..good.len() / 2]),
        format!("Bearer {swapped}"),
        format!("Bearer {good} {good}"),
        format!("Basic {good}"),
        format!("Api-Key {good}"),
        "Api-Key mk_00000000.secret".to_owned(),
        "Api-Key .".to_owned(),
        format!("Bearer {}", "A".repeat(5_000)),
        format!("Bearer {}", "%00".repeat(100)),
    ] {
        for path in ["/api/v1/user/users/self/profile/", "/api/v1/shipping/batches/", "/api/v1/auth/sessions/"] {
            let request = stranger.request(Method::GET, path).header("authorization", &credential);
            let answer = Answer::to(request).await;
            is_sound(&answer, &credential);
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{credential}");
            assert!(answer.headers.contains_key("www-authenticate"));
        }
        let request = stranger.request(Method::POST, "/api/v1/auth/signin/").header("authorization", &credential);
        let answer = Answer::to(request.json(&json!({}))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{credential} does not matter where none is needed");
    }
}
