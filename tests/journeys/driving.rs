//! Drivers deal with the transports assigned to them, and with nothing else.

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::{TestApp, Visitor};

use crate::stage::{BATCHES, ITEMS, Stage, TRANSPORTS};

on_both_stacks![
    a_driver_sees_starts_and_completes_their_own_transport,
    another_drivers_transport_does_not_exist,
    a_driver_does_not_hand_the_transport_over,
    an_items_earlier_trips_are_none_of_a_drivers_business,
    everything_else_of_shipping_is_for_staff,
];

const MISSING: StatusCode = StatusCode::NOT_FOUND;

/// A loaded transport that is planned with this driver: its uuid, the batch and the item.
async fn assigned(stage: &Stage, driver: &Visitor) -> (String, String, String) {
    let ((alias, item), transport) = (stage.a_packed_batch().await, stage.a_transport().await);
    stage.load(&transport, &alias).await;
    let plan = json!({ "driver_uuid": driver.user_id });
    stage.staff.patch(&format!("{TRANSPORTS}{transport}/"), plan).await.expecting(StatusCode::OK);
    (transport, alias, item)
}

async fn a_driver_sees_starts_and_completes_their_own_transport(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (transport, alias, item) = assigned(&stage, &stage.driver).await;
    stage.a_transport().await;
    let driver = &stage.driver;

    let list = driver.get(TRANSPORTS).await.expecting(StatusCode::OK);
    assert_eq!((&list["count"], &list["results"][0]["uuid"]), (&json!(1), &json!(transport)));
    let path = format!("{TRANSPORTS}{transport}/");
    driver.get(&path).await.expecting(StatusCode::OK);
    let batches = driver.get(&format!("{path}batches/")).await.expecting(StatusCode::OK);
    assert_eq!(batches["results"][0]["alias"], json!(alias));
    let items = driver.get(&format!("{BATCHES}{alias}/shippingitems/")).await.expecting(StatusCode::OK);
    assert_eq!(items["results"][0]["tracking_number"], json!(item));

    let started = driver.post(&format!("{path}start/"), json!({})).await.expecting(StatusCode::OK);
    assert!(started["timestamp_departed"].is_string(), "{started}");
    let completed = driver.post(&format!("{path}complete/"), json!({})).await.expecting(StatusCode::OK);
    assert_eq!(completed["completed"], true);
    driver.get(&path).await.expecting(StatusCode::OK);
}

async fn another_drivers_transport_does_not_exist(app: TestApp) {
    let stage = Stage::set(&app).await;
    let other = app.driver().await;
    let (transport, alias, _) = assigned(&stage, &other).await;
    let (unassigned, loose) = (stage.a_transport().await, stage.a_packed_batch().await.0);
    let driver = &stage.driver;

    for transport in [transport, unassigned] {
        let path = format!("{TRANSPORTS}{transport}/");
        driver.get(&path).await.refused(MISSING, "not_found");
        driver.get(&format!("{path}batches/")).await.refused(MISSING, "not_found");
        let own = json!({ "driver_uuid": driver.user_id });
        driver.post(&format!("{path}start/"), own).await.refused(MISSING, "not_found");
        driver.post(&format!("{path}complete/"), json!({})).await.refused(MISSING, "not_found");
    }
    for alias in [alias, loose] {
        driver.get(&format!("{BATCHES}{alias}/shippingitems/")).await.refused(MISSING, "not_found");
    }
    for query in [String::new(), format!("?driver_uuid={}", other.user_id)] {
        let list = driver.get(&format!("{TRANSPORTS}{query}")).await.expecting(StatusCode::OK);
        assert_eq!((&list["count"], &list["results"]), (&json!(0), &json!([])), "{query}");
    }
}

async fn a_driver_does_not_hand_the_transport_over(app: TestApp) {
    let stage = Stage::set(&app).await;
    let other = app.driver().await;
    let (transport, ..) = assigned(&stage, &stage.driver).await;
    let path = format!("{TRANSPORTS}{transport}/start/");

    let refusal = stage.driver.post(&path, json!({ "driver_uuid": other.user_id })).await;
    let problem = refusal.refused(StatusCode::BAD_REQUEST, "ShippingTransportDriverInvalid");
    assert_eq!(problem["errors"][0]["field"], "driver_uuid");

    let own = json!({ "driver_uuid": stage.driver.user_id });
    stage.driver.post(&path, own).await.expecting(StatusCode::OK);
}

async fn an_items_earlier_trips_are_none_of_a_drivers_business(app: TestApp) {
    let stage = Stage::set(&app).await;
    let arrived = stage.a_departed_transport().await;
    stage.complete(&arrived.transport).await;
    let next = app.driver().await;
    let (_, alias, _) = assigned(&stage, &next).await;
    stage.pack(&alias, &arrived.item).await;
    let path = format!("{BATCHES}{alias}/shippingitems/?ordering=timestamp_created&page_size=1");

    let for_the_driver = next.get(&path).await.expecting(StatusCode::OK)["results"][0].clone();
    let for_staff = stage.staff.get(&path).await.expecting(StatusCode::OK)["results"][0].clone();

    let aliases = |item: &Value| {
        let past = item["shipping_batches_history"].as_array().expect("a history").iter();
        past.map(|it| it["alias"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(for_the_driver["tracking_number"], json!(arrived.item));
    assert_eq!(aliases(&for_the_driver), [json!(alias)]);
    assert_eq!(aliases(&for_staff), [json!(alias), json!(arrived.alias)]);
}

async fn everything_else_of_shipping_is_for_staff(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (transport, alias, item) = assigned(&stage, &stage.driver).await;
    let (driver, forbidden) = (&stage.driver, StatusCode::FORBIDDEN);

    for path in [ITEMS.to_owned(), format!("{ITEMS}{item}/"), BATCHES.to_owned(), format!("{BATCHES}{alias}/")] {
        driver.get(&path).await.refused(forbidden, "permission_denied");
    }
    let transport = format!("{TRANSPORTS}{transport}/");
    for path in [format!("{ITEMS}{item}/"), format!("{BATCHES}{alias}/"), transport.clone()] {
        driver.patch(&path, json!({})).await.refused(forbidden, "permission_denied");
        driver.put(&path, json!({})).await.refused(forbidden, "permission_denied");
        driver.delete(&path).await.refused(forbidden, "permission_denied");
    }
    for path in [format!("{BATCHES}{alias}/remove/"), format!("{transport}add/"), TRANSPORTS.to_owned()] {
        driver.post(&path, json!({})).await.refused(forbidden, "permission_denied");
    }
}
