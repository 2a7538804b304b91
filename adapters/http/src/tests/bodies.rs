//! Bodies: every fault at once, JSON or form, bounded.

use futures_util::stream;
use poem::http::StatusCode;
use poem::test::TestResponse;
use serde_json::{Value, json};

use super::{client, faults_of, json_of};
use crate::body::LIMIT;

const OWNER: &str = "0190a3f0-7b1c-7d2e-8f00-000000000001";

async fn send(content_type: &str, body: impl Into<poem::Body>) -> TestResponse {
    client().post("/api/v1/parcels/").content_type(content_type).body(body.into()).send().await
}

async fn send_json(body: Value) -> TestResponse {
    send("application/json", body.to_string()).await
}

fn fault(field: &str, code: &str, message: &str) -> (String, String, String) {
    (field.to_owned(), code.to_owned(), message.to_owned())
}

#[tokio::test]
async fn all_faults_are_told_at_once_in_the_order_of_the_fields() {
    let body = json!({ "note": 5, "fragile": "maybe", "owner": "me", "staff": [OWNER, 1, "x"], "size": "HUGE" });

    let response = send_json(body).await;

    response.assert_status(StatusCode::BAD_REQUEST);
    assert_eq!(
        faults_of(response).await,
        [
            fault("label", "required", "This field is required."),
            fault("note", "invalid", "Not a valid string."),
            fault("fragile", "invalid", "Must be a valid boolean."),
            fault("owner", "invalid", "Must be a valid UUID."),
            fault("staff", "max_length", "Ensure this field has no more than 2 elements."),
            fault("size", "invalid_choice", "\"HUGE\" is not a valid choice."),
        ]
    );
}

#[tokio::test]
async fn each_way_to_get_a_field_wrong_has_its_code() {
    for (body, expected) in [
        (json!({ "label": null }), fault("label", "null", "This field may not be null.")),
        (json!({ "label": " \t " }), fault("label", "blank", "This field may not be blank.")),
        (
            json!({ "label": "abcdef" }),
            fault("label", "max_length", "Ensure this field has no more than 5 characters."),
        ),
        (
            json!({ "label": "a\u{0}b" }),
            fault("label", "null_characters_not_allowed", "Null characters are not allowed."),
        ),
        (json!({ "label": 12 }), fault("label", "invalid", "Not a valid string.")),
        (json!({ "label": { "a": 1 } }), fault("label", "invalid", "Not a valid string.")),
        (json!({ "label": "a", "size": null }), fault("size", "null", "This field may not be null.")),
        (
            json!({ "label": "a", "staff": "x" }),
            fault("staff", "not_a_list", "Expected a list of items but got type \"str\"."),
        ),
        (json!({ "label": "a", "staff": ["x"] }), fault("staff[0]", "invalid", "Must be a valid UUID.")),
        (json!({ "label": "a", "staff": {} }), fault("staff.uuid", "required", "This field is required.")),
        (json!({ "label": "a", "staff": { "uuid": [1] } }), fault("staff.uuid[0]", "invalid", "Must be a valid UUID.")),
    ] {
        let response = send_json(body.clone()).await;
        response.assert_status(StatusCode::BAD_REQUEST);
        assert_eq!(faults_of(response).await, [expected], "{body}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused_in_words_that_clients_know() {
    for (body, message) in [
        ("[]", "Invalid data. Expected a dictionary, but got list."),
        ("\"text\"", "Invalid data. Expected a dictionary, but got str."),
        ("1.5", "Invalid data. Expected a dictionary, but got float."),
        ("null", "No data provided"),
    ] {
        let response = send("application/json", body.to_owned()).await;
        response.assert_status(StatusCode::BAD_REQUEST);
        assert_eq!(faults_of(response).await[0].2, message);
    }
}

#[tokio::test]
async fn json_and_forms_say_the_same() {
    let form = format!("label=+tea+&note=&fragile=True&owner={OWNER}&staff={OWNER}&unknown=1");
    let body = json!({
        "label": " tea ", "note": "", "fragile": true, "owner": OWNER, "staff": { "uuid": [OWNER] }, "unknown": 1
    });

    let from_form = json_of(send("application/x-www-form-urlencoded", form).await).await;
    let from_json = json_of(send("application/json; charset=utf-8", body.to_string()).await).await;

    let expected = json!({ "label": "tea", "note": "", "fragile": true, "owner": OWNER, "staff": [OWNER] });
    assert_eq!((from_form, from_json), (expected.clone(), expected));
}

#[tokio::test]
async fn a_null_says_nothing_where_it_is_allowed() {
    let parcel = json_of(send_json(json!({ "label": "tea", "owner": null })).await).await;

    assert_eq!(parcel["owner"], Value::Null);
}

#[tokio::test]
async fn an_absent_body_is_an_empty_object() {
    let response = client().post("/api/v1/parcels/").send().await;

    assert_eq!(faults_of(response).await, [fault("label", "required", "This field is required.")]);
}

#[tokio::test]
async fn what_does_not_parse_or_nests_too_deeply_is_a_parse_error() {
    for body in ["{ nonsense".to_owned(), "[".repeat(100_000), "{\"label\": \"\u{1}\"}".to_owned()] {
        let response = send("application/json", body).await;
        response.assert_status(StatusCode::BAD_REQUEST);
        let (field, code, message) = faults_of(response).await.remove(0);
        assert_eq!((field.as_str(), code.as_str()), ("", "parse_error"));
        assert!(message.starts_with("JSON parse error - "), "{message}");
    }
}

#[tokio::test]
async fn a_body_in_another_language_is_not_read() {
    for content_type in ["text/xml", "multipart/form-data; boundary=x", "nonsense"] {
        let response = send(content_type, "<a/>").await;
        response.assert_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(faults_of(response).await[0].1, "unsupported_media_type");
    }
    let client = client();
    let packed = client.post("/api/v1/parcels/").content_type("application/json").header("content-encoding", "gzip");
    packed.body("{}").send().await.assert_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit_and_no_larger_also_in_chunks() {
    let body = |length: usize| format!("{{\"label\": \"tea\"{}}}", " ".repeat(length - 16));
    send("application/json", body(LIMIT)).await.assert_status_is_ok();

    let too_large = send("application/json", body(LIMIT + 1)).await;
    too_large.assert_status(StatusCode::PAYLOAD_TOO_LARGE);

    let chunks = stream::iter((0..).map(|_| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024])));
    let endless = send("application/json", poem::Body::from_bytes_stream(chunks)).await;
    endless.assert_status(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(faults_of(endless).await[0].1, "request_too_large");

    let client = client();
    let announced = client.post("/api/v1/parcels/").header("content-length", "200000000");
    announced.content_type("application/json").send().await.assert_status(StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let silence = stream::pending::<Result<Vec<u8>, std::io::Error>>();

    let response = send("application/json", poem::Body::from_bytes_stream(silence)).await;

    response.assert_status(StatusCode::REQUEST_TIMEOUT);
    assert_eq!(faults_of(response).await[0].1, "request_timeout");
}

async fn send_many(body: Value) -> TestResponse {
    client().post("/api/v1/parcels/add/").content_type("application/json").body(body.to_string()).send().await
}

#[tokio::test]
async fn a_bulk_body_is_one_object_or_a_list_and_every_entry_is_judged() {
    let one = json_of(send_many(json!({ "label": "tea" })).await).await;
    let two = json_of(send_many(json!([{ "label": "tea" }, { "label": "cup" }])).await).await;
    assert_eq!((one.as_array().map(Vec::len), two.as_array().map(Vec::len)), (Some(1), Some(2)));

    let response = send_many(json!([{ "label": "tea" }, {}, "text", { "label": "abcdef" }])).await;
    response.assert_status(StatusCode::BAD_REQUEST);
    assert_eq!(
        faults_of(response).await,
        [
            fault("[1].label", "required", "This field is required."),
            fault("[2]", "invalid", "Invalid data. Expected a dictionary, but got str."),
            fault("[3].label", "max_length", "Ensure this field has no more than 5 characters."),
        ]
    );
}

#[tokio::test]
async fn a_bulk_body_that_is_neither_object_nor_list_is_refused() {
    for (body, code, message) in [
        (Value::Null, "null", "No data provided"),
        (json!("tea"), "invalid", "Invalid data. Expected a dictionary, but got str."),
        (json!(7), "invalid", "Invalid data. Expected a dictionary, but got int."),
    ] {
        let response = send_many(body).await;
        response.assert_status(StatusCode::BAD_REQUEST);
        assert_eq!(faults_of(response).await, [fault("", code, message)]);
    }

    let response = send_many(json!([null, { "label": "tea" }, ["cup"]])).await;
    response.assert_status(StatusCode::BAD_REQUEST);
    let told: Vec<_> = faults_of(response).await.into_iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(told, [("[0]".to_owned(), "invalid".to_owned()), ("[2]".to_owned(), "invalid".to_owned())]);
}

async fn send_form(body: String) -> TestResponse {
    let client = client();
    let request = client.post("/api/v1/parcels/add/").content_type("application/x-www-form-urlencoded");
    request.body(body).send().await
}

#[tokio::test]
async fn a_form_repeats_the_names_of_what_it_has_many_of() {
    let one = json_of(send_form("label=tea&staff=".to_owned() + OWNER).await).await;
    assert_eq!((one.as_array().map(Vec::len), one[0]["staff"].as_array().map(Vec::len)), (Some(1), Some(1)));

    let many = json_of(send_form("label=tea&label=cup&note=a&unknown=1&unknown=2&unknown=3".to_owned()).await).await;
    let told = many.as_array().expect("a list").iter().map(|it| (it["label"].as_str(), it["note"].as_str()));
    assert_eq!(told.collect::<Vec<_>>(), [(Some("tea"), Some("a")), (Some("cup"), Some(""))]);

    let response = send_form("label=tea&label=abcdef&label=".to_owned()).await;
    assert_eq!(
        faults_of(response).await,
        [
            fault("[1].label", "max_length", "Ensure this field has no more than 5 characters."),
            fault("[2].label", "blank", "This field may not be blank."),
        ]
    );

    let too_many = send_form(["label=tea"; 1001].join("&")).await;
    too_many.assert_status(StatusCode::BAD_REQUEST);
    assert_eq!(faults_of(too_many).await[0].1, "max_length");
}

#[tokio::test]
async fn a_bulk_body_of_more_than_a_thousand_entries_is_refused() {
    let entries = |count| Value::Array(vec![json!({ "label": "tea" }); count]);
    send_many(entries(1000)).await.assert_status_is_ok();

    let response = send_many(entries(1001)).await;

    response.assert_status(StatusCode::BAD_REQUEST);
    assert_eq!(
        faults_of(response).await,
        [fault("", "max_length", "Ensure this field has no more than 1000 elements.")]
    );
}
