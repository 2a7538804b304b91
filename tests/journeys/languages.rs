//! Messages follow the reader's language; codes never do.

use reqwest::{Method, StatusCode};
use serde_json::json;
use support::app::{Answer, TestApp};

on_both_stacks![messages_follow_the_language_and_codes_do_not];

async fn messages_follow_the_language_and_codes_do_not(app: TestApp) {
    let mut answers = Vec::new();
    for (accepted, language) in [
        ("en", "en"),
        ("ko", "ko"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("fr", "en"),
        ("fr, ko;q=0.5", "ko"),
        ("*", "en"),
    ] {
        let request = app.anybody().request(Method::POST, "/api/v1/auth/signin/").header("Accept-Language", accepted);
        let answer = Answer::to(request.json(&json!({ "password": 42 }))).await;
        assert_eq!(answer.headers["content-language"], language, "{accepted}");
        let vary = answer.headers["vary"].to_str().expect("a text").to_lowercase();
        assert!(vary.contains("accept-language"), "{vary}");
        let problem = answer.expecting(StatusCode::BAD_REQUEST);
        let faults = problem["errors"].as_array().expect("faults").clone();
        let korean = faults.iter().all(|it| it["message"].as_str().is_some_and(|it| !it.is_ascii()));
        assert_eq!(korean, language == "ko", "{accepted}: {problem:#}");
        answers.push(faults.into_iter().map(|it| (it["code"].clone(), it["field"].clone())).collect::<Vec<_>>());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
}
