//! A request that is made again acts once, and gets the same answer.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, TestApp, Visitor};
use tokio::task::JoinSet;

use crate::bad_input::{kept, operations};
use crate::proper_requests::Proper;
use crate::stage::{BATCHES, ITEMS, Stage, TRANSPORTS};

on_both_stacks![
    a_request_that_is_repeated_acts_once_on_any_instance,
    of_a_hundred_at_once_one_acts,
    a_key_that_is_used_for_something_else_is_refused,
    everybody_has_keys_of_their_own,
    who_shows_no_credential_shares_keys_with_their_address,
    who_has_lost_a_right_hears_no_answer_again,
    a_refusal_is_kept_too,
    every_step_of_a_trip_can_be_repeated,
    every_post_acts_once_however_often_it_is_sent_with_its_key,
    a_key_that_is_none_is_refused,
    answers_are_kept_where_nobody_reads_them,
];

const CENTERS: &str = crate::stage::CENTERS;

async fn keyed(visitor: &Visitor, path: &str, key: &str, body: &Value) -> Answer {
    Answer::to(visitor.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotent-replayed").is_some_and(|it| it == "true")
}

async fn a_request_that_is_repeated_acts_once_on_any_instance(app: TestApp) {
    let other = app.beside().await;
    let clerk = app.clerk().await;
    let body = json!({ "sku": "SHOE-42" });

    let first = keyed(&clerk, ITEMS, "one", &body).await;
    assert!(!is_replayed(&first));
    let correlation = first.headers["correlation-id"].clone();
    let first = first.expecting(StatusCode::CREATED);

    for instance in [&app, &other] {
        let again = keyed(&clerk.at(instance), ITEMS, "one", &body).await;
        assert!(is_replayed(&again));
        assert_ne!(again.headers["correlation-id"], correlation, "it is another request");
        assert_eq!(again.expecting(StatusCode::CREATED), first);
    }
    let without_slash = keyed(&clerk, ITEMS.trim_end_matches('/'), "one", &body).await;
    assert!(is_replayed(&without_slash), "both forms of a path are one path");
    assert_eq!(clerk.get(ITEMS).await.expecting(StatusCode::OK)["count"], 1);
}

async fn of_a_hundred_at_once_one_acts(app: TestApp) {
    let clerk = app.clerk().await;
    let mut asked = JoinSet::new();
    for _ in 0..100 {
        let clerk = clerk.clone();
        asked.spawn(async move { keyed(&clerk, ITEMS, "storm", &json!({ "sku": "A" })).await });
    }

    let answers = asked.join_all().await;

    let made: Vec<_> = answers.iter().filter(|it| it.status == StatusCode::CREATED).collect();
    assert!(!made.is_empty());
    assert!(made.windows(2).all(|pair| pair[0].body == pair[1].body), "all of them tell of the same item");
    assert_eq!(made.iter().filter(|it| !is_replayed(it)).count(), 1);
    for answer in answers.iter().filter(|it| it.status != StatusCode::CREATED) {
        let status = answer.status.as_u16();
        assert!(matches!(status, 409 | 503), "{status}: {:#}", answer.body);
    }
    assert_eq!(clerk.get(ITEMS).await.expecting(StatusCode::OK)["count"], 1);
}

async fn a_key_that_is_used_for_something_else_is_refused(app: TestApp) {
    let clerk = app.clerk().await;
    keyed(&clerk, ITEMS, "one", &json!({ "sku": "A" })).await.expecting(StatusCode::CREATED);

    let other = keyed(&clerk, ITEMS, "one", &json!({ "sku": "B" })).await;

    other.refused(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused");
    // On another path it is another key.
    keyed(&clerk, BATCHES, "one", &json!({})).await.expecting(StatusCode::CREATED);
    assert_eq!(clerk.get(ITEMS).await.expecting(StatusCode::OK)["count"], 1);
}

async fn everybody_has_keys_of_their_own(app: TestApp) {
    let (one, other) = (app.clerk().await, app.clerk().await);
    let machine = app.machine(&[auth_domain::Scope::WriteShipping]).await;

    for visitor in [&one, &other, &machine] {
        let answer = keyed(visitor, ITEMS, "1", &json!({ "sku": "A" })).await;
        assert!(!is_replayed(&answer));
        answer.expecting(StatusCode::CREATED);
    }
}

async fn who_shows_no_credential_shares_keys_with_their_address(app: TestApp) {
    let app = app.beside_with(&[("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let clerk = app.clerk().await;
    let credentials = json!({ "phonenumber": clerk.phone_number, "password": support::app::PASSWORD });
    let sign_in = async |address: &str| {
        let request = app.anybody().request(Method::POST, "/api/v1/auth/signin/").header("X-Forwarded-For", address);
        Answer::to(request.header("Idempotency-Key", "mine").json(&credentials)).await
    };

    let here = sign_in("198.51.100.1").await;
    let elsewhere = sign_in("198.51.100.2").await;
    let again = sign_in("198.51.100.1").await;

    assert!(!is_replayed(&elsewhere), "it is told to nobody at another address");
    assert!(is_replayed(&again));
    let here = here.expecting(StatusCode::OK);
    assert_ne!(elsewhere.expecting(StatusCode::OK)["refresh"], here["refresh"]);
    assert_eq!(again.expecting(StatusCode::OK), here);
}

async fn who_has_lost_a_right_hears_no_answer_again(app: TestApp) {
    let (root, mut manager) = (app.superuser().await, app.manager().await);
    let center = json!({ "center_code": "SEO", "name": "Seoul" });
    keyed(&manager, CENTERS, "opened", &center).await.expecting(StatusCode::CREATED);

    let path = format!("/api/v1/user/users/{}/", manager.user_id);
    root.patch(&path, json!({ "is_staff": false })).await.expecting(StatusCode::OK);
    manager.sign_in().await;

    keyed(&manager, CENTERS, "opened", &center).await.refused(StatusCode::FORBIDDEN, "permission_denied");
}

async fn a_refusal_is_kept_too(app: TestApp) {
    let manager = app.manager().await;
    let center = json!({ "center_code": "ABC001", "name": "North" });
    let bad = json!({ "center_code": "", "name": null });
    keyed(&manager, CENTERS, "bad", &bad).await.expecting(StatusCode::BAD_REQUEST);
    let again = keyed(&manager, CENTERS, "bad", &bad).await;
    assert!(is_replayed(&again));
    again.expecting(StatusCode::BAD_REQUEST);

    manager.post(CENTERS, center.clone()).await.expecting(StatusCode::CREATED);
    for replayed in [false, true] {
        let answer = keyed(&manager, CENTERS, "taken", &center).await;
        assert_eq!(is_replayed(&answer), replayed);
        answer.refused(StatusCode::BAD_REQUEST, "unique");
    }
    let stranger = app.anybody();
    for _ in 0..2 {
        let answer = keyed(&stranger, ITEMS, "who", &json!({})).await;
        assert!(!is_replayed(&answer), "whoever signs in may try again");
        answer.refused(StatusCode::UNAUTHORIZED, "not_authenticated");
    }
}

async fn every_step_of_a_trip_can_be_repeated(app: TestApp) {
    let stage = Stage::set(&app).await;
    let (item, alias, transport) = (stage.an_item().await, stage.a_batch().await, stage.a_transport().await);
    let steps = [
        (format!("{BATCHES}{alias}/add/"), json!({ "tracking_number": item })),
        (format!("{TRANSPORTS}{transport}/add/"), json!({ "alias": alias })),
        (format!("{TRANSPORTS}{transport}/start/"), json!({ "driver_uuid": stage.driver.user_id })),
        (format!("{TRANSPORTS}{transport}/complete/"), json!({})),
    ];

    for (path, body) in &steps {
        let first = keyed(&stage.staff, path, "step", body).await.expecting(StatusCode::OK);
        let again = keyed(&stage.staff, path, "step", body).await;
        assert!(is_replayed(&again), "{path}");
        assert_eq!(again.expecting(StatusCode::OK), first, "{path}");
    }

    let events = app.events.until(|it| it.name == "TransportComplete").await;
    for name in ["ItemAddedToBatch", "BatchAddedToTransport", "TransportStarted", "TransportComplete"] {
        assert_eq!(events.iter().filter(|it| it.name == name).count(), 1, "{name} was announced once");
    }
}

/// These end the token that they are asked with: whoever asks again is told that it is good no more.
const ENDING: [&str; 2] = ["/api/v1/auth/signout/", "/api/v1/auth/unregister/"];

async fn every_post_acts_once_however_often_it_is_sent_with_its_key(app: TestApp) {
    let stage = Stage::set(&app).await;
    let mut requests = Vec::new();
    for (method, path) in operations(&app, &["post"]).await {
        requests.push((Proper::to(&app, &stage, &method, &path).await, path));
    }
    let _quiet = app.quiet().await;

    for (Proper { who, path, body, .. }, template) in requests {
        let first = keyed(&who, &path, "mine", &body).await;
        assert!(first.status.is_success() && !is_replayed(&first), "{template}: {} {:#}", first.status, first.body);
        let before = kept(&app).await;
        let again = keyed(&who, &path, "mine", &body).await;
        let mut another = body;
        another["another"] = json!(true);
        let another = keyed(&who, &path, "mine", &another).await;

        assert!(kept(&app).await == before, "{template} acts again");
        if ENDING.contains(&template.as_str()) {
            again.refused(StatusCode::UNAUTHORIZED, "authentication_failed");
            another.refused(StatusCode::UNAUTHORIZED, "authentication_failed");
        } else {
            assert!(is_replayed(&again), "{template}: {} {:#}", again.status, again.body);
            assert_eq!((again.status, again.text), (first.status, first.text), "{template}");
            another.refused(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused");
        }
    }
}

async fn a_key_that_is_none_is_refused(app: TestApp) {
    let clerk = app.clerk().await;
    for key in [String::new(), "x".repeat(256), "two words".to_owned()] {
        let answer = keyed(&clerk, ITEMS, &key, &json!({})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{key}: {:#}", answer.body);
        assert_eq!(answer.body["errors"][0]["field"], "Idempotency-Key", "{key}");
    }
    assert_eq!(clerk.get(ITEMS).await.expecting(StatusCode::OK)["count"], 0);
}

async fn answers_are_kept_where_nobody_reads_them(app: TestApp) {
    let (_, number) =
        app.somebody(user_domain::Role::Driver { date_of_birth: None }, user_domain::Privileges::None).await;
    let credentials = json!({ "phonenumber": number.as_str(), "password": support::app::PASSWORD });

    let answer = keyed(&app.anybody(), "/api/v1/auth/signin/", "me", &credentials).await;

    let tokens = answer.expecting(StatusCode::OK);
    for (table, rows) in support::rows::everything_in(&app).await {
        for token in [&tokens["access"], &tokens["refresh"]].map(|it| it.as_str().expect("a token")) {
            assert!(rows.iter().all(|it| !it.contains(token)), "a token is in {table}");
        }
    }
}
