//! The main job: a parcel travels from one center to another.

use reqwest::StatusCode;
use serde_json::json;
use support::app::TestApp;

use crate::stage::{BATCHES, ITEMS, Stage, TRANSPORTS, text};

on_both_stacks![a_parcel_travels_from_one_center_to_another];

async fn a_parcel_travels_from_one_center_to_another(app: TestApp) {
    let stage = Stage::set(&app).await;
    let staff = &stage.staff;

    let item = staff.post(ITEMS, json!({ "sku": "SHOE-42" })).await.expecting(StatusCode::CREATED);
    let number = text(&item["tracking_number"]);
    assert_eq!(
        item,
        json!({
            "uuid": item["uuid"],
            "tracking_number": number,
            "sku": "SHOE-42",
            "status": "CREATED",
            "shipping_batches_history": [],
            "current_distribution_center_code": null,
            "timestamp_created": item["timestamp_created"],
            "timestamp_completed": null,
        })
    );

    let batch = staff.post(BATCHES, json!({ "alias": "friday" })).await.expecting(StatusCode::CREATED);
    assert_eq!((&batch["alias"], &batch["shipping_transport"]), (&json!("friday"), &json!(null)));
    let packed = staff
        .post("/api/v1/shipping/batches/friday/add/", json!([{ "tracking_number": number }]))
        .await
        .expecting(StatusCode::OK);
    assert_eq!(packed[0]["status"], "MOVING");
    assert_eq!(packed[0]["shipping_batches_history"][0]["alias"], "friday");

    let plan = json!({
        "distribution_center_code_source": "ABC001",
        "distribution_center_code_destination": "ABC002",
        "driver_uuid": stage.driver.user_id,
    });
    let planned = staff.post(TRANSPORTS, plan).await.expecting(StatusCode::CREATED);
    let transport = text(&planned["uuid"]);
    assert_eq!(planned["distribution_center_source"]["center_code"], "ABC001");
    assert_eq!(planned["distribution_center_destination"]["name"], "South");
    assert_eq!(planned["driver"]["uuid"], json!(stage.driver.user_id));
    assert_eq!(planned["driver"]["type"], "DRIVER");
    assert_eq!(planned["batch_count"], 0);

    let loaded = staff
        .post(&format!("{TRANSPORTS}{transport}/add/"), json!({ "alias": "friday" }))
        .await
        .expecting(StatusCode::OK);
    assert_eq!(loaded[0]["shipping_transport"]["uuid"], json!(transport));
    assert_eq!(loaded[0]["shipping_transport"]["batch_count"], 1);

    let started = staff.post(&format!("{TRANSPORTS}{transport}/start/"), json!({})).await.expecting(StatusCode::OK);
    assert!(started["timestamp_departed"].is_string(), "the answer is what became of it: {started:#}");
    assert_eq!((&started["completed"], &started["timestamp_arrived"]), (&json!(false), &json!(null)));

    let done = staff.post(&format!("{TRANSPORTS}{transport}/complete/"), json!({})).await.expecting(StatusCode::OK);
    assert_eq!(done["completed"], true);
    assert!(done["timestamp_arrived"].is_string());

    let item = staff.get(&format!("{ITEMS}{number}/")).await.expecting(StatusCode::OK);
    assert_eq!(item["current_distribution_center_code"], "ABC002");
    assert_eq!(item["status"], "MOVING", "it is not delivered yet");
    assert_eq!(
        item["shipping_batches_history"],
        json!([{
            "alias": "friday",
            "completed": true,
            "shipping_transport__uuid": transport,
            "shipping_transport__distribution_center_code_source": "ABC001",
            "shipping_transport__distribution_center_code_destination": "ABC002",
        }])
    );

    let events = app.events.until(|it| it.name == "TransportComplete").await;
    let shipping: Vec<_> = events.iter().filter(|it| it.context == "shipping").collect();
    let mut names: Vec<_> = shipping.iter().map(|it| it.name.as_str()).collect();
    let of_transport: Vec<_> = shipping.iter().filter(|it| it.aggregate_kind == "transport").collect();
    assert_eq!(
        of_transport.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
        ["TransportStarted", "TransportComplete"]
    );
    assert_eq!(of_transport[0].data, [("transport_uuid".to_owned(), transport.replace('-', ""))]);
    names.sort_unstable();
    assert_eq!(names, ["BatchAddedToTransport", "ItemAddedToBatch", "TransportComplete", "TransportStarted"]);
}
