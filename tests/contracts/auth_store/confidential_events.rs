//! What is promised of events that tell a secret.

use auth_domain::testing::{a_challenge, a_phone_number, noon};
use auth_domain::*;
use kernel_application::{DeliveryOutcome, record};
use kernel_domain::DomainEvent;
use mysql_async::prelude::Queryable;
use persistence_adapter::{BUS, Interest, Settings, Subscriber};
use uuid::Uuid;

use super::{IDS, later, request};
use crate::databases::TestDatabase;
use crate::events::{ALL, correlation};

crate::every_database_promises![
    a_secret_is_sealed_until_it_is_delivered_and_forgotten_then,
    a_secret_that_nobody_waits_for_is_not_kept,
    what_is_withheld_is_kept_like_anything_else_and_delivered_to_nobody,
    an_event_that_cannot_be_read_holds_up_nobody_else_and_is_parked_in_the_end,
    an_event_that_cannot_be_read_is_not_overtaken_by_those_after_it,
    a_subscriber_gets_what_it_wants,
];

/// The payloads in the outbox; only MySQL lets the test look.
async fn payloads(database: &TestDatabase) -> Option<Vec<String>> {
    if !database.url.starts_with("mysql") {
        return None;
    }
    let mut server = mysql_async::Conn::from_url(&database.url).await.unwrap();
    Some(server.query("SELECT payload FROM outbox ORDER BY position").await.unwrap())
}

fn subscribers<const N: usize>(subscribers: [(&str, Interest); N]) -> Settings {
    let subscriber = |(name, contexts): (&str, Interest)| Subscriber { name: name.to_owned(), contexts };
    Settings { subscribers: subscribers.map(subscriber).to_vec(), ..Settings::default() }
}

async fn a_secret_is_sealed_until_it_is_delivered_and_forgotten_then(database: TestDatabase) {
    let shared =
        database.reopened(&subscribers([(BUS, Interest::All), ("second", Interest::Only(AuthEvent::CONTEXT))]));
    let number = a_phone_number();
    request(&shared, &number, a_challenge(Purpose::SignIn), noon()).await.unwrap();
    if let Some(kept) = payloads(&database).await {
        let is_sealed = |it: &String| !it.is_empty() && !it.contains("123456") && !it.contains("token");
        assert!(kept.len() == 2 && kept.iter().all(is_sealed), "{kept:?}");
    }

    for (subscriber, forgotten) in [(BUS, [true, false]), ("second", [true, true])] {
        let queue = shared.deliveries(subscriber);
        let claimed = queue.claim(Uuid::from_u128(1), ALL, noon()).await.unwrap();
        let secret = ("token".to_owned(), "123456".to_owned());
        assert!(claimed[0].event.is_confidential && claimed[0].event.data.contains(&secret));

        queue.settle(Uuid::from_u128(1), &[(claimed[0].clone(), DeliveryOutcome::RetryAt(noon()))]).await.unwrap();
        let claimed = queue.claim(Uuid::from_u128(1), ALL, noon()).await.unwrap();
        assert!(claimed[0].event.data.contains(&secret), "it can be tried again");
        queue.settle(Uuid::from_u128(1), &[(claimed[0].clone(), DeliveryOutcome::Delivered)]).await.unwrap();

        if let Some(kept) = payloads(&database).await {
            let are_empty: Vec<_> = kept.iter().map(String::is_empty).collect();
            assert_eq!(are_empty, forgotten, "whoever still waits for it gets it");
        }
    }
}

async fn a_secret_that_nobody_waits_for_is_not_kept(database: TestDatabase) {
    let shared = database.reopened(&subscribers([("second", Interest::Only("user"))]));

    request(&shared, &a_phone_number(), a_challenge(Purpose::SignIn), noon()).await.unwrap();

    assert_eq!(shared.deliveries("second").claim(Uuid::from_u128(1), ALL, noon()).await.unwrap(), []);
    if let Some(kept) = payloads(&database).await {
        assert!(kept.is_empty(), "{kept:?}");
    }
}

async fn what_is_withheld_is_kept_like_anything_else_and_delivered_to_nobody(database: TestDatabase) {
    let number = a_phone_number();
    let mut work = database.auth_store().begin().await.unwrap();
    let mut verification = work.verifications().find(&number).await.unwrap();
    let attempt = verification.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, noon()).unwrap();
    work.verifications().save(&verification).await.unwrap();
    work.outbox().append(&[record(&attempt.withheld(), &correlation(), &*IDS, noon())]).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(database.deliveries(BUS).claim(Uuid::from_u128(1), ALL, later(60)).await.unwrap(), []);
    if let Some(kept) = payloads(&database).await {
        let is_sealed = |it: &String| !it.is_empty() && !it.contains("123456") && !it.contains(number.as_str());
        assert!(kept.len() == 1 && kept.iter().all(is_sealed), "{kept:?}");
    }
}

async fn an_event_that_cannot_be_read_holds_up_nobody_else_and_is_parked_in_the_end(database: TestDatabase) {
    // Nobody but the test can spoil what is kept, and only MySQL lets it.
    if !database.url.starts_with("mysql") {
        return;
    }
    let mut server = mysql_async::Conn::from_url(&database.url).await.unwrap();
    for minutes in 0..3 {
        request(&database, &a_phone_number(), a_challenge(Purpose::SignIn), later(minutes)).await.unwrap();
    }
    let spoilt = format!("UPDATE outbox SET payload = 'bm90IG91cnM=' WHERE occurred_at = '{}'", later(1).naive_utc());
    server.query_drop(spoilt).await.unwrap();
    let claim = async |at| database.deliveries(BUS).claim(Uuid::from_u128(1), ALL, at).await.unwrap();
    let state = "SELECT state, attempts FROM outbox ORDER BY position LIMIT 1 OFFSET 1";

    let claimed = claim(later(10)).await;
    assert_eq!(claimed.iter().map(|it| it.event.occurred_at).collect::<Vec<_>>(), [later(0), later(2)]);
    assert_eq!(server.query_first(state).await.unwrap(), Some(("OPEN".to_owned(), 1)));
    let settled: Vec<_> = claimed.into_iter().map(|it| (it, DeliveryOutcome::Delivered)).collect();
    database.deliveries(BUS).settle(Uuid::from_u128(1), &settled).await.unwrap();

    for time in 1..12 {
        assert_eq!(claim(later(10 + time)).await, []);
    }
    assert_eq!(server.query_first(state).await.unwrap(), Some(("PARKED".to_owned(), 10)));
}

async fn an_event_that_cannot_be_read_is_not_overtaken_by_those_after_it(database: TestDatabase) {
    if !database.url.starts_with("mysql") {
        return;
    }
    let number = a_phone_number();
    let mut work = database.auth_store().begin().await.unwrap();
    let mut found = work.verifications().find(&number).await.unwrap();
    let event = found.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, noon()).unwrap();
    for _ in 0..2 {
        work.verifications().save(&found).await.unwrap();
        work.outbox().append(&[record(&event, &correlation(), &*IDS, noon())]).await.unwrap();
    }
    work.commit().await.unwrap();
    let mut server = mysql_async::Conn::from_url(&database.url).await.unwrap();
    let first = "WHERE aggregate_version = 1";
    let payload = format!("SELECT payload FROM outbox {first}");
    let payload: String = server.query_first(payload).await.unwrap().unwrap();
    let claim = async |at| database.deliveries(BUS).claim(Uuid::from_u128(1), ALL, at).await.unwrap();

    server.query_drop(format!("UPDATE outbox SET payload = '?' {first}")).await.unwrap();
    assert_eq!(claim(later(1)).await, []);
    assert_eq!(claim(later(1)).await, []);

    server.query_drop(format!("UPDATE outbox SET payload = '{payload}' {first}")).await.unwrap();
    let versions: Vec<_> =
        claim(later(2)).await.into_iter().map(|it| (it.event.aggregate_version, it.attempts)).collect();
    assert_eq!(versions, [(1, 2), (2, 1)]);
}

async fn a_subscriber_gets_what_it_wants(database: TestDatabase) {
    let wishes = [(BUS, Interest::All), ("auth's", Interest::Only("auth")), ("user's", Interest::Only("user"))];
    let shared = database.reopened(&subscribers(wishes));

    request(&shared, &a_phone_number(), a_challenge(Purpose::SignIn), noon()).await.unwrap();

    for (subscriber, events) in [(BUS, 1), ("auth's", 1), ("user's", 0)] {
        let claimed = shared.deliveries(subscriber).claim(Uuid::from_u128(1), ALL, noon()).await.unwrap();
        assert_eq!(claimed.len(), events, "{subscriber}");
    }
}
