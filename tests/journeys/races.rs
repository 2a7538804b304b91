//! The same thing asked by many at once: one wins, and the others are told why.

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::{Answer, TestApp, Visitor};
use support::sql::Sql;
use tokio::task::JoinSet;

use crate::metrics::Scraped;
use crate::stage::{BATCHES, ITEMS, Stage, TRANSPORTS};

on_both_stacks![
    one_of_twenty_starts_wins,
    one_of_twenty_completions_wins,
    one_of_two_batches_gets_the_item,
    a_driver_leaves_with_one_of_two_transports,
    who_loses_a_race_for_a_row_is_tried_again_and_counted,
];

/// Sends all of them at once.
async fn all_at_once(visitor: &Visitor, requests: Vec<(String, Value)>) -> Vec<Answer> {
    let mut racers = JoinSet::new();
    for (path, body) in requests {
        let visitor = visitor.clone();
        racers.spawn(async move { visitor.post(&path, body).await });
    }
    racers.join_all().await
}

/// One has won; the others hear one of these codes with a 400, or lost a race with a 409.
fn one_has_won(answers: &[Answer], codes: &[&str]) {
    let won = answers.iter().filter(|it| it.status == StatusCode::OK).count();
    assert_eq!(won, 1, "{:#?}", answers.iter().map(|it| (it.status, &it.body["code"])).collect::<Vec<_>>());
    for lost in answers.iter().filter(|it| it.status != StatusCode::OK) {
        let code = lost.body["errors"][0]["code"].as_str().unwrap_or_default();
        let told =
            (lost.status == StatusCode::BAD_REQUEST && codes.contains(&code)) || lost.status == StatusCode::CONFLICT;
        assert!(told, "{} {:#}", lost.status, lost.body);
    }
}

async fn one_of_twenty_starts_wins(app: TestApp) {
    let stage = Stage::set(&app).await;
    let transport = stage.a_transport().await;
    stage.load(&transport, &stage.a_packed_batch().await.0).await;

    let start = (format!("{TRANSPORTS}{transport}/start/"), json!({ "driver_uuid": stage.driver.user_id }));
    let answers = all_at_once(&stage.staff, vec![start; 20]).await;

    one_has_won(&answers, &["ShippingTransportAlreadyDeparted", "ShippingTransportDriverBusy"]);
    let events = app.events.until(|it| it.name == "TransportStarted").await;
    assert_eq!(events.iter().filter(|it| it.name == "TransportStarted").count(), 1);
}

async fn one_of_twenty_completions_wins(app: TestApp) {
    let stage = Stage::set(&app).await;
    let transport = stage.a_departed_transport().await.transport;

    let complete = (format!("{TRANSPORTS}{transport}/complete/"), json!({}));
    let answers = all_at_once(&stage.staff, vec![complete; 20]).await;

    one_has_won(&answers, &["ShippingTransportAlreadyCompleted"]);
}

async fn one_of_two_batches_gets_the_item(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (item, one, other) = (stage.an_item().await, stage.a_batch().await, stage.a_batch().await);

    let add = |alias: &str| (format!("{BATCHES}{alias}/add/"), json!({ "tracking_number": item }));
    let answers = all_at_once(&stage.staff, vec![add(&one), add(&other)]).await;

    one_has_won(&answers, &["ShippingBatchItemNotAvailable"]);
    let found = stage.staff.get(&format!("{ITEMS}{item}/")).await.expecting(StatusCode::OK);
    assert_eq!(found["shipping_batches_history"].as_array().map(Vec::len), Some(1));
}

async fn a_driver_leaves_with_one_of_two_transports(app: TestApp) {
    let stage = Stage::set(&app).await;
    let mut starts = Vec::new();
    for _ in 0..2 {
        let transport = stage.a_transport().await;
        stage.load(&transport, &stage.a_batch().await).await;
        starts.push((format!("{TRANSPORTS}{transport}/start/"), json!({ "driver_uuid": stage.driver.user_id })));
    }

    let answers = all_at_once(&stage.staff, starts).await;

    one_has_won(&answers, &["ShippingTransportDriverBusy"]);
}

async fn who_loses_a_race_for_a_row_is_tried_again_and_counted(app: TestApp) {
    let scraped = Scraped::at_a_free_port().await;
    let app = app.beside_with(&[("METRICS_ADDR", &scraped.address)]).await;
    let stage = Stage::set(&app).await;
    let (alias, item) = (stage.a_batch().await, stage.an_item().await);
    let mut winner = Sql::open(app.variable("DATABASE_URL")).await;
    winner.run("BEGIN").await.expect("a transaction");
    let held = format!("UPDATE shipping_items SET sku = sku WHERE tracking_number = '{item}'");
    winner.run(&held).await.expect("the lock");

    let ended = async {
        scraped.until("majestic_retries_total", |it| it > 0.0).await;
        winner.run("ROLLBACK").await.expect("it ends");
    };
    tokio::join!(stage.pack(&alias, &item), ended);
}
