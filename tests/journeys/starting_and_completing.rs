//! Transports leave and arrive, or a rule says why not.

use reqwest::StatusCode;
use serde_json::json;
use support::app::TestApp;

use crate::stage::{BATCHES, ITEMS, Stage, TRANSPORTS};

on_both_stacks![
    what_is_missing_is_named_in_the_order_of_the_rules,
    a_transport_departs_and_arrives_once,
    a_driver_is_on_the_road_with_one_transport_only,
    what_is_damaged_or_lost_on_the_way_does_not_arrive,
    lists_can_be_filtered_ordered_and_paged,
];

const BAD: StatusCode = StatusCode::BAD_REQUEST;

async fn what_is_missing_is_named_in_the_order_of_the_rules(app: TestApp) {
    let stage = Stage::set(&app).await;
    let transport = stage.a_transport().await;
    let (start, complete) = (format!("{TRANSPORTS}{transport}/start/"), format!("{TRANSPORTS}{transport}/complete/"));

    stage.staff.post(&complete, json!({})).await.refused(BAD, "ShippingTransportNotDeparted");
    stage.staff.post(&start, json!({})).await.refused(BAD, "ShippingTransportNoBatch");
    stage.load(&transport, &stage.a_batch().await).await;
    stage.staff.post(&start, json!({})).await.refused(BAD, "ShippingTransportDriverNotConfigured");
    let staff = json!({ "driver_uuid": stage.staff.user_id });
    stage.staff.post(&start, staff).await.refused(BAD, "ShippingTransportDriverInvalid");
    let driver = json!({ "driver_uuid": stage.driver.user_id });
    stage.staff.post(&start, driver).await.expecting(StatusCode::OK);

    let nowhere = format!("{TRANSPORTS}0190a3f0-7b1c-7d2e-8f00-000000000001/start/");
    stage.staff.post(&nowhere, json!({})).await.refused(StatusCode::NOT_FOUND, "not_found");
    let malformed = format!("{TRANSPORTS}not-a-uuid/start/");
    stage.staff.post(&malformed, json!({})).await.refused(StatusCode::NOT_FOUND, "not_found");
}

async fn a_transport_departs_and_arrives_once(app: TestApp) {
    let stage = Stage::set(&app).await;
    let transport = stage.a_departed_transport().await.transport;
    let (start, complete) = (format!("{TRANSPORTS}{transport}/start/"), format!("{TRANSPORTS}{transport}/complete/"));

    stage.staff.post(&start, json!({})).await.refused(BAD, "ShippingTransportAlreadyDeparted");
    let arrived = stage.staff.post(&complete, json!({})).await.expecting(StatusCode::OK);
    stage.staff.post(&start, json!({})).await.refused(BAD, "ShippingTransportAlreadyCompleted");
    stage.staff.post(&complete, json!({})).await.refused(BAD, "ShippingTransportAlreadyCompleted");

    let found = stage.staff.get(&format!("{TRANSPORTS}{transport}/")).await.expecting(StatusCode::OK);
    assert_eq!(found, arrived, "a refusal changes nothing");
}

async fn a_driver_is_on_the_road_with_one_transport_only(app: TestApp) {
    let stage = Stage::set(&app).await;
    let on_the_road = stage.a_departed_transport().await;
    let waiting = stage.a_transport().await;
    stage.load(&waiting, &stage.a_batch().await).await;
    let start = format!("{TRANSPORTS}{waiting}/start/");
    let driver = json!({ "driver_uuid": stage.driver.user_id });

    stage.staff.post(&start, driver.clone()).await.refused(BAD, "ShippingTransportDriverBusy");
    stage.complete(&on_the_road.transport).await;
    stage.staff.post(&start, driver).await.expecting(StatusCode::OK);
}

async fn what_is_damaged_or_lost_on_the_way_does_not_arrive(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (alias, safe) = stage.a_packed_batch().await;
    let (lost, damaged, transport) = (stage.an_item().await, stage.an_item().await, stage.a_transport().await);
    stage.pack(&alias, &lost).await;
    stage.pack(&alias, &damaged).await;
    stage.load(&transport, &alias).await;
    let driver = json!({ "driver_uuid": stage.driver.user_id });
    stage.staff.post(&format!("{TRANSPORTS}{transport}/start/"), driver).await.expecting(StatusCode::OK);
    for (item, status) in [(&lost, "LOST"), (&damaged, "DAMAGED")] {
        let changed = stage.staff.patch(&format!("{ITEMS}{item}/"), json!({ "status": status })).await;
        changed.expecting(StatusCode::OK);
    }

    stage.complete(&transport).await;

    for (item, status, place) in
        [(safe, "MOVING", json!("ABC002")), (lost, "LOST", json!(null)), (damaged, "DAMAGED", json!(null))]
    {
        let found = stage.staff.get(&format!("{ITEMS}{item}/")).await.expecting(StatusCode::OK);
        assert_eq!((&found["status"], &found["current_distribution_center_code"]), (&json!(status), &place));
        assert_eq!(found["shipping_batches_history"][0]["completed"], true);
    }
}

async fn lists_can_be_filtered_ordered_and_paged(app: TestApp) {
    let stage = Stage::set(&app).await;
    let departed = stage.a_departed_transport().await;
    let items = [stage.an_item().await, stage.an_item().await, stage.an_item().await];

    let page = stage.staff.get(&format!("{ITEMS}?page_size=2")).await.expecting(StatusCode::OK);
    assert_eq!((&page["count"], &page["items_per_page"], &page["current_page"]), (&json!(4), &json!(2), &json!(1)));
    assert_eq!(page["results"][0]["tracking_number"], json!(items[2]), "newest first");
    assert_eq!(page["previous"], json!(null));
    let next = page["next"].as_str().expect("a next page");
    let next = stage.staff.get(next.strip_prefix(&app.base).expect("an absolute link")).await.expecting(StatusCode::OK);
    assert_eq!(next["results"][1]["tracking_number"], json!(departed.item));
    assert_eq!(next["next"], json!(null));

    let oldest = stage.staff.get(&format!("{ITEMS}?ordering=timestamp_created&page_size=1")).await;
    assert_eq!(oldest.expecting(StatusCode::OK)["results"][0]["tracking_number"], json!(departed.item));
    let moving = stage.staff.get(&format!("{ITEMS}?status=MOVING")).await.expecting(StatusCode::OK);
    assert_eq!(moving["count"], 1);

    let path = format!(
        "{TRANSPORTS}?completed=FALSE&driver_uuid={}&distribution_center_code_source=ABC001",
        stage.driver.user_id
    );
    assert_eq!(stage.staff.get(&path).await.expecting(StatusCode::OK)["results"][0]["uuid"], json!(departed.transport));
    let of_batch = stage.staff.get(&format!("{BATCHES}{}/shippingitems/", departed.alias)).await;
    assert_eq!(of_batch.expecting(StatusCode::OK)["results"][0]["tracking_number"], json!(departed.item));
    let of_transport = stage.staff.get(&format!("{TRANSPORTS}{}/batches/?completed=0", departed.transport)).await;
    assert_eq!(of_transport.expecting(StatusCode::OK)["results"][0]["alias"], json!(departed.alias));

    stage.staff.get(&format!("{ITEMS}?page=3")).await.refused(StatusCode::NOT_FOUND, "not_found");
    let problem = stage.staff.get(&format!("{ITEMS}?page=0&page_size=x&status=GONE&ordering=color")).await;
    let problem = problem.expecting(BAD);
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(4), "every fault is told: {problem:#}");
}
