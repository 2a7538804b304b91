//! Where accounts are hidden, nobody finds out who has one.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::{Answer, PASSWORD, TestApp};
use user_domain::{Privileges, Role};

on_both_stacks![
    known_unknown_and_banned_numbers_get_the_same_answers,
    known_unknown_and_banned_numbers_cost_the_same_statements,
];

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

/// Somebody with an account, nobody, and somebody who was thrown out.
async fn numbers(app: &TestApp) -> [String; 3] {
    let (_, known) = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await;
    let (id, banned) = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await;
    let ban = format!("/api/v1/user/users/{id}/ban/");
    app.manager().await.post(&ban, json!({})).await.expecting(StatusCode::NO_CONTENT);
    [known.as_str().to_owned(), app.a_phone_number().as_str().to_owned(), banned.as_str().to_owned()]
}

/// What anybody may ask about a number, with what is asked beside it.
fn questions() -> [(&'static str, Value); 7] {
    [
        ("phonenumber/check/", json!({})),
        ("signin/token_request/", json!({})),
        ("signin/token_confirm/", json!({ "token": "000000" })),
        ("signup/token_request/", json!({})),
        ("signup/token_confirm/", json!({ "token": "000000" })),
        ("signup/", json!({ "user_type": "DRIVER" })),
        ("signin/", json!({ "password": "not the password" })),
    ]
}

async fn ask(app: &TestApp, path: &str, beside: &Value, number: &str) -> Answer {
    let mut body = beside.clone();
    body["phonenumber"] = json!(number);
    app.anybody().post(&format!("/api/v1/auth/{path}"), body).await
}

async fn known_unknown_and_banned_numbers_get_the_same_answers(app: TestApp) {
    let app = app.beside_with(&[("AUTH_HIDE_ACCOUNTS", "true")]).await;
    let numbers = numbers(&app).await;

    for (path, beside) in questions() {
        let mut shapes = Vec::new();
        for number in &numbers {
            let answer = ask(&app, path, &beside, number).await;
            shapes.push(shape(&answer, number));
        }
        assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{path}: {shapes:#?}");
    }
    // Who may have a token has one, and nobody else.
    let [known, unknown, banned] = &numbers;
    app.token_sent_to(unknown).await;
    let messages_to = |number: &String| {
        let sent = app.events.so_far();
        sent.iter().filter(|it| it.is_confidential && it.data.iter().any(|(_, value)| value == number)).count()
    };
    assert_eq!([known, unknown, banned].map(messages_to), [1, 1, 0]);
    // Who has an account still signs in.
    let credentials = json!({ "phonenumber": known, "password": PASSWORD });
    app.anybody().post("/api/v1/auth/signin/", credentials).await.expecting(StatusCode::OK);
}

/// How often each question is asked, of numbers that were never asked about. On a busy machine a statement is made
/// now and then that is not about any number, such as to open one more connection; not each time.
const ROUNDS: usize = 3;

/// What a question costs about each of the three kinds of numbers, at least.
async fn least_costs(app: &TestApp, rounds: &[[String; 3]], question: impl AsyncFn(&str)) -> [u64; 3] {
    let mut least = [u64::MAX; 3];
    for numbers in rounds {
        for (least, number) in least.iter_mut().zip(numbers) {
            let before = app.database.statements();
            question(number).await;
            until_all_is_given_back(app).await;
            *least = (*least).min(app.database.statements() - before);
        }
    }
    least
}

/// Waits until no connection is used: what was refused is undone after the answer, and that is a statement, too.
async fn until_all_is_given_back(app: &TestApp) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while app.database.pools().iter().any(|it| it.busy > 0) {
        assert!(Instant::now() < deadline, "{:?}", app.database.pools());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn known_unknown_and_banned_numbers_cost_the_same_statements(app: TestApp) {
    let app = app.beside_with(&[("AUTH_HIDE_ACCOUNTS", "true")]).await;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(numbers(&app).await);
    }
    let _quiet = app.quiet().await;

    for (path, beside) in questions() {
        let question = async |number: &str| {
            ask(&app, path, &beside, number).await;
        };
        let costs = least_costs(&app, &rounds, question).await;
        assert!(costs[0] == costs[1] && costs[1] == costs[2], "{path}: {costs:?}");
    }
    // Where no more guesses are compared, a refresh token is looked up: it may be the owner's.
    let (path, beside) = ("signin/token_confirm/", json!({ "token": "000000", "refresh": "x" }));
    for number in rounds.iter().flatten() {
        guess_in_vain(&app, number).await;
    }
    let question = async |number: &str| {
        ask(&app, path, &beside, number).await.refused(StatusCode::BAD_REQUEST, "verification_void");
    };
    let costs = least_costs(&app, &rounds, question).await;
    assert!(costs[0] == costs[1] && costs[1] == costs[2], "{path}, with a refresh token: {costs:?}");
}

/// Has a token sent, and shows as many wrong ones as are compared.
async fn guess_in_vain(app: &TestApp, number: &str) {
    ask(app, "signin/token_request/", &json!({}), number).await.expecting(StatusCode::OK);
    for _ in 0..5 {
        let answer = ask(app, "signin/token_confirm/", &json!({ "token": "000000" }), number).await;
        answer.refused(StatusCode::BAD_REQUEST, "invalid_token");
    }
}
