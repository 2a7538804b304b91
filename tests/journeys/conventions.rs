//! What holds for every endpoint.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, TestApp, Visitor};

use crate::stage::{BATCHES, CENTERS, ITEMS, Stage, TRANSPORTS, text};

on_both_stacks![
    both_forms_of_a_path_answer_alike,
    the_first_refusal_is_about_who_asks_then_about_what_is_sent_then_about_what_there_is,
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

    let posted = clerk.post(BATCHES.trim_end_matches('/'), json!({ "alias": "friday" })).await;
    assert_eq!(posted.expecting(StatusCode::CREATED)["alias"], "friday", "with its body");
    let changed = clerk.patch(&format!("{BATCHES}friday"), json!({ "alias": "monday" })).await;
    assert_eq!(changed.expecting(StatusCode::OK)["alias"], "monday");
    let item = clerk.post(ITEMS, json!({ "sku": "" })).await.expecting(StatusCode::CREATED);
    let add = clerk.request(Method::POST, &format!("{BATCHES}monday/add"));
    let packed = Answer::to(add.form(&[("tracking_number", &text(&item["tracking_number"]))])).await;
    assert_eq!(packed.expecting(StatusCode::OK)[0]["tracking_number"], item["tracking_number"]);
    clerk.delete(&format!("{BATCHES}monday")).await.refused(StatusCode::BAD_REQUEST, "ShippingInUse");
}

/// Whoever may not ask learns neither what is wrong with the request nor what there is.
async fn the_first_refusal_is_about_who_asks_then_about_what_is_sent_then_about_what_there_is(app: TestApp) {
    let (stage, broken) = (Stage::set(&app).await, "{ nonsense");
    let unknown = json!({ "tracking_number": "20260102-0000000000" });
    let nowhere = format!("{BATCHES}nowhere/add/");
    let send = |visitor: &Visitor, path: &str, body: &str| {
        let request = visitor.request(Method::POST, path).header("content-type", "application/json");
        Answer::to(request.body(body.to_owned()))
    };

    let wrong_method = app.anybody().request(Method::DELETE, &nowhere);
    Answer::to(wrong_method).await.refused(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
    send(&app.anybody(), &nowhere, broken).await.refused(StatusCode::UNAUTHORIZED, "not_authenticated");
    send(&stage.driver, &nowhere, broken).await.refused(StatusCode::FORBIDDEN, "permission_denied");
    send(&stage.staff, &nowhere, broken).await.refused(StatusCode::BAD_REQUEST, "parse_error");
    send(&stage.staff, &nowhere, "{}").await.refused(StatusCode::BAD_REQUEST, "required");
    send(&stage.staff, &nowhere, &unknown.to_string()).await.refused(StatusCode::NOT_FOUND, "not_found");
    let add = format!("{BATCHES}{}/add/", stage.a_batch().await);
    send(&stage.staff, &add, &unknown.to_string()).await.refused(StatusCode::BAD_REQUEST, "ShippingBatchItemNotExist");
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
    let stage = Stage::set(&app).await;
    let (mut items, mut batches, mut transports) = (Vec::new(), Vec::new(), Vec::new());
    let mut centers = vec!["ABC002".to_owned(), "ABC001".to_owned()];
    for code in ["ABC003", "ABC004", "ABC005"] {
        let center = json!({ "center_code": code, "name": "East" });
        stage.staff.post(CENTERS, center).await.expecting(StatusCode::CREATED);
        centers.insert(0, code.to_owned());
    }
    for _ in 0..5 {
        items.insert(0, stage.an_item().await);
        batches.insert(0, stage.a_batch().await);
        transports.insert(0, stage.a_transport().await);
    }
    for (item, batch) in items.iter().zip(&batches) {
        stage.pack(&batches[0], item).await;
        stage.load(&transports[0], batch).await;
    }
    let packed = format!("{BATCHES}{}/shippingitems/", batches[0]);
    let loaded = format!("{TRANSPORTS}{}/batches/", transports[0]);
    let backwards = |names: &[String]| names.iter().rev().cloned().collect();

    for (path, query, name, names) in [
        (ITEMS, "", "tracking_number", items.clone()),
        (ITEMS, "&ordering=timestamp_created&status=MOVING", "tracking_number", backwards(&items)),
        (BATCHES, "", "alias", batches.clone()),
        (BATCHES, "&ordering=timestamp_completed&completed=false", "alias", backwards(&batches)),
        (TRANSPORTS, "", "uuid", transports.clone()),
        (TRANSPORTS, "&ordering=timestamp_arrived&completed=false", "uuid", backwards(&transports)),
        (CENTERS, "", "center_code", centers),
        (&packed, "", "tracking_number", items.clone()),
        (&packed, "&ordering=timestamp_completed&status=MOVING", "tracking_number", backwards(&items)),
        (&loaded, "", "alias", batches.clone()),
        (&loaded, "&ordering=timestamp_completed&completed=false", "alias", backwards(&batches)),
    ] {
        let link = |link: &Value| link.as_str().and_then(|it| it.strip_prefix(&app.base)).map(str::to_owned);
        let told = |page: &Value| -> Vec<_> {
            page["results"].as_array().expect("a list").iter().map(|it| text(&it[name])).collect()
        };
        let (mut walked, mut next, mut last) =
            (Vec::new(), Some(format!("{path}?cursor=&page_size=2{query}")), json!({}));
        while let Some(page) = next {
            assert!(walked.len() < names.len(), "{path} does not end");
            last = stage.staff.get(&page).await.expecting(StatusCode::OK);
            walked.extend(told(&last));
            assert_eq!((last.get("count"), &last["items_per_page"]), (None, &json!(2)));
            next = link(&last["next"]);
        }
        assert_eq!(walked, names, "{path}?{query}");

        let back = link(&last["previous"]).expect("a page before");
        assert_eq!(told(&stage.staff.get(&back).await.expecting(StatusCode::OK)), names[2..4], "{path}?{query}");
        let junk = stage.staff.get(&format!("{path}?cursor=junk")).await;
        junk.refused(StatusCode::BAD_REQUEST, "invalid");
    }
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
