//! What was written down is corrected, taken out and deleted, or a rule says why not.

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::TestApp;

use crate::stage::{BATCHES, ITEMS, Stage, TRANSPORTS};

on_both_stacks![
    an_item_is_corrected_and_says_what_became_of_it,
    what_is_taken_out_of_a_batch_is_where_it_was,
    taking_out_is_all_or_nothing,
    a_batch_goes_by_another_name_until_it_departs,
    a_plan_changes_until_the_transport_departs,
    what_happened_to_something_is_not_written_by_hand,
    what_is_in_use_is_not_deleted,
    deleting_in_order_leaves_nothing_behind,
];

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const GONE: StatusCode = StatusCode::NO_CONTENT;
const SOURCE: &str = "distribution_center_code_source";
const DESTINATION: &str = "distribution_center_code_destination";

async fn an_item_is_corrected_and_says_what_became_of_it(app: TestApp) {
    let stage = Stage::set(&app).await;
    let path = format!("{ITEMS}{}/", stage.an_item().await);

    let relabelled = stage.staff.put(&path, json!({ "sku": "HAT-7" })).await.expecting(StatusCode::OK);
    assert_eq!((&relabelled["sku"], &relabelled["status"]), (&json!("HAT-7"), &json!("CREATED")));
    stage.staff.put(&path, json!({})).await.refused(BAD, "required");
    let early = stage.staff.patch(&path, json!({ "status": "COMPLETED" })).await;
    let problem = early.refused(BAD, "ShippingItemInvalidTransition");
    let message = problem["errors"][0]["message"].as_str().expect("a message");
    assert!(message.contains("CREATED") && message.contains("COMPLETED"), "{message}");

    stage.staff.patch(&path, json!({ "status": "MOVING" })).await.expecting(StatusCode::OK);
    let done = stage.staff.patch(&path, json!({ "status": "COMPLETED" })).await.expecting(StatusCode::OK);
    assert!(done["timestamp_completed"].is_string(), "{done}");
    assert_eq!(done["sku"], "HAT-7", "what is left out stays as it is");
    let found = stage.staff.get(&path).await.expecting(StatusCode::OK);
    assert_eq!(found, done, "what was answered is what is kept");
    let again = stage.staff.patch(&path, json!({ "status": "COMPLETED" })).await.expecting(StatusCode::OK);
    assert_eq!(again, done, "setting the status it has changes nothing");

    let add = format!("{BATCHES}{}/add/", stage.a_batch().await);
    let delivered = json!({ "tracking_number": done["tracking_number"] });
    stage.staff.post(&add, delivered).await.refused(BAD, "ShippingBatchItemAddInvalidStatus");
}

async fn what_is_taken_out_of_a_batch_is_where_it_was(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (alias, item) = stage.a_packed_batch().await;
    let (path, body) = (format!("{BATCHES}{alias}/remove/"), json!({ "tracking_number": item }));

    let out = stage.staff.post(&path, body.clone()).await.expecting(StatusCode::OK);
    assert_eq!((&out[0]["status"], &out[0]["shipping_batches_history"]), (&json!("CREATED"), &json!([])));
    stage.staff.post(&path, body.clone()).await.expecting(StatusCode::OK);
    stage.pack(&alias, &item).await;
    let events = app.events.until(|it| it.name == "ItemRemovedFromBatch").await;
    assert_eq!(events.iter().filter(|it| it.name == "ItemRemovedFromBatch").count(), 1, "once, and not twice");

    let departed = stage.a_departed_transport().await;
    let path = format!("{BATCHES}{}/remove/", departed.alias);
    let body = json!({ "tracking_number": departed.item });
    stage.staff.post(&path, body.clone()).await.refused(BAD, "ShippingBatchDeparted");
    stage.complete(&departed.transport).await;
    stage.staff.post(&path, body.clone()).await.refused(BAD, "ShippingBatchCompleted");

    let next = stage.a_batch().await;
    stage.pack(&next, &departed.item).await;
    let out = stage.staff.post(&format!("{BATCHES}{next}/remove/"), body).await.expecting(StatusCode::OK);
    assert_eq!(out[0]["status"], "MOVING", "it travelled before");
    assert_eq!(out[0]["current_distribution_center_code"], "ABC002");
}

async fn taking_out_is_all_or_nothing(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (alias, item) = stage.a_packed_batch().await;

    let bulk = json!([{ "tracking_number": item }, { "tracking_number": "nonsense" }]);
    let refusal = stage.staff.post(&format!("{BATCHES}{alias}/remove/"), bulk).await;

    let problem = refusal.refused(BAD, "ShippingBatchItemNotExist");
    assert_eq!(problem["errors"][0]["field"], "[1].tracking_number");
    let found = stage.staff.get(&format!("{ITEMS}{item}/")).await.expecting(StatusCode::OK);
    assert_eq!(found["shipping_batches_history"].as_array().map(Vec::len), Some(1));
    let too_many: Vec<_> = (0..1001).map(|_| json!({ "tracking_number": item })).collect();
    let refusal = stage.staff.post(&format!("{BATCHES}{alias}/remove/"), Value::from(too_many)).await;
    refusal.refused(BAD, "max_length");
    let nowhere = stage.staff.post(&format!("{BATCHES}nowhere/remove/"), json!({ "tracking_number": item })).await;
    nowhere.refused(StatusCode::NOT_FOUND, "not_found");
}

async fn a_batch_goes_by_another_name_until_it_departs(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (alias, other) = (stage.a_batch().await, stage.a_batch().await);
    let path = format!("{BATCHES}{alias}/");

    let problem = stage.staff.patch(&path, json!({ "alias": other })).await.refused(BAD, "unique");
    assert_eq!(problem["errors"][0]["field"], "alias");
    let renamed = stage.staff.put(&path, json!({ "alias": "Friday" })).await.expecting(StatusCode::OK);
    assert_eq!(renamed["alias"], "Friday");
    stage.staff.get(&path).await.refused(StatusCode::NOT_FOUND, "not_found");
    let found = stage.staff.get(&format!("{BATCHES}Friday/")).await.expecting(StatusCode::OK);
    assert_eq!(found, renamed, "what was answered is what is kept");

    let departed = stage.a_departed_transport().await;
    let path = format!("{BATCHES}{}/", departed.alias);
    stage.staff.patch(&path, json!({ "alias": "late" })).await.refused(BAD, "ShippingBatchDeparted");
    stage.complete(&departed.transport).await;
    stage.staff.patch(&path, json!({ "alias": "late" })).await.refused(BAD, "ShippingBatchCompleted");
}

async fn a_plan_changes_until_the_transport_departs(app: TestApp) {
    let stage = Stage::set(&app).await;
    let path = format!("{TRANSPORTS}{}/", stage.a_transport().await);

    let driver = json!({ "driver_uuid": stage.driver.user_id });
    let changed = stage.staff.patch(&path, driver).await.expecting(StatusCode::OK);
    assert_eq!(changed["driver"]["uuid"], json!(stage.driver.user_id));
    let back = json!({ SOURCE: "ABC002", DESTINATION: "ABC001" });
    let turned = stage.staff.put(&path, back).await.expecting(StatusCode::OK);
    assert_eq!(turned["distribution_center_source"]["center_code"], "ABC002");
    assert_eq!(turned["driver"], changed["driver"], "a driver who is left out stays");
    let found = stage.staff.get(&path).await.expecting(StatusCode::OK);
    assert_eq!(found, turned, "what was answered is what is kept");
    let off = stage.staff.patch(&path, json!({ "driver_uuid": null })).await.expecting(StatusCode::OK);
    assert_eq!(off["driver"], Value::Null);

    stage.staff.put(&path, json!({ SOURCE: "ABC001" })).await.refused(BAD, "required");
    stage.staff.patch(&path, json!({ SOURCE: "ABC001" })).await.refused(BAD, "ShippingTransportSameCenter");
    stage.staff.patch(&path, json!({ SOURCE: "XYZ001" })).await.refused(BAD, "DistributionCenterNotExist");
    let staff = json!({ "driver_uuid": stage.staff.user_id });
    stage.staff.patch(&path, staff).await.refused(BAD, "ShippingTransportDriverInvalid");

    let departed = stage.a_departed_transport().await;
    let path = format!("{TRANSPORTS}{}/", departed.transport);
    let change = json!({ "driver_uuid": null });
    stage.staff.patch(&path, change.clone()).await.refused(BAD, "ShippingTransportAlreadyDeparted");
    stage.complete(&departed.transport).await;
    stage.staff.patch(&path, change).await.refused(BAD, "ShippingTransportAlreadyCompleted");
}

/// Where something is on its way follows from what was done with it: whoever sends it along is not believed.
async fn what_happened_to_something_is_not_written_by_hand(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (transport, then) = (stage.a_transport().await, "2020-01-01T00:00:00Z");
    let claims = json!({
        "uuid": "0190a3f0-7b1c-7d2e-8f00-000000000001",
        "tracking_number": "20200101-0000000000",
        "completed": true,
        "batch_count": 7,
        "shipping_transport": { "uuid": transport },
        "current_distribution_center_code": "ABC002",
        "timestamp_created": then,
        "timestamp_departed": then,
        "timestamp_arrived": then,
        "timestamp_completed": then,
        "sku": "HAT-7",
        SOURCE: "ABC001",
        DESTINATION: "ABC002",
    });

    for list in [ITEMS, BATCHES, TRANSPORTS] {
        let made = stage.staff.post(list, claims.clone()).await.expecting(StatusCode::CREATED);
        let name = ["tracking_number", "alias", "uuid"].into_iter().find_map(|it| made[it].as_str());
        let path = format!("{list}{}/", name.expect("a name"));
        let changed = stage.staff.patch(&path, claims.clone()).await.expecting(StatusCode::OK);

        assert_eq!(changed, made);
        let made = made.as_object().expect("an object");
        for (field, claim) in claims.as_object().expect("an object").iter().filter(|(field, _)| *field != "sku") {
            assert!(made.get(field).is_none_or(|it| it != claim), "{list} believes {field}: {made:?}");
        }
    }
}

async fn what_is_in_use_is_not_deleted(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (alias, item) = stage.a_packed_batch().await;
    let (loaded, transport) = (stage.a_batch().await, stage.a_transport().await);
    stage.load(&transport, &loaded).await;
    let arrived = stage.a_departed_transport().await;
    stage.complete(&arrived.transport).await;

    for path in [
        format!("{ITEMS}{item}/"),
        format!("{BATCHES}{alias}/"),
        format!("{BATCHES}{loaded}/"),
        format!("{TRANSPORTS}{transport}/"),
        format!("{BATCHES}{}/", arrived.alias),
        format!("{TRANSPORTS}{}/", arrived.transport),
    ] {
        stage.staff.delete(&path).await.refused(BAD, "ShippingInUse");
        stage.staff.get(&path).await.expecting(StatusCode::OK);
    }
    stage.staff.delete(&format!("{ITEMS}{}/", arrived.item)).await.expecting(GONE);
}

async fn deleting_in_order_leaves_nothing_behind(app: TestApp) {
    let stage = Stage::set(&app).await;
    let ((alias, item), transport) = (stage.a_packed_batch().await, stage.a_transport().await);
    let body = json!({ "tracking_number": item });
    stage.staff.post(&format!("{BATCHES}{alias}/remove/"), body).await.expecting(StatusCode::OK);

    for path in [format!("{BATCHES}{alias}/"), format!("{ITEMS}{item}/"), format!("{TRANSPORTS}{transport}/")] {
        stage.staff.delete(&path).await.expecting(GONE);
        stage.staff.get(&path).await.refused(StatusCode::NOT_FOUND, "not_found");
        stage.staff.delete(&path).await.refused(StatusCode::NOT_FOUND, "not_found");
    }
}
