//! Items go into batches and batches on transports, or a rule says why not.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, TestApp};

use crate::stage::{BATCHES, CENTERS, ITEMS, Stage, TRANSPORTS};

on_both_stacks![
    adding_an_item_twice_changes_nothing,
    a_bulk_add_is_all_or_nothing_and_tells_every_fault_with_its_place,
    a_form_adds_and_takes_out_as_many_as_it_names,
    an_item_sits_in_one_open_batch_only,
    a_departed_or_completed_batch_takes_nothing,
    a_batch_is_on_one_open_transport_only,
    a_departed_or_completed_transport_takes_nothing,
    a_transport_needs_two_centers_that_exist_and_differ,
    a_center_code_that_is_too_long_is_told,
    nothing_is_added_to_what_there_is_not,
    only_an_active_driver_can_be_planned,
    a_planned_driver_who_was_banned_since_does_not_leave,
    names_are_unique_and_compare_exactly,
];

const USERS: &str = "/api/v1/user/users/";
const BAD: StatusCode = StatusCode::BAD_REQUEST;

async fn adding_an_item_twice_changes_nothing(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (alias, item) = stage.a_packed_batch().await;

    stage.pack(&alias, &item).await;

    let found = stage.staff.get(&format!("{ITEMS}{item}/")).await.expecting(StatusCode::OK);
    assert_eq!(found["shipping_batches_history"].as_array().map(Vec::len), Some(1));
    let other = stage.an_item().await;
    stage.pack(&alias, &other).await;
    let events = app.events.until(|it| it.data.iter().any(|(_, value)| *value == other)).await;
    assert_eq!(events.iter().filter(|it| it.name == "ItemAddedToBatch").count(), 2, "each item is announced once");
}

async fn a_bulk_add_is_all_or_nothing_and_tells_every_fault_with_its_place(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (taken, free, alias) = (stage.a_packed_batch().await.1, stage.an_item().await, stage.a_batch().await);

    let bulk = json!([
        { "tracking_number": free },
        { "tracking_number": taken },
        { "tracking_number": "20260102-0000000000" },
        { "tracking_number": "nonsense" },
    ]);
    let problem = stage.staff.post(&format!("{BATCHES}{alias}/add/"), bulk).await;

    let problem = problem.refused(BAD, "ShippingBatchItemNotAvailable");
    let faults: Vec<_> =
        problem["errors"].as_array().expect("faults").iter().map(|it| (&it["code"], &it["field"])).collect();
    assert_eq!(
        faults,
        [
            (&json!("ShippingBatchItemNotAvailable"), &json!("[1].tracking_number")),
            (&json!("ShippingBatchItemNotExist"), &json!("[2].tracking_number")),
            (&json!("ShippingBatchItemNotExist"), &json!("[3].tracking_number")),
        ]
    );
    let found = stage.staff.get(&format!("{ITEMS}{free}/")).await.expecting(StatusCode::OK);
    assert_eq!((&found["status"], &found["shipping_batches_history"]), (&json!("CREATED"), &json!([])));

    let many = |entries| Value::from(vec![json!({ "tracking_number": free }); entries]);
    let problem = stage.staff.post(&format!("{BATCHES}{alias}/add/"), many(1001)).await;
    problem.refused(BAD, "max_length");
    for (command, status) in [("add", "MOVING"), ("remove", "CREATED")] {
        let path = format!("{BATCHES}{alias}/{command}/");
        let done = stage.staff.post(&path, many(1000)).await.expecting(StatusCode::OK);
        let done = done.as_array().expect("items");
        assert_eq!(done.len(), 1000, "{command}");
        assert!(done.iter().all(|it| it["status"] == status), "{command}");
    }
    let transport = stage.a_transport().await;
    let many = Value::from(vec![json!({ "alias": alias }); 1000]);
    let done = stage.staff.post(&format!("{TRANSPORTS}{transport}/add/"), many).await.expecting(StatusCode::OK);
    assert_eq!(done.as_array().map(Vec::len), Some(1000));
}

async fn a_form_adds_and_takes_out_as_many_as_it_names(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (alias, items) = (stage.a_batch().await, [stage.an_item().await, stage.an_item().await]);
    let send = |path: String, fields: Vec<(&'static str, String)>| {
        Answer::to(stage.staff.request(Method::POST, &path).form(&fields))
    };
    let named = || items.clone().map(|it| ("tracking_number", it)).to_vec();

    for command in ["add", "remove"] {
        let done = send(format!("{BATCHES}{alias}/{command}/"), named()).await.expecting(StatusCode::OK);
        let numbers: Vec<_> = done.as_array().expect("items").iter().map(|it| &it["tracking_number"]).collect();
        assert_eq!(numbers, [&json!(items[0]), &json!(items[1])]);
    }
    let mut wrong = named();
    wrong.push(("tracking_number", "20260102-0000000000".to_owned()));
    let problem = send(format!("{BATCHES}{alias}/add/"), wrong).await.refused(BAD, "ShippingBatchItemNotExist");
    assert_eq!(problem["errors"][0]["field"], "[2].tracking_number");

    let (transport, other) = (stage.a_transport().await, stage.a_batch().await);
    let both = vec![("alias", alias), ("alias", other)];
    let loaded = send(format!("{TRANSPORTS}{transport}/add/"), both).await.expecting(StatusCode::OK);
    assert_eq!(loaded.as_array().map(Vec::len), Some(2));
}

async fn an_item_sits_in_one_open_batch_only(app: TestApp) {
    let stage = Stage::set(&app).await;
    let ((_, item), other) = (stage.a_packed_batch().await, stage.a_batch().await);

    let refusal = stage.staff.post(&format!("{BATCHES}{other}/add/"), json!({ "tracking_number": item })).await;

    let problem = refusal.refused(BAD, "ShippingBatchItemNotAvailable");
    assert_eq!(problem["errors"][0]["field"], "tracking_number");
}

async fn a_departed_or_completed_batch_takes_nothing(app: TestApp) {
    let stage = Stage::set(&app).await;
    let departed = stage.a_departed_transport().await;
    let (item, path) = (stage.an_item().await, format!("{BATCHES}{}/add/", departed.alias));

    let refusal = stage.staff.post(&path, json!({ "tracking_number": item })).await;
    refusal.refused(BAD, "ShippingBatchDeparted");

    stage.complete(&departed.transport).await;
    let refusal = stage.staff.post(&path, json!({ "tracking_number": item })).await;
    refusal.refused(BAD, "ShippingBatchCompleted");

    let next = stage.a_batch().await;
    stage.pack(&next, &departed.item).await;
}

async fn a_batch_is_on_one_open_transport_only(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (alias, one, other) = (stage.a_batch().await, stage.a_transport().await, stage.a_transport().await);
    stage.load(&one, &alias).await;
    stage.load(&one, &alias).await;

    let path = format!("{TRANSPORTS}{other}/add/");
    let refusal = stage.staff.post(&path, json!({ "alias": alias })).await;
    refusal.refused(BAD, "ShippingBatchAlreadyAssigned");
    let refusal = stage.staff.post(&path, json!([{ "alias": "nowhere" }])).await;
    let problem = refusal.refused(BAD, "ShippingBatchNotExist");
    assert_eq!(problem["errors"][0]["field"], "[0].alias");

    let arrived = stage.a_departed_transport().await;
    stage.complete(&arrived.transport).await;
    let refusal = stage.staff.post(&path, json!({ "alias": arrived.alias })).await;
    refusal.refused(BAD, "ShippingBatchAlreadyCompleted");
}

async fn a_departed_or_completed_transport_takes_nothing(app: TestApp) {
    let stage = Stage::set(&app).await;
    let departed = stage.a_departed_transport().await;
    let (alias, path) = (stage.a_batch().await, format!("{TRANSPORTS}{}/add/", departed.transport));

    let refusal = stage.staff.post(&path, json!({ "alias": alias })).await;
    refusal.refused(BAD, "ShippingTransportAlreadyDeparted");

    stage.complete(&departed.transport).await;
    let refusal = stage.staff.post(&path, json!({ "alias": alias })).await;
    refusal.refused(BAD, "ShippingTransportAlreadyCompleted");
}

async fn a_transport_needs_two_centers_that_exist_and_differ(app: TestApp) {
    let stage = Stage::set(&app).await;
    let plan = |source: &str, destination: &str| {
        json!({
            "distribution_center_code_source": source,
            "distribution_center_code_destination": destination,
        })
    };

    stage.staff.post(TRANSPORTS, plan("ABC001", "ABC001")).await.refused(BAD, "ShippingTransportSameCenter");

    let mut nowhere = plan("XYZ001", "XYZ002");
    nowhere["driver_uuid"] = json!(stage.staff.user_id);
    let problem = stage.staff.post(TRANSPORTS, nowhere).await.refused(BAD, "DistributionCenterNotExist");
    let fields: Vec<_> = problem["errors"].as_array().expect("faults").iter().map(|it| &it["field"]).collect();
    assert_eq!(
        fields,
        ["distribution_center_code_source", "distribution_center_code_destination", "driver_uuid"],
        "all that is wrong is told at once"
    );

    let problem = stage.staff.post(TRANSPORTS, json!({})).await.refused(BAD, "required");
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(2), "every missing field is named");

    let path = format!("{TRANSPORTS}{}/", stage.a_transport().await);
    for same in [plan("ABC002", "ABC002"), json!({ "distribution_center_code_destination": "ABC001" })] {
        stage.staff.patch(&path, same).await.refused(BAD, "ShippingTransportSameCenter");
    }
    stage.staff.put(&path, plan("ABC001", "ABC001")).await.refused(BAD, "ShippingTransportSameCenter");

    let lower = plan("ABC001", "abc001");
    let problem = stage.staff.post(TRANSPORTS, lower.clone()).await.refused(BAD, "DistributionCenterNotExist");
    assert_eq!(problem["errors"][0]["field"], "distribution_center_code_destination", "it is another code");
    let center = json!({ "center_code": "abc001", "name": "Lower" });
    stage.staff.post(CENTERS, center).await.expecting(StatusCode::CREATED);
    let planned = stage.staff.post(TRANSPORTS, lower).await.expecting(StatusCode::CREATED);
    assert_eq!(planned["distribution_center_destination"]["name"], "Lower");
}

async fn a_center_code_that_is_too_long_is_told(app: TestApp) {
    let stage = Stage::set(&app).await;
    let path = format!("{TRANSPORTS}{}/", stage.a_transport().await);
    let before = stage.staff.get(&path).await.expecting(StatusCode::OK);
    for field in ["distribution_center_code_source", "distribution_center_code_destination"] {
        let mut plan = json!({
            "distribution_center_code_source": "ABC001",
            "distribution_center_code_destination": "ABC002",
        });
        plan[field] = json!("x".repeat(17));
        let longest = json!({ field: "x".repeat(16) });
        for (method, path) in [(Method::POST, TRANSPORTS), (Method::PUT, &path), (Method::PATCH, &path)] {
            let problem = Answer::to(stage.staff.request(method, path).json(&plan)).await.refused(BAD, "max_length");
            assert_eq!(problem["errors"][0]["field"], field);
        }
        stage.staff.patch(&path, longest).await.refused(BAD, "DistributionCenterNotExist");
    }
    assert_eq!(stage.staff.get(&path).await.expecting(StatusCode::OK), before);
}

/// Not even if it is nothing.
async fn nothing_is_added_to_what_there_is_not(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (item, alias, transport) = (stage.an_item().await, stage.a_batch().await, stage.a_transport().await);
    for (nowhere, one) in [
        (format!("{BATCHES}nowhere/add/"), json!({ "tracking_number": item })),
        (format!("{BATCHES}nowhere/remove/"), json!({ "tracking_number": item })),
        (format!("{TRANSPORTS}0190a3f0-7b1c-7d2e-8f00-000000000001/add/"), json!({ "alias": alias })),
    ] {
        for body in [json!([]), json!([one]), one] {
            stage.staff.post(&nowhere, body).await.refused(StatusCode::NOT_FOUND, "not_found");
        }
    }
    for path in
        [format!("{BATCHES}{alias}/add/"), format!("{BATCHES}{alias}/remove/"), format!("{TRANSPORTS}{transport}/add/")]
    {
        assert_eq!(stage.staff.post(&path, json!([])).await.expecting(StatusCode::OK), json!([]));
    }
}

async fn only_an_active_driver_can_be_planned(app: TestApp) {
    let (stage, root) = (Stage::set(&app).await, app.superuser().await);
    let [banned, switched_off] = [app.driver().await, app.driver().await];
    root.post(&format!("{USERS}{}/ban/", banned.user_id), json!({})).await.expecting(StatusCode::NO_CONTENT);
    let off = json!({ "is_active": false });
    root.patch(&format!("{USERS}{}/", switched_off.user_id), off).await.expecting(StatusCode::OK);
    let planned = format!("{TRANSPORTS}{}/", stage.a_transport().await);
    let unknown = "0190a3f0-7b1c-7d2e-8f00-000000000001";
    for nobody in [&stage.staff.user_id, unknown, &banned.user_id, &switched_off.user_id] {
        let plan = json!({
            "distribution_center_code_source": "ABC001",
            "distribution_center_code_destination": "ABC002",
            "driver_uuid": nobody,
        });
        stage.staff.post(TRANSPORTS, plan).await.refused(BAD, "ShippingTransportDriverInvalid");
        let driver = json!({ "driver_uuid": nobody });
        stage.staff.patch(&planned, driver).await.refused(BAD, "ShippingTransportDriverInvalid");
    }
}

async fn a_planned_driver_who_was_banned_since_does_not_leave(app: TestApp) {
    let (stage, root) = (Stage::set(&app).await, app.superuser().await);
    let (alias, _) = stage.a_packed_batch().await;
    let transport = stage.a_transport().await;
    stage.load(&transport, &alias).await;
    let plan = json!({ "driver_uuid": stage.driver.user_id });
    stage.staff.patch(&format!("{TRANSPORTS}{transport}/"), plan).await.expecting(StatusCode::OK);
    root.post(&format!("{USERS}{}/ban/", stage.driver.user_id), json!({})).await.expecting(StatusCode::NO_CONTENT);

    let start = stage.staff.post(&format!("{TRANSPORTS}{transport}/start/"), json!({})).await;

    start.refused(BAD, "ShippingTransportDriverInvalid");
}

async fn names_are_unique_and_compare_exactly(app: TestApp) {
    let stage = Stage::set(&app).await;
    stage.staff.post(BATCHES, json!({ "alias": "Friday" })).await.expecting(StatusCode::CREATED);
    stage.staff.post(BATCHES, json!({ "alias": "friday" })).await.expecting(StatusCode::CREATED);
    let problem = stage.staff.post(BATCHES, json!({ "alias": "friday" })).await.refused(BAD, "unique");
    assert_eq!(problem["errors"][0]["field"], "alias");

    let lower = json!({ "center_code": "abc001", "name": "Lower" });
    stage.staff.post(CENTERS, lower.clone()).await.expecting(StatusCode::CREATED);
    let problem = stage.staff.post(CENTERS, lower).await.refused(BAD, "unique");
    assert_eq!(problem["errors"][0]["field"], "center_code");

    stage.staff.post(BATCHES, json!({ "alias": "north/7" })).await.refused(BAD, "invalid");
}
