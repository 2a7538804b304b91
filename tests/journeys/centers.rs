//! Centers are opened, renamed, restaffed and closed; whoever shows them knows at once.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, Stack, TestApp, Visitor};
use tokio::time::{Duration, Instant};

use crate::stage::{BATCHES, CENTERS, Stage, TRANSPORTS, text};

on_both_stacks![
    a_center_is_replaced_and_changed_but_never_its_code,
    who_works_there_is_said_anew_and_unknown_people_are_left_out,
    a_center_where_nobody_works_is_shown_as_any_other,
    a_person_who_changes_is_shown_so_at_once_wherever_they_work,
    every_fault_is_told_and_nothing_changes,
    a_center_that_is_not_there_is_not_found,
    a_new_name_is_seen_at_once_here_and_within_a_second_elsewhere,
    a_code_that_was_nobodys_can_be_used_as_soon_as_there_is_a_center,
    a_center_is_closed_when_the_last_transport_has_arrived,
    a_center_that_is_opened_again_and_again_is_opened_once,
    of_many_who_change_a_center_at_once_nobody_breaks_it,
    who_plans_while_a_center_closes_is_refused_or_keeps_it_open,
    a_transport_whose_center_is_no_more_does_not_leave,
];

const NOWHERE: &str = "0190a3f0-7b1c-7d2e-8f00-000000000001";
/// How long another instance may not know of a change, and what a busy machine adds.
const PATIENCE: Duration = Duration::from_secs(3);

/// Opens a center, and gives where it is.
async fn a_center(manager: &Visitor, code: &str, staff: &[&str]) -> String {
    let center = json!({ "center_code": code, "name": "Seoul", "staff_members": { "uuid": staff } });
    let center = manager.post(CENTERS, center).await.expecting(StatusCode::CREATED);
    format!("{CENTERS}{}/", text(&center["uuid"]))
}

/// Where the center with this code is.
async fn center_coded(manager: &Visitor, code: &str) -> String {
    let found = manager.get(&format!("{CENTERS}?center_code={code}")).await.expecting(StatusCode::OK);
    format!("{CENTERS}{}/", text(&found["results"][0]["uuid"]))
}

fn staff_of(center: &Value) -> Vec<String> {
    center["staff_members"].as_array().expect("a list").iter().map(|it| text(&it["uuid"])).collect()
}

async fn a_center_is_replaced_and_changed_but_never_its_code(app: TestApp) {
    let (manager, clerk) = (app.manager().await, app.clerk().await);
    let path = a_center(&manager, "SEO", &[&clerk.user_id]).await;
    let before = manager.get(&path).await.expecting(StatusCode::OK);

    let body = json!({ "name": "Busan", "center_code": "BUS", "uuid": NOWHERE });
    let replaced = manager.put(&path, body).await.expecting(StatusCode::OK);

    assert_eq!((&replaced["name"], &replaced["center_code"]), (&json!("Busan"), &json!("SEO")));
    assert_eq!((&replaced["uuid"], staff_of(&replaced)), (&before["uuid"], vec![clerk.user_id.clone()]));
    assert_eq!(manager.get(&path).await.expecting(StatusCode::OK), replaced);

    let body = json!({ "staff_members": [], "center_code": null });
    let changed = manager.patch(&path, body).await.expecting(StatusCode::OK);
    assert_eq!((&changed["name"], staff_of(&changed).len()), (&json!("Busan"), 0));

    let form = manager.request(Method::PATCH, &path).form(&[("name", "서울"), ("staff_members", &clerk.user_id)]);
    let changed = Answer::to(form).await.expecting(StatusCode::OK);
    assert_eq!((&changed["name"], staff_of(&changed)), (&json!("서울"), vec![clerk.user_id.clone()]));
    assert_eq!(manager.patch(&path, json!({})).await.expecting(StatusCode::OK), changed);
    let listed = manager.get(&format!("{CENTERS}?center_code=SEO")).await.expecting(StatusCode::OK);
    assert_eq!(listed["results"], json!([changed]));
    assert_eq!(manager.get(&format!("{CENTERS}?center_code=BUS")).await.expecting(StatusCode::OK)["count"], 0);
}

async fn who_works_there_is_said_anew_and_unknown_people_are_left_out(app: TestApp) {
    let (manager, ann, bob) = (app.manager().await, app.clerk().await, app.driver().await);
    let path = a_center(&manager, "SEO", &[&ann.user_id]).await;

    for staff in [
        json!([bob.user_id, ann.user_id]),
        json!({ "uuid": [bob.user_id, NOWHERE, ann.user_id, bob.user_id, ann.user_id.replace('-', "")] }),
    ] {
        let changed = manager.patch(&path, json!({ "staff_members": staff })).await.expecting(StatusCode::OK);

        assert_eq!(staff_of(&changed), [bob.user_id.clone(), ann.user_id.clone()]);
        assert_eq!(changed["staff_members"][0]["type"], "DRIVER");
        assert_eq!(manager.get(&path).await.expecting(StatusCode::OK), changed);
        let listed = manager.get(CENTERS).await.expecting(StatusCode::OK);
        assert_eq!(listed["results"], json!([changed]));
    }
}

async fn a_center_where_nobody_works_is_shown_as_any_other(app: TestApp) {
    let manager = app.manager().await;
    let staffed = json!({ "center_code": "SEO", "name": "Seoul", "staff_members": [app.driver().await.user_id] });
    let without = json!({ "center_code": "BUS", "name": "Busan" });
    let (staffed, without) = (manager.post(CENTERS, staffed).await, manager.post(CENTERS, without).await);
    let (staffed, without) = (staffed.expecting(StatusCode::CREATED), without.expecting(StatusCode::CREATED));
    assert_eq!(without["staff_members"], json!([]));
    let path = format!("{CENTERS}{}/", text(&staffed["uuid"]));

    for nobody in [json!([]), json!([NOWHERE])] {
        let changed = manager.patch(&path, json!({ "staff_members": nobody })).await.expecting(StatusCode::OK);

        assert_eq!(changed["staff_members"], json!([]));
        let listed = manager.get(CENTERS).await.expecting(StatusCode::OK);
        assert_eq!(listed["results"], json!([without, changed]));
        let plan = json!({
            "distribution_center_code_source": "SEO",
            "distribution_center_code_destination": "BUS",
        });
        let planned = manager.post(TRANSPORTS, plan).await.expecting(StatusCode::CREATED);
        assert_eq!(planned["distribution_center_source"], changed);
        assert_eq!(planned["distribution_center_destination"], without);
    }
    manager.patch(&path, json!({ "staff_members": null })).await.refused(StatusCode::BAD_REQUEST, "null");
}

async fn a_person_who_changes_is_shown_so_at_once_wherever_they_work(app: TestApp) {
    let stage = Stage::set(&app).await;
    let ann = app.clerk().await;
    let path = center_coded(&stage.staff, "ABC001").await;
    stage.staff.patch(&path, json!({ "staff_members": [ann.user_id] })).await.expecting(StatusCode::OK);
    let transport = format!("{TRANSPORTS}{}/", stage.a_transport().await);
    let source =
        async || stage.staff.get(&transport).await.expecting(StatusCode::OK)["distribution_center_source"].clone();
    assert_eq!(source().await["staff_members"][0]["fullname"], Value::Null);

    ann.patch("/api/v1/user/users/self/profile/", json!({ "fullname": "Ann" })).await.expecting(StatusCode::OK);

    assert_eq!(source().await["staff_members"][0]["fullname"], "Ann");
    assert_eq!(stage.staff.get(&path).await.expecting(StatusCode::OK)["staff_members"][0]["fullname"], "Ann");

    let ban = format!("/api/v1/user/users/{}/ban/", ann.user_id);
    stage.staff.post(&ban, json!({})).await.expecting(StatusCode::NO_CONTENT);

    let banned = &source().await["staff_members"][0];
    assert_eq!((&banned["fullname"], &banned["phonenumber"]), (&Value::Null, &Value::Null));
}

async fn every_fault_is_told_and_nothing_changes(app: TestApp) {
    let manager = app.manager().await;
    let path = a_center(&manager, "SEO", &[]).await;
    let before = manager.get(&path).await.expecting(StatusCode::OK);

    for (method, body, faults) in [
        (Method::PUT, json!({}), vec![("name", "required")]),
        (Method::PUT, json!({ "staff_members": [] }), vec![("name", "required")]),
        (Method::PUT, json!({ "name": null }), vec![("name", "null")]),
        (Method::PATCH, json!({ "name": "" }), vec![("name", "blank")]),
        (Method::PATCH, json!({ "name": 7, "staff_members": "me" }), vec![("name", ""), ("staff_members", "")]),
        (Method::PATCH, json!({ "name": "x".repeat(65) }), vec![("name", "max_length")]),
        (Method::PATCH, json!({ "name": "a\u{7}b" }), vec![("name", "")]),
        (Method::PATCH, json!({ "staff_members": { "uuid": [1] } }), vec![("staff_members.uuid[0]", "invalid")]),
        (Method::PATCH, json!({ "staff_members": null }), vec![("staff_members", "null")]),
        (Method::PATCH, json!([]), vec![]),
        (Method::PUT, json!("Seoul"), vec![]),
    ] {
        let answer = Answer::to(manager.request(method.clone(), &path).json(&body)).await;

        let problem = answer.expecting(StatusCode::BAD_REQUEST);
        for (field, code) in faults {
            let told = |it: &Value| it["field"] == field && (code.is_empty() || it["code"] == code);
            let all = problem["errors"].as_array().expect("faults");
            assert!(all.iter().any(told), "{method} {body}: {problem:#}");
        }
    }
    assert_eq!(manager.get(&path).await.expecting(StatusCode::OK), before);
}

async fn a_center_that_is_not_there_is_not_found(app: TestApp) {
    let manager = app.manager().await;
    for id in [NOWHERE, "SEO", "1"] {
        let path = format!("{CENTERS}{id}/");
        manager.put(&path, json!({ "name": "Busan" })).await.refused(StatusCode::NOT_FOUND, "not_found");
        manager.patch(&path, json!({ "name": "Busan" })).await.refused(StatusCode::NOT_FOUND, "not_found");
        manager.delete(&path).await.refused(StatusCode::NOT_FOUND, "not_found");
    }
}

/// What a transport says of where it starts, to `visitor`.
async fn source_of(visitor: &Visitor, transport: &str) -> Value {
    let transport = visitor.get(&format!("{TRANSPORTS}{transport}/")).await.expecting(StatusCode::OK);
    transport["distribution_center_source"]["name"].clone()
}

async fn a_new_name_is_seen_at_once_here_and_within_a_second_elsewhere(app: TestApp) {
    let stage = Stage::set(&app).await;
    let path = center_coded(&stage.staff, "ABC001").await;
    let departed = stage.a_departed_transport().await;
    // In memory there is no elsewhere: that is for one instance alone.
    let other = if app.stack == Stack::Networked { Some(app.beside().await) } else { None };
    let there = stage.staff.at(other.as_ref().unwrap_or(&app));
    for name in ["One", "Two", "Three"] {
        source_of(&there, &departed.transport).await;
        there.get(&path).await.expecting(StatusCode::OK);

        stage.staff.patch(&path, json!({ "name": name })).await.expecting(StatusCode::OK);

        let deadline = Instant::now() + PATIENCE;
        assert_eq!(source_of(&stage.staff, &departed.transport).await, name);
        assert_eq!(stage.staff.get(&path).await.expecting(StatusCode::OK)["name"], name);
        let batch = stage.staff.get(&format!("{BATCHES}{}/", departed.alias)).await.expecting(StatusCode::OK);
        assert_eq!(batch["shipping_transport"]["distribution_center_source"]["name"], name);
        while source_of(&there, &departed.transport).await != name
            || there.get(&path).await.expecting(StatusCode::OK)["name"] != name
        {
            assert!(Instant::now() < deadline, "the other instance still shows the old name");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn a_code_that_was_nobodys_can_be_used_as_soon_as_there_is_a_center(app: TestApp) {
    let stage = Stage::set(&app).await;
    let plan = json!({
        "distribution_center_code_source": "ABC001",
        "distribution_center_code_destination": "NEW",
    });
    let refused = stage.staff.post(TRANSPORTS, plan.clone()).await;
    refused.refused(StatusCode::BAD_REQUEST, "DistributionCenterNotExist");

    a_center(&stage.staff, "NEW", &[]).await;

    stage.staff.post(TRANSPORTS, plan).await.expecting(StatusCode::CREATED);
}

async fn a_center_is_closed_when_the_last_transport_has_arrived(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (source, destination) =
        (center_coded(&stage.staff, "ABC001").await, center_coded(&stage.staff, "ABC002").await);
    let unused = a_center(&stage.staff, "UNUSED", &[&stage.driver.user_id]).await;
    let departed = stage.a_departed_transport().await;

    for path in [&source, &destination] {
        let refused = stage.staff.delete(path).await;
        refused.refused(StatusCode::BAD_REQUEST, "DistributionCenterInUse");
        stage.staff.get(path).await.expecting(StatusCode::OK);
    }
    stage.staff.delete(&unused).await.expecting(StatusCode::NO_CONTENT);
    stage.staff.get(&unused).await.refused(StatusCode::NOT_FOUND, "not_found");
    stage.staff.delete(&unused).await.refused(StatusCode::NOT_FOUND, "not_found");

    stage.complete(&departed.transport).await;
    stage.staff.delete(&source).await.expecting(StatusCode::NO_CONTENT);

    let path = format!("{TRANSPORTS}{}/", departed.transport);
    let transport = stage.staff.get(&path).await.expecting(StatusCode::OK);
    assert_eq!(transport["distribution_center_source"], Value::Null, "it is no more");
    assert_eq!(transport["distribution_center_destination"]["center_code"], "ABC002");
    let plan = json!({
        "distribution_center_code_source": "ABC001",
        "distribution_center_code_destination": "ABC002",
    });
    let refused = stage.staff.post(TRANSPORTS, plan.clone()).await;
    refused.refused(StatusCode::BAD_REQUEST, "DistributionCenterNotExist");

    a_center(&stage.staff, "ABC001", &[]).await;
    stage.staff.post(TRANSPORTS, plan).await.expecting(StatusCode::CREATED);
    let refused = stage.staff.delete(&destination).await;
    refused.refused(StatusCode::BAD_REQUEST, "DistributionCenterInUse");
}

async fn a_center_that_is_opened_again_and_again_is_opened_once(app: TestApp) {
    let manager = app.manager().await;
    let body = json!({ "center_code": "SEO", "name": "Seoul" });
    let open = async || {
        let request = manager.request(Method::POST, CENTERS).header("Idempotency-Key", "once").json(&body);
        Answer::to(request).await.expecting(StatusCode::CREATED)
    };
    let opened = open().await;
    let path = format!("{CENTERS}{}/", text(&opened["uuid"]));

    assert_eq!(manager.get(&path).await.expecting(StatusCode::OK), opened, "it is seen at once");
    assert_eq!(open().await, opened);
    assert_eq!(manager.get(CENTERS).await.expecting(StatusCode::OK)["count"], 1);
    manager.post(CENTERS, body.clone()).await.refused(StatusCode::BAD_REQUEST, "unique");
}

async fn of_many_who_change_a_center_at_once_nobody_breaks_it(app: TestApp) {
    let (manager, ann, bob) = (app.manager().await, app.clerk().await, app.clerk().await);
    let path = a_center(&manager, "SEO", &[]).await;
    let mut changes = tokio::task::JoinSet::new();
    for turn in 0..20 {
        let (manager, path) = (manager.clone(), path.clone());
        let staff = if turn % 2 == 0 { json!([ann.user_id, bob.user_id]) } else { json!([bob.user_id]) };
        let body = json!({ "name": format!("{}", turn % 2), "staff_members": staff });
        changes.spawn(async move { manager.put(&path, body).await });
    }

    for answer in changes.join_all().await {
        let status = answer.status.as_u16();
        assert!(matches!(status, 200 | 409 | 503), "{status}: {:#}", answer.body);
    }

    let left = manager.get(&path).await.expecting(StatusCode::OK);
    let staff = if left["name"] == "0" { vec![ann.user_id, bob.user_id.clone()] } else { vec![bob.user_id.clone()] };
    assert_eq!(staff_of(&left), staff, "name and people are of one change");
}

async fn who_plans_while_a_center_closes_is_refused_or_keeps_it_open(app: TestApp) {
    let stage = Stage::set(&app).await;
    let moved = stage.a_transport().await;
    for round in 0..12 {
        let code = format!("R{round}");
        let path = a_center(&stage.staff, &code, &[]).await;
        let mut racers = tokio::task::JoinSet::new();
        for turn in 0..6 {
            let (staff, path, code, moved) = (stage.staff.clone(), path.clone(), code.clone(), moved.clone());
            racers.spawn(async move {
                let plan = json!({
                    "distribution_center_code_source": "ABC001",
                    "distribution_center_code_destination": code,
                });
                match turn {
                    0 | 1 => (turn, staff.delete(&path).await),
                    2 => {
                        let plan = json!({ "distribution_center_code_destination": code });
                        (turn, staff.patch(&format!("{TRANSPORTS}{moved}/"), plan).await)
                    }
                    // With a key, the plan is kept later than its unit of work ends.
                    3 => {
                        let request = staff.request(Method::POST, TRANSPORTS).header("Idempotency-Key", &code);
                        (turn, Answer::to(request.json(&plan)).await)
                    }
                    _ => (turn, staff.post(TRANSPORTS, plan).await),
                }
            });
        }

        let answers = racers.join_all().await;

        for (turn, answer) in &answers {
            let status = answer.status.as_u16();
            assert!(matches!(status, 200 | 201 | 204 | 400 | 404 | 409 | 503), "{turn}: {status} {:#}", answer.body);
        }
        let is_closed = stage.staff.get(&path).await.status == StatusCode::NOT_FOUND;
        let leading_there = format!("{TRANSPORTS}?distribution_center_code_destination={code}");
        let leading_there = stage.staff.get(&leading_there).await.expecting(StatusCode::OK)["count"].clone();
        assert!(!is_closed || leading_there == 0, "{leading_there} transports lead nowhere: {answers:#?}");
        let planned = answers.iter().any(|(turn, it)| *turn > 1 && it.status.is_success());
        assert!(!is_closed || !planned, "a plan was acknowledged: {answers:#?}");
    }
}

/// Nobody can close the centers of a transport that has not arrived: such a transport can only have been brought along.
async fn a_transport_whose_center_is_no_more_does_not_leave(app: TestApp) {
    let stage = Stage::set(&app).await;
    let code = |it: &str| shipping_domain::CenterCode::parse(it).expect("a code");
    let route = shipping_domain::Route::between(code("ABC001"), code("GONE")).expect("it leads somewhere");
    let id = shipping_domain::TransportId::new(uuid::Uuid::parse_str(NOWHERE).expect("an id"));
    let mut work = app.database.shipping_store().begin().await.expect("it begins");
    let transport = shipping_domain::Transport::plan(id, route, None, chrono::DateTime::UNIX_EPOCH);
    work.transports().add(&transport).await.expect("it is kept");
    work.commit().await.expect("it is kept");
    stage.load(NOWHERE, &stage.a_batch().await).await;

    let driver = json!({ "driver_uuid": stage.driver.user_id });
    let refused = stage.staff.post(&format!("{TRANSPORTS}{NOWHERE}/start/"), driver).await;

    refused.refused(StatusCode::BAD_REQUEST, "ShippingTransportDistributionNotConfigured");
}
