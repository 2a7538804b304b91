//! Where accounts are hidden, nobody finds out who has one.

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::{Answer, PASSWORD, TestApp};
use user_domain::{Privileges, Role};

on_both_stacks![known_unknown_and_banned_numbers_get_the_same_answers];

/// What an answer looks like, but for what differs from one request to the next.
fn shape(answer: &Answer, number: &str) -> (StatusCode, Vec<String>, Value) {
    let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort();
    let mut body = answer.body.clone();
    for varies in ["correlation_id", "timestamp_expires"] {
        if body[varies].is_string() {
            body[varies] = json!("…");
        }
    }
    let text = body.to_string().replace(number, "…");
    (answer.status, names, serde_json::from_str(&text).unwrap_or_default())
}

async fn known_unknown_and_banned_numbers_get_the_same_answers(app: TestApp) {
    let app = app.beside_with(&[("AUTH_HIDE_ACCOUNTS", "true")]).await;
    let (_, known) = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await;
    let (id, banned) = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await;
    let ban = format!("/api/v1/user/users/{id}/ban/");
    app.manager().await.post(&ban, json!({})).await.expecting(StatusCode::NO_CONTENT);
    let numbers = [known.as_str().to_owned(), app.a_phone_number().as_str().to_owned(), banned.as_str().to_owned()];

    for (path, more) in [
        ("phonenumber/check/", json!({})),
        ("signin/token_request/", json!({})),
        ("signin/token_confirm/", json!({ "token": "000000" })),
        ("signup/token_request/", json!({})),
        ("signup/token_confirm/", json!({ "token": "000000" })),
        ("signup/", json!({ "user_type": "DRIVER" })),
        ("signin/", json!({ "password": "not the password" })),
    ] {
        let mut shapes = Vec::new();
        for number in &numbers {
            let mut body = more.clone();
            body["phonenumber"] = json!(number);
            let answer = app.anybody().post(&format!("/api/v1/auth/{path}"), body).await;
            shapes.push(shape(&answer, number));
        }
        assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{path}: {shapes:#?}");
    }
    // Who has an account still signs in.
    let credentials = json!({ "phonenumber": known.as_str(), "password": PASSWORD });
    app.anybody().post("/api/v1/auth/signin/", credentials).await.expecting(StatusCode::OK);
}
