//! What holds for every endpoint.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, TestApp};

use crate::stage::{BATCHES, ITEMS};

on_both_stacks![
    both_forms_of_a_path_answer_alike,
    a_correlation_id_is_kept_or_replaced_and_travels_with_events,
    a_list_is_walked_by_cursor_there_and_back,
    every_failure_is_a_problem,
    all_faults_of_a_body_are_told_at_once,
    a_process_says_whether_it_lives_and_can_serve,
];

async fn both_forms_of_a_path_answer_alike(app: TestApp) {
    let clerk = app.clerk().await;

    let with = clerk.get("/api/v1/shipping/shippingitems/").await.expecting(StatusCode::OK);
    let without = clerk.get("/api/v1/shipping/shippingitems").await.expecting(StatusCode::OK);

    assert_eq!(with, without);
}

async fn a_correlation_id_is_kept_or_replaced_and_travels_with_events(app: TestApp) {
    let clerk = app.clerk().await;
    let ours = "0190a3f0-7b1c-7d2e-8f00-0000000000ab";
    let item = clerk.post(ITEMS, json!({ "sku": "" })).await.expecting(StatusCode::CREATED);
    let batch = clerk.post(BATCHES, json!({})).await.expecting(StatusCode::CREATED);
    let add = format!("{BATCHES}{}/add/", batch["alias"].as_str().expect("an alias"));

    let request = clerk.request(Method::POST, &add).header("Correlation-ID", ours);
    let answer = Answer::to(request.json(&json!({ "tracking_number": item["tracking_number"] }))).await;
    assert_eq!(answer.headers["correlation-id"], ours);

    let events = app.events.until(|it| it.name == "ItemAddedToBatch").await;
    let packed = events.iter().find(|it| it.name == "ItemAddedToBatch").expect("it was packed");
    assert_eq!(packed.correlation_id.as_str(), ours);

    let request = clerk.request(Method::GET, "/api/v1/nowhere/").header("Correlation-ID", "a\u{e9}");
    let answer = Answer::to(request).await;
    let replaced = answer.headers["correlation-id"].to_str().expect("a text").to_owned();
    assert_eq!(answer.refused(StatusCode::NOT_FOUND, "not_found")["correlation_id"], json!(replaced));
}

async fn a_list_is_walked_by_cursor_there_and_back(app: TestApp) {
    let clerk = app.clerk().await;
    let mut numbers = Vec::new();
    for _ in 0..5 {
        let item = clerk.post(ITEMS, json!({ "sku": "" })).await.expecting(StatusCode::CREATED);
        numbers.insert(0, item["tracking_number"].clone());
    }
    let path_of = |link: &Value| link.as_str().and_then(|it| it.strip_prefix(&app.base)).map(str::to_owned);

    let (mut walked, mut next, mut last) = (Vec::new(), Some(format!("{ITEMS}?cursor=&page_size=2")), Value::Null);
    while let Some(path) = next {
        assert!(walked.len() < numbers.len(), "it does not end");
        last = clerk.get(&path).await.expecting(StatusCode::OK);
        walked.extend(last["results"].as_array().expect("a list").iter().map(|it| it["tracking_number"].clone()));
        assert_eq!((last.get("count"), &last["items_per_page"]), (None, &json!(2)));
        next = path_of(&last["next"]);
    }
    assert_eq!(walked, numbers, "newest first");

    let back = clerk.get(&path_of(&last["previous"]).expect("a page before")).await.expecting(StatusCode::OK);
    let back: Vec<_> = back["results"].as_array().expect("a list").iter().map(|it| &it["tracking_number"]).collect();
    assert_eq!(back, [&numbers[2], &numbers[3]]);
    clerk.get(&format!("{ITEMS}?cursor=junk")).await.refused(StatusCode::BAD_REQUEST, "invalid");
}

async fn every_failure_is_a_problem(app: TestApp) {
    let clerk = app.clerk().await;

    clerk.get("/nowhere").await.refused(StatusCode::NOT_FOUND, "not_found");
    let answer = Answer::to(clerk.request(Method::DELETE, BATCHES)).await;
    let allowed = answer.headers["allow"].to_str().expect("a text").to_owned();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    answer.refused(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");

    let request = clerk.request(Method::POST, BATCHES).header("content-type", "text/plain").body("friday");
    Answer::to(request).await.refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    let request = clerk.request(Method::POST, BATCHES).header("content-type", "application/json");
    Answer::to(request.body("{ nonsense")).await.refused(StatusCode::BAD_REQUEST, "parse_error");
    let request = clerk.request(Method::POST, BATCHES).header("content-type", "application/json");
    let answer = Answer::to(request.body(format!("{{\"alias\":\"{}\"}}", "x".repeat(2 << 20)))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let request = clerk.request(Method::POST, BATCHES).header("content-type", "application/json");
    assert_eq!(Answer::to(request.body(deep)).await.status, StatusCode::BAD_REQUEST);
}

async fn all_faults_of_a_body_are_told_at_once(app: TestApp) {
    let manager = app.manager().await;

    let body = json!({ "center_code": "x".repeat(17), "name": null, "staff_members": ["not-a-uuid"] });
    let problem = manager.post("/api/v1/distribution/centers/", body).await.expecting(StatusCode::BAD_REQUEST);

    let faults = problem["errors"].as_array().expect("faults");
    let told: Vec<_> = faults.iter().filter_map(|it| Some((it["field"].as_str()?, it["code"].as_str()?))).collect();
    assert!(told.contains(&("center_code", "max_length")), "{told:?}");
    assert!(told.contains(&("name", "null")), "{told:?}");
    assert!(told.iter().any(|(field, _)| field.starts_with("staff_members")), "{told:?}");
}

async fn a_process_says_whether_it_lives_and_can_serve(app: TestApp) {
    let anybody = app.anybody();

    assert_eq!(anybody.get("/api/healthcheck/").await.expecting(StatusCode::OK), json!({}));
    assert_eq!(anybody.get("/healthcheck/").await.expecting(StatusCode::OK), json!({}));
    let ready = anybody.get("/api/readiness/").await.expecting(StatusCode::OK);
    assert_eq!(ready["checks"]["database"], "ok");
}
