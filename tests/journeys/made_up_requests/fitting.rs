//! Requests whose values fit together: nobody makes those up. Each operation that needs some gets a few, with things of
//! their own that no made-up request knows of.

use reqwest::StatusCode;
use serde_json::{Map, Value, json};
use support::app::{PASSWORD, TestApp, Visitor};
use user_domain::{Privileges, Role};

use super::TOKEN;
use crate::stage::{CENTERS, Stage, TRANSPORTS, text};

/// Requests for each operation: one that is made to fail on purpose may take another's place.
const EACH: usize = 3;

const SOURCE: &str = "distribution_center_code_source";
const DESTINATION: &str = "distribution_center_code_destination";

/// By the ids of the operations: their paths' parameters, bodies and credentials.
pub(super) async fn requests(app: &TestApp, stage: &Stage, superuser: &Visitor) -> Value {
    let mut requests = Map::new();
    for turn in 0..EACH {
        let of_shipping = [items(stage).await, batches(stage).await, transports(app, stage).await].concat();
        let of_people = [accounts(app, turn).await, sessions(app).await, users(app, superuser).await].concat();
        for (operation, request) in [of_shipping, of_people, centers(stage, turn).await].concat() {
            let many = requests.entry(operation).or_insert_with(|| json!([]));
            many.as_array_mut().expect("a list").push(request);
        }
    }
    Value::Object(requests)
}

type Fitting = Vec<(&'static str, Value)>;

async fn items(stage: &Stage) -> Fitting {
    let path = json!({ "tracking_number": stage.an_item().await });
    let gone = json!({ "tracking_number": stage.an_item().await });
    vec![
        ("find_item", json!({ "path": path })),
        ("change_item", json!({ "path": path, "body": { "status": "LOST" } })),
        ("replace_item", json!({ "path": path, "body": { "sku": "HAT-7" } })),
        ("delete_item", json!({ "path": gone })),
    ]
}

async fn batches(stage: &Stage) -> Fitting {
    let (alias, packed) = stage.a_packed_batch().await;
    let path = json!({ "alias": alias });
    let open = async || json!({ "alias": stage.a_batch().await });
    vec![
        ("find_batch", json!({ "path": path })),
        ("list_items_of_batch", json!({ "path": path })),
        ("change_batch", json!({ "path": open().await, "body": { "alias": "" } })),
        ("replace_batch", json!({ "path": open().await, "body": { "alias": "" } })),
        ("delete_batch", json!({ "path": open().await })),
        ("pack_items", json!({ "path": path, "body": { "tracking_number": stage.an_item().await } })),
        ("unpack_items", json!({ "path": path, "body": { "tracking_number": packed } })),
    ]
}

async fn transports(app: &TestApp, stage: &Stage) -> Fitting {
    let planned = async || json!({ "uuid": stage.a_transport().await });
    let path = planned().await;
    let plan = json!({ SOURCE: "ABC001", DESTINATION: "ABC002" });
    let [(starting, starting_driver), (completing, driver)] = [loaded(app, stage).await, loaded(app, stage).await];
    let start = format!("{TRANSPORTS}{}/start/", text(&completing["uuid"]));
    stage.staff.post(&start, driver).await.expecting(StatusCode::OK);
    vec![
        ("find_transport", json!({ "path": path })),
        ("list_batches_of_transport", json!({ "path": path })),
        ("plan_transport", json!({ "body": plan })),
        ("change_transport", json!({ "path": path, "body": { DESTINATION: "ABC003" } })),
        ("replace_transport", json!({ "path": path, "body": plan })),
        ("delete_transport", json!({ "path": planned().await })),
        ("load_batches", json!({ "path": planned().await, "body": { "alias": stage.a_batch().await } })),
        ("start_transport", json!({ "path": starting, "body": starting_driver })),
        ("complete_transport", json!({ "path": completing })),
    ]
}

/// A transport with something on it, and a driver for it.
async fn loaded(app: &TestApp, stage: &Stage) -> (Value, Value) {
    let (transport, (alias, _)) = (stage.a_transport().await, stage.a_packed_batch().await);
    stage.load(&transport, &alias).await;
    let (driver, _) = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await;
    (json!({ "uuid": transport }), json!({ "driver_uuid": driver.to_string() }))
}

async fn centers(stage: &Stage, turn: usize) -> Fitting {
    let center = json!({ "center_code": format!("FIT{turn}"), "name": "Fitting" });
    let center = stage.staff.post(CENTERS, center).await.expecting(StatusCode::CREATED);
    let gone = json!({ "center_code": format!("GONE{turn}"), "name": "Gone" });
    let gone = stage.staff.post(CENTERS, gone).await.expecting(StatusCode::CREATED);
    let path = json!({ "uuid": center["uuid"] });
    vec![
        ("open_center", json!({ "body": { "center_code": format!("NEW{turn}"), "name": "New" } })),
        ("find_center", json!({ "path": path })),
        ("change_center", json!({ "path": path, "body": { "name": "Changed" } })),
        ("replace_center", json!({ "path": path, "body": { "name": "Replaced" } })),
        ("close_center", json!({ "path": { "uuid": gone["uuid"] } })),
    ]
}

async fn accounts(app: &TestApp, turn: usize) -> Fitting {
    let somebody = async || app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await.1;
    let (known, newcomer) = (somebody().await, app.a_phone_number());
    let asking = somebody().await;
    let ask = async |number: &str, why: &str| {
        let path = format!("/api/v1/auth/{why}/token_request/");
        app.anybody().post(&path, json!({ "phonenumber": number })).await.expecting(StatusCode::OK);
    };
    ask(asking.as_str(), "signin").await;
    ask(newcomer.as_str(), "signup").await;
    let number = |it: &str| json!({ "body": { "phonenumber": it } });
    let with_token = |it: &str| json!({ "body": { "phonenumber": it, "token": TOKEN } });
    // Its number needs no token.
    let newest = json!({ "phonenumber": format!("+82102999{:04}", 100 + turn), "user_type": "DRIVER" });
    vec![
        ("check_phone_number", number(known.as_str())),
        ("sign_in", json!({ "body": { "phonenumber": known.as_str(), "password": PASSWORD } })),
        ("request_sign_in_token", number(known.as_str())),
        ("confirm_sign_in", with_token(asking.as_str())),
        ("request_sign_up_token", number(app.a_phone_number().as_str())),
        ("confirm_sign_up", with_token(newcomer.as_str())),
        ("sign_up", json!({ "body": newest })),
    ]
}

async fn sessions(app: &TestApp) -> Fitting {
    let mut owner = app.driver().await;
    owner.sign_in().await;
    let sessions = owner.get("/api/v1/auth/sessions/").await.expecting(StatusCode::OK);
    let other = sessions["results"].as_array().and_then(|all| all.iter().find(|it| it["current"] == false));
    let other = json!({ "id": other.expect("another session")["id"] });
    let own = |body: Value, who: &Visitor| json!({ "body": body, "token": who.token });
    let refresh = |who: &Visitor| json!({ "refresh": who.refresh });
    let (leaving, staying, out, renewing) =
        (app.driver().await, app.driver().await, app.driver().await, app.driver().await);
    let password = json!({ "password": PASSWORD, "new_password": "a longer word than before" });
    vec![
        ("end_session", json!({ "path": other, "token": owner.token })),
        ("end_other_sessions", json!({ "token": staying.token })),
        ("change_password", own(password, &staying)),
        ("renew_session", json!({ "body": refresh(&renewing) })),
        ("verify_token", json!({ "body": { "token": staying.token } })),
        ("sign_out", own(refresh(&out), &out)),
        ("unregister", own(refresh(&leaving), &leaving)),
    ]
}

async fn users(app: &TestApp, superuser: &Visitor) -> Fitting {
    let somebody = async || {
        let (id, _) = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await;
        json!({ "uuid": id.to_string() })
    };
    let path = somebody().await;
    let key = superuser.post("/api/v1/auth/api-keys/", json!({ "name": "fitting" })).await;
    let key = key.expecting(StatusCode::CREATED);
    vec![
        ("find_user", json!({ "path": path })),
        ("change_user", json!({ "path": path, "body": { "is_active": true } })),
        ("ban_user", json!({ "path": somebody().await })),
        ("unregister_user", json!({ "path": somebody().await })),
        ("create_api_key", json!({ "body": { "name": "another" } })),
        ("revoke_api_key", json!({ "path": { "id": key["id"] } })),
    ]
}
