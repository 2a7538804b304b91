//! Lists: filters, orders, pages and the links between them.

use poem::http::StatusCode;
use poem::test::TestResponse;
use serde_json::{Value, json};

use super::{client, faults_of, json_of, parcels, refusals_of, serving};
use crate::HttpSettings;

async fn list(query: &str) -> TestResponse {
    client().get(format!("/api/v1/parcels/?{query}")).header("host", "api.example.com").send().await
}

async fn label(query: &str) -> String {
    json_of(list(query).await).await["results"][0]["label"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn filters_are_read_by_their_kind_and_empty_or_unknown_ones_ignored() {
    assert_eq!(label("").await, "None None []");
    assert_eq!(label("size=SMALL&fragile=TRUE").await, "Some(Small) Some(true) []");
    assert_eq!(label("fragile=0&fragile=1").await, "None Some(true) []", "the last one counts");
    assert_eq!(label("size=&fragile=&owner=&page=&page_size=&ordering=&colour=red").await, "None None []");
}

#[tokio::test]
async fn an_order_is_a_list_of_names_each_with_a_direction() {
    assert_eq!(label("ordering=-created,label").await, r#"None None [("created", Descending), ("label", Ascending)]"#);
}

#[tokio::test]
async fn every_parameter_of_the_wrong_kind_is_told_at_once() {
    let response = list("size=HUGE&fragile=maybe&owner=me&ordering=created,-colour,weight&page=0&page_size=ten").await;

    response.assert_status(StatusCode::BAD_REQUEST);
    let faults = faults_of(response).await;
    let told: Vec<_> = faults.iter().map(|(field, code, _)| (field.as_str(), code.as_str())).collect();
    assert_eq!(
        told,
        [
            ("size", "invalid_choice"),
            ("fragile", "invalid"),
            ("owner", "invalid"),
            ("ordering", "invalid_choice"),
            ("ordering", "invalid_choice"),
            ("page", "invalid"),
            ("page_size", "invalid"),
        ]
    );
    assert_eq!(faults[3].2, "\"-colour\" is not a valid choice.");
}

#[tokio::test]
async fn junk_pages_and_sizes_are_refused() {
    for junk in ["page=-1", "page=1.5", "page=first", "page=%2B1", "page_size=0", "page_size=-1", "page_size=1e3"] {
        list(junk).await.assert_status(StatusCode::BAD_REQUEST);
    }
}

async fn page(query: &str) -> Value {
    let mut page = json_of(list(query).await).await;
    page.as_object_mut().and_then(|page| page.remove("results")).expect("results");
    page
}

#[tokio::test]
async fn the_first_page_links_to_the_second() {
    assert_eq!(
        page("").await,
        json!({
            "count": 25, "next": "http://api.example.com/api/v1/parcels/?page=2", "previous": null,
            "current_page": 1, "items_per_page": 10,
        })
    );
}

#[tokio::test]
async fn links_keep_the_other_parameters_in_order_of_their_names() {
    assert_eq!(
        page("size=SMALL&page=2&colour=a%26b&page_size=5").await,
        json!({
            "count": 25,
            "next": "http://api.example.com/api/v1/parcels/?colour=a%26b&page=3&page_size=5&size=SMALL",
            "previous": "http://api.example.com/api/v1/parcels/?colour=a%26b&page_size=5&size=SMALL",
            "current_page": 2, "items_per_page": 5,
        })
    );
}

#[tokio::test]
async fn the_last_page_can_be_asked_for_by_name() {
    let last = page("page=last").await;

    assert_eq!((&last["current_page"], &last["next"]), (&json!(3), &Value::Null));
    assert_eq!(last["previous"], "http://api.example.com/api/v1/parcels/?page=2");
    assert_eq!(page("page=last&page_size=5").await["next"], Value::Null, "it is the last one when it is full, too");
}

#[tokio::test]
async fn more_than_a_hundred_entries_is_held_at_a_hundred() {
    assert_eq!(page("page_size=99999999999999999999").await["items_per_page"], 100);
}

#[tokio::test]
async fn a_page_past_the_end_is_not_found() {
    for past in ["page=4", "page=99999999999999999999"] {
        let response = list(past).await;
        response.assert_status(StatusCode::NOT_FOUND);
        assert_eq!(faults_of(response).await, [(String::new(), "not_found".to_owned(), "Invalid page.".to_owned())]);
    }
}

#[tokio::test]
async fn links_come_from_the_public_url_when_there_is_one() {
    let settings = HttpSettings { public_url: Some("https://majestic.example/".to_owned()), ..HttpSettings::default() };
    let response = serving(parcels(), settings).get("/api/v1/parcels").send().await;

    assert_eq!(json_of(response).await["next"], "https://majestic.example/api/v1/parcels/?page=2");
}

#[tokio::test]
async fn a_host_that_is_none_and_proxies_nobody_trusts_are_not_repeated() {
    let client = client();
    let request = client.get("/api/v1/parcels").header("host", "evil\"><script>").header("x-forwarded-host", "evil");
    let response = request.header("x-forwarded-proto", "https").send().await;

    assert_eq!(json_of(response).await["next"], "http://localhost/api/v1/parcels/?page=2");
}

#[tokio::test]
async fn a_cursor_leads_from_page_to_page_without_a_count() {
    let first = page("cursor=&page_size=5&size=SMALL&page=3").await;
    let fields: Vec<_> = first.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(fields, ["items_per_page", "next", "previous"]);
    assert_eq!(first["previous"], Value::Null);
    let next = first["next"].as_str().expect("a link");
    assert!(next.starts_with("http://api.example.com/api/v1/parcels/?cursor=A"), "{next}");
    assert!(next.ends_with("&page_size=5&size=SMALL"), "{next}");

    let second = page(next.split_once('?').expect("a query").1).await;
    assert_eq!(second["next"], Value::Null);
    let previous = second["previous"].as_str().expect("a link");
    assert_ne!(previous, next);
    assert!(previous.contains("cursor=A") && previous.ends_with("&page_size=5&size=SMALL"), "{previous}");
}

#[tokio::test]
async fn junk_cursors_are_refused() {
    for junk in ["AQ", "AAAA", "%F0%9F%92%A9", "..%2F..", &"A".repeat(5000), "AQEBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D"]
    {
        let response = list(&format!("cursor={junk}")).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [("cursor".to_owned(), "invalid".to_owned())]);
    }
}
