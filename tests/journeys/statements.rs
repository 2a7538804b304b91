//! How many statements a request costs: a number that does not grow with the page.

use reqwest::StatusCode;
use serde_json::json;
use support::app::TestApp;

use crate::stage::{BATCHES, CENTERS, ITEMS, Stage, TRANSPORTS, text};

on_both_stacks![
    reads_cost_a_fixed_number_of_statements,
    bulk_commands_cost_the_same_for_two_items_and_for_fifty,
    a_change_costs_few_statements,
    a_trip_costs_the_same_with_one_batch_and_with_ten,
    the_end_of_a_center_costs_few_statements,
    who_is_known_costs_few_statements,
    who_is_new_costs_few_statements,
];

/// How often a read is asked for: centers and people that are known cost nothing, and now and then one of the requests
/// is the one that has to get to know them again.
const ASKED: usize = 3;

/// `BEGIN` and `COMMIT`, which go to the database like everything else.
const TRANSACTION: u64 = 2;

/// The statements that one request needs; the relay is told to wait long enough not to be counted.
async fn statements_of(app: &TestApp, ask: impl Future<Output = ()>) -> u64 {
    let before = app.database.statements();
    ask.await;
    app.database.statements() - before
}

async fn reads_cost_a_fixed_number_of_statements(app: TestApp) {
    let _quiet = app.quiet().await;
    let stage = Stage::set(&app).await;
    let departed = stage.a_departed_transport().await;
    for _ in 0..12 {
        stage.a_packed_batch().await;
        stage.a_transport().await;
    }
    let (transport, alias, item) = (&departed.transport, &departed.alias, &departed.item);

    for (path, most) in [
        (format!("{ITEMS}{item}/"), 2),
        (format!("{ITEMS}?page_size=1"), 3),
        (format!("{ITEMS}?page_size=100"), 3),
        (format!("{BATCHES}{alias}/"), 2),
        (format!("{BATCHES}?page_size=100"), 3),
        (format!("{BATCHES}{alias}/shippingitems/?page_size=100"), 5),
        (format!("{TRANSPORTS}{transport}/"), 1),
        (format!("{TRANSPORTS}?page_size=1"), 2),
        (format!("{TRANSPORTS}?page_size=100"), 2),
        (format!("{CENTERS}?page_size=100"), 0),
        (format!("{CENTERS}?page_size=1"), 0),
        (format!("{CENTERS}?page_size=1&page=2"), 3),
        ("/api/v1/user/users/?page_size=100".to_owned(), 3),
        ("/api/v1/auth/sessions/".to_owned(), 2),
    ] {
        let mut needed = u64::MAX;
        for _ in 0..ASKED {
            let asked = async {
                stage.staff.get(&path).await.expecting(StatusCode::OK);
            };
            needed = needed.min(statements_of(&app, asked).await);
        }
        assert!(needed <= most, "{path} needs {needed} statements, {most} are enough");
    }
}

/// One item is locked where it is found; several are found first, and locked in the order of their ids.
async fn bulk_commands_cost_the_same_for_two_items_and_for_fifty(app: TestApp) {
    let _quiet = app.quiet().await;
    let stage = Stage::set(&app).await;
    for (count, most) in [(1, 6 + TRANSACTION), (2, 7 + TRANSACTION), (50, 7 + TRANSACTION)] {
        let alias = stage.a_batch().await;
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(json!({ "tracking_number": stage.an_item().await }));
        }
        for command in ["add", "remove"] {
            let asked = async {
                let path = format!("{BATCHES}{alias}/{command}/");
                stage.staff.post(&path, json!(items)).await.expecting(StatusCode::OK);
            };
            let needed = statements_of(&app, asked).await;
            assert!(needed <= most, "to {command} {count} needs {needed} statements, {most} are enough");
        }
    }
}

async fn a_change_costs_few_statements(app: TestApp) {
    let _quiet = app.quiet().await;
    let stage = Stage::set(&app).await;
    let (item, alias, transport) = (stage.an_item().await, stage.a_batch().await, stage.a_transport().await);
    let (item, batch) = (format!("{ITEMS}{item}/"), format!("{BATCHES}{alias}/"));
    let (renamed, transport) = (format!("{BATCHES}friday/"), format!("{TRANSPORTS}{transport}/"));

    for (path, body, most) in [
        (&item, Some(json!({ "sku": "HAT-7" })), 3 + TRANSACTION),
        (&batch, Some(json!({ "alias": "friday" })), 3 + TRANSACTION),
        (&transport, Some(json!({ "driver_uuid": stage.driver.user_id })), 8 + TRANSACTION),
        (&item, None, 3 + TRANSACTION),
        (&renamed, None, 3 + TRANSACTION),
        (&transport, None, 3 + TRANSACTION),
    ] {
        let asked = async {
            match body {
                Some(body) => stage.staff.patch(path, body).await.expecting(StatusCode::OK),
                None => stage.staff.delete(path).await.expecting(StatusCode::NO_CONTENT),
            };
        };
        let needed = statements_of(&app, asked).await;
        assert!(needed <= most, "{path} needs {needed} statements, {most} are enough");
    }
}

/// From the plan to the arrival, whatever is on board.
async fn a_trip_costs_the_same_with_one_batch_and_with_ten(app: TestApp) {
    let _quiet = app.quiet().await;
    let stage = Stage::set(&app).await;
    let plan = json!({
        "distribution_center_code_source": "ABC001",
        "distribution_center_code_destination": "ABC002",
    });
    let driver = json!({ "driver_uuid": stage.driver.user_id });
    // Whoever drives is known from then on.
    let departed = stage.a_departed_transport().await;
    stage.complete(&departed.transport).await;
    for count in [1, 10] {
        let mut needed = [u64::MAX; 4];
        for _ in 0..ASKED {
            let mut batches = Vec::new();
            for _ in 0..count {
                let (alias, _) = stage.a_packed_batch().await;
                batches.push(json!({ "alias": alias }));
            }
            let mut transport = String::new();
            let planned = async {
                let planned = stage.staff.post(TRANSPORTS, plan.clone()).await.expecting(StatusCode::CREATED);
                transport = format!("{TRANSPORTS}{}/", text(&planned["uuid"]));
            };
            needed[0] = needed[0].min(statements_of(&app, planned).await);
            let commands = [("add", json!(batches)), ("start", driver.clone()), ("complete", json!({}))];
            for ((command, body), needed) in commands.into_iter().zip(&mut needed[1..]) {
                let asked = async {
                    let path = format!("{transport}{command}/");
                    stage.staff.post(&path, body).await.expecting(StatusCode::OK);
                };
                *needed = (*needed).min(statements_of(&app, asked).await);
            }
        }
        // Several batches are found before they are locked.
        let load = if count == 1 { 6 } else { 7 };
        let most = [2, load, 6, 7].map(|it| it + TRANSACTION);
        assert_eq!(needed, most, "to plan, load, start and complete with {count} batches");
    }
}

/// It takes two transactions: nobody plans to go there in between.
async fn the_end_of_a_center_costs_few_statements(app: TestApp) {
    let _quiet = app.quiet().await;
    let stage = Stage::set(&app).await;
    let center = json!({ "center_code": "ABC003", "name": "East" });
    let center = stage.staff.post(CENTERS, center).await.expecting(StatusCode::CREATED);
    let path = format!("{CENTERS}{}/", text(&center["uuid"]));

    let asked = async {
        stage.staff.delete(&path).await.expecting(StatusCode::NO_CONTENT);
    };
    let needed = statements_of(&app, asked).await;

    let most = 9 + 2 * TRANSACTION;
    assert!(needed <= most, "{needed} statements, {most} are enough");
}

async fn who_is_known_costs_few_statements(app: TestApp) {
    let driver = app.driver().await;
    let number = json!({ "phonenumber": driver.phone_number });
    let profile = "/api/v1/user/users/self/profile/";
    driver.get(profile).await.expecting(StatusCode::OK);
    // The token has to be sent before everything is quiet.
    app.anybody().post("/api/v1/auth/signin/token_request/", number.clone()).await.expecting(StatusCode::OK);
    let token = app.token_sent_to(&driver.phone_number).await;
    let _quiet = app.quiet().await;
    let password = json!({ "phonenumber": driver.phone_number, "password": support::app::PASSWORD });
    let confirmed = json!({ "phonenumber": driver.phone_number, "token": token });

    for (path, body, most) in [
        (profile, None, 0),
        ("/api/v1/auth/signin/", Some(password), 3),
        ("/api/v1/auth/signin/token_confirm/", Some(confirmed), 4 + TRANSACTION),
        ("/api/v1/auth/signin/token_request/", Some(number), 3 + TRANSACTION),
    ] {
        let visitor = driver.clone();
        let asked = async {
            let answer = match body {
                Some(body) => visitor.post(path, body).await,
                None => visitor.get(path).await,
            };
            answer.expecting(StatusCode::OK);
        };
        let needed = statements_of(&app, asked).await;
        assert!(needed <= most, "{path} needs {needed} statements, {most} are enough");
    }
}

/// The account, its password, its session and what announces it are one transaction of two units of work.
async fn who_is_new_costs_few_statements(app: TestApp) {
    let number = app.a_phone_number().as_str().to_owned();
    let anybody = app.anybody();
    let body = json!({ "phonenumber": number });
    anybody.post("/api/v1/auth/signup/token_request/", body).await.expecting(StatusCode::OK);
    let token = app.token_sent_to(&number).await;
    let shown = json!({ "phonenumber": number, "token": token });
    anybody.post("/api/v1/auth/signup/token_confirm/", shown).await.expecting(StatusCode::OK);
    let _quiet = app.quiet().await;
    let driver = json!({ "phonenumber": number, "user_type": "DRIVER", "password": support::app::PASSWORD });

    let asked = async {
        anybody.post("/api/v1/auth/signup/", driver).await.expecting(StatusCode::CREATED);
    };
    let needed = statements_of(&app, asked).await;

    let (number_is_proved, units) = (1 + TRANSACTION, 2 * TRANSACTION + TRANSACTION);
    let most = number_is_proved + units + 9;
    assert!(needed <= most, "{needed} statements, {most} are enough");
}
