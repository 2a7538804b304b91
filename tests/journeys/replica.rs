//! What is answered from `DATABASE_REPLICA_URL`, and what is not. The replica of this journey follows nobody: it is the
//! database of another application, so that every answer tells where it was read.

use reqwest::StatusCode;
use serde_json::json;
use support::app::TestApp;

use crate::stage::{BATCHES, CENTERS, ITEMS, Stage, TRANSPORTS};

on_both_stacks![lists_are_answered_from_the_replica_and_nothing_else_is];

const USERS: &str = "/api/v1/user/users/";
const KEYS: &str = "/api/v1/auth/api-keys/";

async fn lists_are_answered_from_the_replica_and_nothing_else_is(elsewhere: TestApp) {
    let copy = Stage::set(&elsewhere).await;
    let copied = copy.a_departed_transport().await;
    let replica = elsewhere.variable("DATABASE_URL");
    let app = TestApp::start_with(elsewhere.stack, &[("DATABASE_REPLICA_URL", replica)]).await;
    let app = app.expect("the stack is there");
    let (stage, root) = (Stage::set(&app).await, app.superuser().await);
    let written = stage.a_departed_transport().await;
    let listed = async |path: &str, name: &str| -> Vec<String> {
        let page = root.get(path).await.expecting(StatusCode::OK);
        page["results"].as_array().expect("a list").iter().map(|it| crate::stage::text(&it[name])).collect()
    };

    for query in ["", "?cursor="] {
        assert_eq!(listed(&format!("{ITEMS}{query}"), "tracking_number").await, std::slice::from_ref(&copied.item));
        assert_eq!(listed(&format!("{BATCHES}{query}"), "alias").await, std::slice::from_ref(&copied.alias));
        assert_eq!(listed(&format!("{TRANSPORTS}{query}"), "uuid").await, std::slice::from_ref(&copied.transport));
        let users = listed(&format!("{USERS}{query}"), "uuid").await;
        assert!(users.contains(&copy.driver.user_id) && !users.contains(&stage.driver.user_id), "{users:?}");
    }
    // What the list is of is looked for where it was written, what is in it is not.
    let of_batch = format!("{BATCHES}{}/shippingitems/", written.alias);
    assert_eq!(listed(&of_batch, "tracking_number").await, [""; 0]);
    let of_transport = format!("{TRANSPORTS}{}/batches/", written.transport);
    assert_eq!(listed(&of_transport, "alias").await, [""; 0]);
    for unknown in
        [format!("{BATCHES}{}/shippingitems/", copied.alias), format!("{TRANSPORTS}{}/batches/", copied.transport)]
    {
        root.get(&unknown).await.refused(StatusCode::NOT_FOUND, "not_found");
    }

    // Centers are kept in memory for everybody, and one's own sessions and keys have to be all there at once.
    let only = json!({ "center_code": "ONLY", "name": "Here" });
    let only = root.post(CENTERS, only).await.expecting(StatusCode::CREATED);
    for query in ["", "?cursor=", "?center_code=ONLY", "?page=1&page_size=1"] {
        assert_eq!(listed(&format!("{CENTERS}{query}"), "center_code").await[0], "ONLY", "{query}");
    }
    assert_eq!(listed("/api/v1/auth/sessions/", "id").await.len(), 1);
    root.post(KEYS, json!({ "name": "here" })).await.expecting(StatusCode::CREATED);
    assert_eq!(listed(KEYS, "name").await, ["here"]);

    for (list, here, there) in [
        (ITEMS, &written.item, &copied.item),
        (BATCHES, &written.alias, &copied.alias),
        (TRANSPORTS, &written.transport, &copied.transport),
        (USERS, &stage.driver.user_id, &copy.driver.user_id),
    ] {
        root.get(&format!("{list}{here}/")).await.expecting(StatusCode::OK);
        root.get(&format!("{list}{there}/")).await.refused(StatusCode::NOT_FOUND, "not_found");
    }

    // Nothing is decided by what is read there, and nothing is written there.
    let plan = json!({ "distribution_center_code_source": "ABC001", "distribution_center_code_destination": "ONLY" });
    root.post(TRANSPORTS, plan).await.expecting(StatusCode::CREATED);
    let only = format!("{CENTERS}{}/", crate::stage::text(&only["uuid"]));
    root.get(&only).await.expecting(StatusCode::OK);
    root.delete(&only).await.refused(StatusCode::BAD_REQUEST, "DistributionCenterInUse");
    let changed = root.patch(&format!("{ITEMS}{}/", written.item), json!({ "sku": "HAT-7" })).await;
    let history = &changed.expecting(StatusCode::OK)["shipping_batches_history"];
    assert_eq!(history[0]["alias"], json!(written.alias));
    let add = format!("{BATCHES}{}/add/", stage.a_batch().await);
    let refused = root.post(&add, json!({ "tracking_number": copied.item })).await;
    refused.refused(StatusCode::BAD_REQUEST, "ShippingBatchItemNotExist");
    let start = format!("{TRANSPORTS}{}/complete/", copied.transport);
    root.post(&start, json!({})).await.refused(StatusCode::NOT_FOUND, "not_found");
    stage.complete(&written.transport).await;
    let unchanged = copy.staff.get(&format!("{TRANSPORTS}{}/", copied.transport)).await.expecting(StatusCode::OK);
    assert_eq!(unchanged["completed"], false);
}
