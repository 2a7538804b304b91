//! How many statements a request costs: a number that does not grow with the page.

use std::collections::BTreeSet;

use auth_domain::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, TestApp};
use user_domain::{Privileges, Role};

use crate::stage::{BATCHES, CENTERS, ITEMS, Stage, TRANSPORTS, text};

on_both_stacks![
    a_list_costs_as_much_for_a_hundred_entries_as_for_one,
    a_key_costs_one_statement_where_it_is_not_known,
    a_key_to_act_once_costs_four_statements_and_a_repetition_one,
    bulk_commands_cost_the_same_for_two_items_and_for_fifty,
    a_trip_costs_the_same_with_one_batch_and_with_ten,
    what_other_contexts_add_costs_the_same_for_one_entry_and_for_twenty_where_nothing_is_known,
];

/// How often something is asked for at most: centers and people that are known cost nothing, and now and then one of the
/// requests is the one that has to get to know them again, most often on a busy machine.
const ASKED: usize = 6;

/// Every list of the document, and what a page of it costs: by page number, where the same statement counts the list,
/// and by cursor. Of the centers the first page is kept.
const LISTS: &[(&str, u64, u64)] = &[
    ("/api/v1/auth/api-keys/", 1, 1),
    ("/api/v1/auth/sessions/", 1, 1),
    ("/api/v1/distribution/centers/", 0, 2),
    ("/api/v1/shipping/batches/", 2, 2),
    ("/api/v1/shipping/batches/{alias}/shippingitems/", 4, 4),
    ("/api/v1/shipping/shippingitems/", 2, 2),
    ("/api/v1/shipping/transports/", 1, 1),
    ("/api/v1/shipping/transports/{uuid}/batches/", 3, 3),
    ("/api/v1/user/users/", 2, 2),
];
/// How many entries a page shows at most.
const LARGEST_PAGE: usize = 100;
/// What the paths of all shipping begin with.
const SHIPPING: &str = "/api/v1/shipping/";
/// Entries of a page that shows each center and each person once.
const SHOWN: usize = 20;
const KEYS: &str = "/api/v1/auth/api-keys/";

/// `BEGIN` and `COMMIT`, which go to the database like everything else.
const TRANSACTION: u64 = 2;

/// The statements that one request needs; the relay is told to wait long enough not to be counted.
async fn statements_of(app: &TestApp, ask: impl Future<Output = ()>) -> u64 {
    let before = app.database.statements();
    ask.await;
    app.database.statements() - before
}

async fn a_list_costs_as_much_for_a_hundred_entries_as_for_one(app: TestApp) {
    let _quiet = app.quiet().await;
    let stage = Stage::set(&app).await;
    let (alias, transport) = (stage.a_batch().await, stage.a_transport().await);
    // As many of everything in shipping as a page may have.
    let (mut items, mut batches) = (Vec::new(), vec![json!({ "alias": alias })]);
    for _ in 0..LARGEST_PAGE {
        items.push(json!({ "tracking_number": stage.an_item().await }));
        batches.push(json!({ "alias": stage.a_batch().await }));
        stage.a_transport().await;
    }
    for (path, entries) in
        [(format!("{BATCHES}{alias}/add/"), items), (format!("{TRANSPORTS}{transport}/add/"), batches)]
    {
        stage.staff.post(&path, json!(entries)).await.expecting(StatusCode::OK);
    }
    let root = app.superuser().await;
    for _ in 0..3 {
        root.clone().sign_in().await;
        root.post(KEYS, json!({ "name": "tests" })).await.expecting(StatusCode::CREATED);
    }

    let east = json!({ "center_code": "ABC003", "name": "East", "staff_members": [root.user_id] });
    root.post(CENTERS, east).await.expecting(StatusCode::CREATED);

    for (path, by_page, by_cursor) in LISTS {
        let path = path.replace("{alias}", &alias).replace("{uuid}", &transport);
        for (query, expected) in [("", by_page), ("cursor=&", by_cursor)] {
            for page_size in [1, 2, LARGEST_PAGE] {
                let path = format!("{path}?{query}page_size={page_size}");
                let mut needed = u64::MAX;
                for _ in 0..ASKED {
                    let asked = async {
                        let page = root.get(&path).await.expecting(StatusCode::OK);
                        let shown = page["results"].as_array().expect("a list").len();
                        let is_full = shown == page_size;
                        // Of keys, sessions, centers and users there are fewer, but some.
                        let is_whole = !path.starts_with(SHIPPING) && page_size == LARGEST_PAGE && shown > 2;
                        assert!(is_full || is_whole, "{path}: {shown}");
                    };
                    needed = needed.min(statements_of(&app, asked).await);
                    if needed <= *expected {
                        break;
                    }
                }
                assert_eq!(needed, *expected, "{path}");
            }
        }
    }

    let document = root.get("/api/docs/openapi.json").await.expecting(StatusCode::OK);
    let paths = document["paths"].as_object().expect("paths").iter();
    let is_list =
        |get: &Value| get["parameters"].as_array().is_some_and(|it| it.iter().any(|it| it["name"] == "cursor"));
    let documented: BTreeSet<_> = paths.filter(|(_, it)| is_list(&it["get"])).map(|(path, _)| path.as_str()).collect();
    assert_eq!(documented, LISTS.iter().map(|(path, ..)| *path).collect(), "every list is asked for");
}

/// A key that was seen in the last seconds costs nothing; one that was not is looked up.
async fn a_key_costs_one_statement_where_it_is_not_known(app: TestApp) {
    let _quiet = app.quiet().await;
    let stage = Stage::set(&app).await;
    let path = format!("{ITEMS}{}/", stage.an_item().await);

    let mut needed = [u64::MAX; 2];
    for _ in 0..ASKED {
        let machine = app.machine(&[Scope::ReadShipping]).await;
        for needed in &mut needed {
            let asked = async {
                machine.get(&path).await.expecting(StatusCode::OK);
            };
            *needed = (*needed).min(statements_of(&app, asked).await);
        }
    }
    assert_eq!(needed, [3, 2], "for a new key, and for one that is known");
}

/// The request is looked for, and again with a lock; it is claimed, and its answer is kept. The unit of work itself becomes
/// a part of that transaction.
async fn a_key_to_act_once_costs_four_statements_and_a_repetition_one(app: TestApp) {
    let _quiet = app.quiet().await;
    let clerk = app.clerk().await;

    let mut needed = [u64::MAX; 2];
    for turn in 0..ASKED {
        for needed in &mut needed {
            let asked = async {
                let request = clerk.request(Method::POST, ITEMS).header("Idempotency-Key", turn.to_string());
                Answer::to(request.json(&json!({ "sku": "SHOE-42" }))).await.expecting(StatusCode::CREATED);
            };
            *needed = (*needed).min(statements_of(&app, asked).await);
        }
    }
    assert_eq!(needed, [1 + TRANSACTION + 4 + TRANSACTION, 1], "for a new key, and for its repetition");
}

/// One item is locked where it is found; several are found first, and locked in the order of their ids.
async fn bulk_commands_cost_the_same_for_two_items_and_for_fifty(app: TestApp) {
    let _quiet = app.quiet().await;
    let stage = Stage::set(&app).await;
    for (count, expected) in [(1, 6), (2, 7), (10, 7), (50, 7)] {
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
            assert_eq!(needed, expected + TRANSACTION, "to {command} {count}");
        }
    }
}

/// From the plan to the arrival, whatever is on board: one item, or a hundred.
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
        // Several batches are found before they are locked.
        let load = if count == 1 { 6 } else { 7 };
        let most = [2, load, 6, 7].map(|it| it + TRANSACTION);
        let mut needed = [u64::MAX; 4];
        for _ in 0..ASKED {
            let mut batches = Vec::new();
            for _ in 0..count {
                let alias = stage.a_batch().await;
                let mut items = Vec::new();
                // As many in each batch as there are batches.
                for _ in 0..count {
                    items.push(json!({ "tracking_number": stage.an_item().await }));
                }
                let path = format!("{BATCHES}{alias}/add/");
                stage.staff.post(&path, json!(items)).await.expecting(StatusCode::OK);
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
            if needed.iter().zip(&most).all(|(needed, most)| needed <= most) {
                break;
            }
        }
        assert_eq!(needed, most, "to plan, load, start and complete with {count} batches of as many items");
    }
}

/// Each center, everybody who works there and each driver is shown by another entry, and all of them are looked up.
async fn what_other_contexts_add_costs_the_same_for_one_entry_and_for_twenty_where_nothing_is_known(app: TestApp) {
    let stage = Stage::set(&app).await;
    let plan = async |source: &str, destination: &str| {
        let (driver, _) = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await;
        let plan = json!({
            "distribution_center_code_source": source,
            "distribution_center_code_destination": destination,
            "driver_uuid": driver.to_string(),
        });
        text(&stage.staff.post(TRANSPORTS, plan).await.expecting(StatusCode::CREATED)["uuid"])
    };
    let mut codes = Vec::new();
    for nth in 0..=SHOWN {
        let (worker, _) = app.somebody(Role::Staff { groups: Vec::new() }, Privileges::None).await;
        let code = format!("FAR{nth:03}");
        let center = json!({ "center_code": code, "name": "Far", "staff_members": [worker.to_string()] });
        stage.staff.post(CENTERS, center).await.expecting(StatusCode::CREATED);
        codes.push(code);
    }
    // The one that carries many comes first: the newest batches are then each on a transport of its own.
    let laden = plan(&codes[0], &codes[1]).await;
    for _ in 0..SHOWN {
        stage.load(&laden, &stage.a_batch().await).await;
    }
    for ends in codes.windows(2) {
        let transport = plan(&ends[0], &ends[1]).await;
        stage.load(&transport, &stage.a_batch().await).await;
    }

    // By cursor, since of centers the first page by number is read in full, however much of it is shown. Centers, who
    // works there, and who drives take two statements each, beside what the page takes itself.
    let batches_of_one = format!("{TRANSPORTS}{laden}/batches/");
    for (path, expected) in [(TRANSPORTS, 1 + 6), (BATCHES, 2 + 6), (&batches_of_one, 3 + 6), (CENTERS, 2 + 2)] {
        let mut needed = [u64::MAX; 2];
        for (page_size, needed) in [1, SHOWN].into_iter().zip(&mut needed) {
            let cache_prefix = format!("{}:{path}:{page_size}", app.variable("CACHE_PREFIX"));
            let fresh = app.beside_with(&[("CACHE_PREFIX", &cache_prefix)]).await;
            let _quiet = fresh.quiet().await;
            let staff = stage.staff.at(&fresh);
            // Before an instance answers anybody it looks for sessions that have ended. Of items it shows nobody.
            staff.get(ITEMS).await.expecting(StatusCode::OK);
            let asked = async {
                let page = staff.get(&format!("{path}?cursor=&page_size={page_size}")).await.expecting(StatusCode::OK);
                assert_eq!(page["results"].as_array().map(Vec::len), Some(page_size), "{path}");
            };
            *needed = statements_of(&fresh, asked).await;
        }
        assert_eq!(needed, [expected; 2], "{path}: for one entry, and for {SHOWN}");
    }
}
