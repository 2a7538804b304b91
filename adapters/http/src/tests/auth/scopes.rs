//! How often everything may be asked, and who may ask at all: the table of the operations of auth and user.

use poem::http::{Method, StatusCode};

use super::super::contexts::{Served, as_staff, serving};
use super::super::{faults_of, json_of};
use crate::HttpSettings;

/// Who may ask: anybody, or whoever has a right.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Anybody,
    Allowed,
}

const ONE: &str = "0190a3f0-7b1c-7d2e-8f00-000000000001";

fn operations() -> Vec<(Method, String, Who, &'static str)> {
    let table: [(Method, &str, Who, &str); 25] = [
        (Method::POST, "auth/phonenumber/check/", Who::Anybody, "auth-check"),
        (Method::POST, "auth/signup/token_request/", Who::Anybody, "sms-request"),
        (Method::POST, "auth/signup/token_confirm/", Who::Anybody, "anon-default"),
        (Method::POST, "auth/signup/", Who::Anybody, "anon-suppressed"),
        (Method::POST, "auth/signin/", Who::Anybody, "auth-check"),
        (Method::POST, "auth/signin/token_request/", Who::Anybody, "sms-request"),
        (Method::POST, "auth/signin/token_confirm/", Who::Anybody, "anon-default"),
        (Method::POST, "auth/token/refresh/", Who::Anybody, "anon-default"),
        (Method::POST, "auth/token/verify/", Who::Anybody, "anon-default"),
        (Method::POST, "auth/token/heartbeat/", Who::Allowed, "user-default"),
        (Method::POST, "auth/signout/", Who::Allowed, "user-default"),
        (Method::POST, "auth/unregister/", Who::Allowed, "user-suppressed"),
        (Method::POST, "auth/password/change/", Who::Allowed, "auth-check"),
        (Method::GET, "auth/sessions/", Who::Allowed, "user-default"),
        (Method::DELETE, "auth/sessions/", Who::Allowed, "user-default"),
        (Method::DELETE, "auth/sessions/{}/", Who::Allowed, "user-default"),
        (Method::GET, "auth/api-keys/", Who::Allowed, "user-default"),
        (Method::POST, "auth/api-keys/", Who::Allowed, "user-default"),
        (Method::DELETE, "auth/api-keys/{}/", Who::Allowed, "user-default"),
        (Method::GET, "auth/public-keys/", Who::Anybody, "anon-burst"),
        (Method::GET, "user/users/self/profile/", Who::Allowed, "user-burst"),
        (Method::PATCH, "user/users/self/profile/", Who::Allowed, "user-default"),
        (Method::GET, "user/users/", Who::Allowed, "user-default"),
        (Method::GET, "user/users/{}/", Who::Allowed, "user-default"),
        (Method::PATCH, "user/users/{}/", Who::Allowed, "user-default"),
    ];
    let closing = ["ban", "unregister"]
        .map(|it| (Method::POST, format!("/api/v1/user/users/{ONE}/{it}/"), Who::Allowed, "user-default"));
    table
        .into_iter()
        .map(|(method, path, who, scope)| (method, format!("/api/v1/{}", path.replace("{}", ONE)), who, scope))
        .chain(closing)
        .collect()
}

#[tokio::test]
async fn every_operation_counts_under_its_scope_before_anything_is_looked_at() {
    let client = serving(Served { too_often: true, ..Served::default() }, HttpSettings::default());
    for (method, path, _, scope) in operations() {
        let response = as_staff(client.request(method.clone(), &path)).send().await;

        response.assert_status(StatusCode::TOO_MANY_REQUESTS);
        let problem = json_of(response).await;
        let told = problem["detail"].as_str().unwrap_or_default();
        assert!(told.starts_with(&format!("Throttled by {scope} (")), "{method} {path}: {told}");
    }
}

#[tokio::test]
async fn what_takes_a_right_is_open_to_nobody_else() {
    let client = serving(Served::default(), HttpSettings::default());
    for (method, path, ..) in operations().into_iter().filter(|(_, _, who, _)| *who == Who::Allowed) {
        let asked = |token: &'static str| client.request(method.clone(), &path).header("authorization", token);

        let anonymous = client.request(method.clone(), &path).send().await;
        anonymous.assert_status(StatusCode::UNAUTHORIZED);
        assert_eq!(faults_of(anonymous).await[0].1, "not_authenticated", "{method} {path}");
        asked("Bearer forged").send().await.assert_status(StatusCode::UNAUTHORIZED);
        let nobody = asked("Bearer nobody").body("{ nonsense").send().await;
        nobody.assert_status(StatusCode::FORBIDDEN);
        assert_eq!(faults_of(nobody).await[0].1, "permission_denied", "{method} {path}");
    }
}

#[tokio::test]
async fn no_answer_is_kept_by_whoever_passes_it_on() {
    let client = serving(Served::default(), HttpSettings::default());
    for (method, path, ..) in operations() {
        client.request(method, &path).send().await.assert_header("cache-control", "no-store");
    }
}

#[tokio::test]
async fn a_body_that_makes_no_sense_is_refused_everywhere() {
    let client = serving(Served::default(), HttpSettings::default());
    let takes_a_body = |(method, path, ..): &(Method, String, Who, &str)| {
        let closes = path.ends_with("/ban/") || path.contains("/users/") && path.ends_with("/unregister/");
        matches!(*method, Method::POST | Method::PATCH) && !closes && !path.ends_with("/heartbeat/")
    };
    let deep = "{\"a\":".repeat(50_000);
    for (method, path, ..) in operations().into_iter().filter(takes_a_body) {
        for (body, content_type, status) in [
            ("{ nonsense", "application/json", StatusCode::BAD_REQUEST),
            (deep.as_str(), "application/json", StatusCode::BAD_REQUEST),
            ("[]", "application/json", StatusCode::BAD_REQUEST),
            ("null", "application/json", StatusCode::BAD_REQUEST),
            ("\"text\"", "application/json", StatusCode::BAD_REQUEST),
            ("\u{feff}{}", "application/json", StatusCode::BAD_REQUEST),
            ("{}", "text/plain", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ] {
            let request = as_staff(client.request(method.clone(), &path)).content_type(content_type);
            let response = request.body(body.to_owned()).send().await;
            assert_eq!(response.0.status(), status, "{method} {path} {body:.20}");
        }
    }
}

#[tokio::test]
async fn a_field_of_the_wrong_kind_is_refused_everywhere() {
    let client = serving(Served::default(), HttpSettings::default());
    for (path, fields) in [
        ("auth/phonenumber/check/", &["phonenumber"][..]),
        ("auth/signup/token_request/", &["phonenumber"]),
        ("auth/signup/token_confirm/", &["phonenumber", "token"]),
        ("auth/signup/", &["phonenumber", "user_type", "fullname", "dob", "password"]),
        ("auth/signin/", &["username", "phonenumber", "password"]),
        ("auth/signin/token_request/", &["phonenumber"]),
        ("auth/signin/token_confirm/", &["phonenumber", "token"]),
        ("auth/token/refresh/", &["refresh"]),
        ("auth/token/verify/", &["token"]),
        ("auth/signout/", &["refresh"]),
        ("auth/unregister/", &["refresh"]),
        ("auth/password/change/", &["password", "new_password"]),
        ("auth/api-keys/", &["name", "expires_at", "scopes"]),
    ] {
        for value in ["1", "1.5e300", "true", "{\"a\": {}}", "[[]]", "\"a\\u0000b\"", "\"\\ud83d\""] {
            let members: Vec<String> = fields.iter().map(|it| format!("\"{it}\": {value}")).collect();
            let request = as_staff(client.post(format!("/api/v1/{path}"))).content_type("application/json");

            let response = request.body(format!("{{{}}}", members.join(", "))).send().await;

            response.assert_status(StatusCode::BAD_REQUEST);
            let faults = faults_of(response).await;
            if !value.contains("\\ud83d") {
                let found: Vec<&str> = faults.iter().map(|(it, ..)| it.split('[').next().unwrap_or(it)).collect();
                assert_eq!(found, *fields, "{path} {value}: every field is at fault, in its order");
            }
        }
    }
}
