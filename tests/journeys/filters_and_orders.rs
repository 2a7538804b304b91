//! What the lists of shipping leave out, and in which order they tell the rest.

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::{TestApp, Visitor};

use crate::stage::{BATCHES, CENTERS, ITEMS, Stage, TRANSPORTS, text};

on_both_stacks![
    every_filter_and_order_of_transports_is_kept_to,
    every_filter_and_order_of_batches_is_kept_to,
    batches_of_a_transport_are_told_in_every_order,
    items_of_a_batch_are_filtered_by_status,
    items_are_told_in_every_order_on_their_own_and_in_a_batch,
];

/// Four transports in the order they were planned, each with a batch of the same place, and who drives.
struct Traffic {
    stage: Stage,
    other: Visitor,
    transports: [String; 4],
    batches: [String; 4],
}

impl Traffic {
    /// The third leaves before the second, which arrives first; the others are planned and stay.
    async fn of(app: &TestApp) -> Self {
        let (stage, other) = (Stage::set(app).await, app.driver().await);
        let east = json!({ "center_code": "ABC003", "name": "East" });
        stage.staff.post(CENTERS, east).await.expecting(StatusCode::CREATED);
        let (mut transports, mut batches) = (Vec::new(), Vec::new());
        for (source, destination, driver) in [
            ("ABC001", "ABC002", None),
            ("ABC002", "ABC001", Some(&stage.driver)),
            ("ABC001", "ABC003", Some(&other)),
            ("ABC003", "ABC002", Some(&stage.driver)),
        ] {
            let plan = json!({
                "distribution_center_code_source": source,
                "distribution_center_code_destination": destination,
                "driver_uuid": driver.map(|it| &it.user_id),
            });
            let transport = text(&stage.staff.post(TRANSPORTS, plan).await.expecting(StatusCode::CREATED)["uuid"]);
            let (batch, _) = stage.a_packed_batch().await;
            stage.load(&transport, &batch).await;
            transports.push(transport);
            batches.push(batch);
        }
        for (at, command) in [(2, "start"), (1, "start"), (1, "complete"), (2, "complete")] {
            let path = format!("{TRANSPORTS}{}/{command}/", transports[at]);
            stage.staff.post(&path, json!({})).await.expecting(StatusCode::OK);
        }
        let transports = transports.try_into().expect("four transports");
        Self { stage, other, transports, batches: batches.try_into().expect("four batches") }
    }
}

/// All that is on a page.
fn all(page: &Value) -> impl Iterator<Item = &Value> {
    page["results"].as_array().expect("a list").iter()
}

/// What a list tells of, by the name that each has in it.
async fn listed(visitor: &Visitor, path: &str, name: &str) -> Vec<String> {
    let page = visitor.get(path).await.expecting(StatusCode::OK);
    let names: Vec<_> = all(&page).map(|it| text(&it[name])).collect();
    assert_eq!(page["count"], names.len(), "{path}");
    names
}

async fn every_filter_and_order_of_transports_is_kept_to(app: TestApp) {
    let Traffic { stage, other, transports, .. } = Traffic::of(&app).await;
    let (driver, other) = (&stage.driver.user_id, &other.user_id);

    for (query, expected) in [
        ("", &[3, 2, 1, 0][..]),
        ("completed=true", &[2, 1]),
        ("completed=FALSE", &[3, 0]),
        (&format!("driver_uuid={driver}"), &[3, 1]),
        (&format!("driver_uuid={other}"), &[2]),
        (&format!("driver_uuid={}", stage.staff.user_id), &[]),
        ("distribution_center_code_source=ABC001", &[2, 0]),
        ("distribution_center_code_source=ABC002", &[1]),
        ("distribution_center_code_source=abc001", &[]),
        ("distribution_center_code_destination=ABC001", &[1]),
        ("distribution_center_code_destination=ABC002", &[3, 0]),
        ("distribution_center_code_source=ABC001&distribution_center_code_destination=ABC002", &[0]),
        ("distribution_center_code_source=ABC002&distribution_center_code_destination=ABC002", &[]),
        (&format!("completed=0&driver_uuid={driver}&distribution_center_code_destination=ABC002"), &[3]),
        ("ordering=timestamp_created", &[0, 1, 2, 3]),
        ("ordering=-timestamp_created", &[3, 2, 1, 0]),
        ("ordering=timestamp_departed", &[0, 3, 2, 1]),
        ("ordering=-timestamp_departed", &[1, 2, 3, 0]),
        ("ordering=timestamp_arrived", &[0, 3, 1, 2]),
        ("ordering=-timestamp_arrived", &[2, 1, 3, 0]),
        ("ordering=timestamp_departed,-timestamp_created", &[3, 0, 2, 1]),
        ("ordering=-timestamp_arrived,timestamp_created", &[2, 1, 0, 3]),
        ("completed=1&ordering=timestamp_arrived", &[1, 2]),
    ] {
        let expected: Vec<_> = expected.iter().map(|at| transports[*at].clone()).collect();
        assert_eq!(listed(&stage.staff, &format!("{TRANSPORTS}?{query}"), "uuid").await, expected, "{query}");
    }

    // Each is shown with who drives it, and not with who drives another one.
    let page = stage.staff.get(TRANSPORTS).await.expecting(StatusCode::OK);
    let drivers: Vec<_> = all(&page).map(|it| it["driver"]["uuid"].clone()).collect();
    assert_eq!(drivers, [json!(driver), json!(other), json!(driver), Value::Null]);
}

async fn every_filter_and_order_of_batches_is_kept_to(app: TestApp) {
    let Traffic { stage, transports, batches, .. } = Traffic::of(&app).await;
    let [first, _, third, _] = transports.each_ref().map(|it| format!("{TRANSPORTS}{it}/batches/"));

    for (path, query, expected) in [
        (BATCHES, "", &[3, 2, 1, 0][..]),
        (BATCHES, "completed=true", &[2, 1]),
        (BATCHES, "completed=0", &[3, 0]),
        (BATCHES, "ordering=timestamp_created", &[0, 1, 2, 3]),
        (BATCHES, "ordering=-timestamp_created", &[3, 2, 1, 0]),
        (BATCHES, "ordering=timestamp_completed", &[0, 3, 1, 2]),
        (BATCHES, "ordering=-timestamp_completed", &[2, 1, 3, 0]),
        (BATCHES, "ordering=-timestamp_completed,timestamp_created", &[2, 1, 0, 3]),
        (BATCHES, "completed=1&ordering=timestamp_completed", &[1, 2]),
        (&first, "", &[0]),
        (&first, "completed=false", &[0]),
        (&first, "completed=true", &[]),
        (&third, "", &[2]),
        (&third, "completed=false", &[]),
        (&third, "completed=true", &[2]),
    ] {
        let expected: Vec<_> = expected.iter().map(|at| batches[*at].clone()).collect();
        assert_eq!(listed(&stage.staff, &format!("{path}?{query}"), "alias").await, expected, "{path}?{query}");
    }

    // Each is shown with its own transport, also where one comes before it that has none.
    stage.a_batch().await;
    let page = stage.staff.get(BATCHES).await.expecting(StatusCode::OK);
    let shown: Vec<_> = all(&page).map(|it| it["shipping_transport"]["uuid"].clone()).collect();
    let [one, two, three, four] = transports.map(Value::from);
    assert_eq!(shown, [Value::Null, four, three, two, one]);
}

/// They arrive together: what was opened first then comes first, in the direction of the order.
async fn batches_of_a_transport_are_told_in_every_order(app: TestApp) {
    let stage = Stage::set(&app).await;
    let transport = stage.a_transport().await;
    let mut batches = Vec::new();
    for _ in 0..3 {
        batches.push(stage.a_packed_batch().await.0);
    }
    // Not in the order in which they were opened, so that the one in which they were loaded is another.
    for at in [1, 2, 0] {
        stage.load(&transport, &batches[at]).await;
    }

    let path = format!("{TRANSPORTS}{transport}/");
    let driver = json!({ "driver_uuid": stage.driver.user_id });
    for arrives in [false, true] {
        if arrives {
            stage.staff.post(&format!("{path}start/"), driver.clone()).await.expecting(StatusCode::OK);
            stage.complete(&transport).await;
        }
        for (query, expected) in [
            ("", [2, 1, 0]),
            ("ordering=timestamp_created", [0, 1, 2]),
            ("ordering=-timestamp_created", [2, 1, 0]),
            ("ordering=timestamp_completed", [0, 1, 2]),
            ("ordering=-timestamp_completed", [2, 1, 0]),
            ("ordering=timestamp_completed,-timestamp_created", [2, 1, 0]),
            ("ordering=-timestamp_completed,timestamp_created", [0, 1, 2]),
        ] {
            let expected = expected.map(|at: usize| batches[at].clone());
            let told = listed(&stage.staff, &format!("{path}batches/?{query}"), "alias").await;
            assert_eq!(told, expected, "{query}, arrived: {arrives}");
        }
    }
}

async fn items_of_a_batch_are_filtered_by_status(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (alias, elsewhere) = (stage.a_batch().await, stage.a_batch().await);
    let mut items = Vec::new();
    for (batch, status) in [(&alias, "LOST"), (&elsewhere, "LOST"), (&alias, "MOVING"), (&alias, "LOST")] {
        let item = stage.an_item().await;
        stage.pack(batch, &item).await;
        let changed = stage.staff.patch(&format!("{ITEMS}{item}/"), json!({ "status": status })).await;
        changed.expecting(StatusCode::OK);
        items.push(item);
    }

    let path = format!("{BATCHES}{alias}/shippingitems/");
    for (query, expected) in [
        ("", &[3, 2, 0][..]),
        ("status=LOST", &[3, 0]),
        ("status=MOVING", &[2]),
        ("status=CREATED", &[]),
        ("status=LOST&ordering=timestamp_created", &[0, 3]),
    ] {
        let expected: Vec<_> = expected.iter().map(|at| items[*at].clone()).collect();
        let found = listed(&stage.staff, &format!("{path}?{query}"), "tracking_number").await;
        assert_eq!(found, expected, "{query}");
    }
    stage.staff.get(&format!("{path}?status=GONE")).await.refused(StatusCode::BAD_REQUEST, "invalid_choice");
}

/// The third is delivered before the first; the others are not.
async fn items_are_told_in_every_order_on_their_own_and_in_a_batch(app: TestApp) {
    let stage = Stage::set(&app).await;
    let alias = stage.a_batch().await;
    let mut items = Vec::new();
    for _ in 0..4 {
        items.push(stage.an_item().await);
    }
    // Not in the order in which they were registered, so that the one in which they were packed is another.
    for at in [1, 3, 0, 2] {
        stage.pack(&alias, &items[at]).await;
    }
    for at in [2, 0] {
        let path = format!("{ITEMS}{}/", items[at]);
        stage.staff.patch(&path, json!({ "status": "COMPLETED" })).await.expecting(StatusCode::OK);
    }

    for path in [ITEMS.to_owned(), format!("{BATCHES}{alias}/shippingitems/")] {
        for (query, expected) in [
            ("", &[3, 2, 1, 0][..]),
            ("ordering=timestamp_created", &[0, 1, 2, 3]),
            ("ordering=-timestamp_created", &[3, 2, 1, 0]),
            ("ordering=timestamp_completed", &[1, 3, 2, 0]),
            ("ordering=-timestamp_completed", &[0, 2, 3, 1]),
            ("ordering=timestamp_completed,-timestamp_created", &[3, 1, 2, 0]),
            ("ordering=-timestamp_completed,timestamp_created", &[0, 2, 1, 3]),
            ("status=COMPLETED&ordering=timestamp_completed", &[2, 0]),
            ("status=COMPLETED&ordering=-timestamp_completed", &[0, 2]),
        ] {
            let expected: Vec<_> = expected.iter().map(|at| items[*at].clone()).collect();
            let told = listed(&stage.staff, &format!("{path}?{query}"), "tracking_number").await;
            assert_eq!(told, expected, "{path}?{query}");
        }
    }
}
