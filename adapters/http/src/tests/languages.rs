//! What people are told, in their language.

use poem::http::StatusCode;
use serde_json::{Value, json};

use super::{client, json_of};

async fn refused_in(accept: &str) -> (String, Vec<String>, Value) {
    let client = client();
    let request = client.post("/api/v1/parcels/").header("accept-language", accept);
    let response = request.body_json(&json!({ "label": null, "fragile": 7 })).send().await;
    response.assert_status(StatusCode::BAD_REQUEST);
    let header = |name: &str| {
        response.0.headers().get_all(name).iter().map(|it| it.to_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    (header("content-language").join(","), header("vary"), json_of(response).await)
}

#[tokio::test]
async fn a_refusal_follows_the_language_asked_for_and_its_codes_do_not() {
    for (accept, language, title, detail, messages) in [
        (
            "ko-KR,ko;q=0.9,en-US;q=0.8",
            "ko",
            "잘못된 요청",
            "요청에 2개의 오류가 있습니다.",
            ["이 필드는 null일 수 없습니다.", "유효한 불리언이어야 합니다."],
        ),
        (
            "en;q=0.9,ko;q=0.1",
            "en",
            "Bad Request",
            "The request has 2 faults.",
            ["This field may not be null.", "Must be a valid boolean."],
        ),
    ] {
        let (told_in, vary, problem) = refused_in(accept).await;

        assert_eq!(
            (told_in.as_str(), &problem["title"], &problem["detail"]),
            (language, &json!(title), &json!(detail))
        );
        assert!(vary.iter().any(|it| it == "accept-language"), "{vary:?}");
        let expected = json!([
            { "code": "null", "message": messages[0], "field": "label" },
            { "code": "invalid", "message": messages[1], "field": "fragile" },
        ]);
        assert_eq!((&problem["errors"], &problem["code"]), (&expected, &json!("invalid")));
    }
}

#[tokio::test]
async fn whoever_understands_nothing_that_we_speak_is_told_in_english() {
    for accept in ["", "fr", "*", "nonsense;;q=,"] {
        assert_eq!(refused_in(accept).await.0, "en", "{accept}");
    }
}

#[tokio::test]
async fn what_is_no_refusal_has_no_language() {
    let response = client().get("/api/v1/parcels/").header("accept-language", "ko").send().await;

    response.assert_status_is_ok();
    response.assert_header_is_not_exist("content-language");
}
