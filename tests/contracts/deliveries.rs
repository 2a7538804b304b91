//! What a queue of deliveries promises to the relays that share it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kernel_application::{ClaimLimits, Delivery, DeliveryOutcome, KeptAnswer, Once, RequestKey};
use persistence_adapter::BUS;
use shipping_domain::testing::{a_batch, an_item, noon};
use shipping_domain::{Item, ShippingEvent};
use uuid::Uuid;

use crate::databases::TestDatabase;
use crate::events::{ALL, recorded, recorded_at};
use crate::shipping_store::keep;

crate::every_database_promises![
    events_come_in_the_order_of_their_versions,
    an_aggregate_that_is_claimed_is_nobody_elses,
    a_claim_takes_no_more_than_asked_for,
    what_was_delivered_does_not_come_again,
    an_aggregate_waits_for_the_event_that_failed,
    what_was_released_was_not_tried,
    a_parked_event_stops_its_own_aggregate_only,
    a_lease_that_ended_is_somebody_elses,
    an_event_that_commits_late_is_not_skipped,
    relays_that_claim_at_once_share_without_overlap,
    a_commit_wakes_whoever_waits_for_its_events,
    what_is_not_committed_wakes_nobody,
    what_is_kept_with_an_answer_wakes_once_the_answer_is_kept,
];

pub(crate) const ONE: Uuid = Uuid::from_u128(1);
pub(crate) const OTHER: Uuid = Uuid::from_u128(2);

/// Appends so many events of an item.
pub(crate) async fn announce(database: &TestDatabase, item: &Item, events: usize) {
    announce_at(noon(), database, item, events).await;
}

/// Appends so many events of an item, which happened then.
pub(crate) async fn announce_at(time: DateTime<Utc>, database: &TestDatabase, item: &Item, events: usize) {
    let mut work = database.shipping_store().begin().await.unwrap();
    let found = work.items().find(std::slice::from_ref(item.tracking_number())).await.unwrap();
    for _ in 0..events {
        work.items().save(&found).await.unwrap();
        work.outbox().append(&recorded_at(time, &[event_of(item)])).await.unwrap();
    }
    work.commit().await.unwrap();
}

pub(crate) fn event_of(item: &Item) -> ShippingEvent {
    ShippingEvent::ItemAddedToBatch {
        item_id: item.id(),
        tracking_number: item.tracking_number().clone(),
        alias: a_batch().build().alias().clone(),
    }
}

pub(crate) async fn kept_items<const N: usize>(database: &TestDatabase) -> [Item; N] {
    let items = [(); N].map(|()| an_item().build());
    keep(database, &items, &[], &[]).await;
    items
}

pub(crate) async fn claim(database: &TestDatabase, owner: Uuid, now: DateTime<Utc>) -> Vec<Delivery> {
    database.deliveries(BUS).claim(owner, ALL, now).await.unwrap()
}

pub(crate) async fn settle(database: &TestDatabase, owner: Uuid, settled: &[(Delivery, DeliveryOutcome)]) {
    database.deliveries(BUS).settle(owner, settled).await.unwrap();
}

pub(crate) fn versions(deliveries: &[Delivery]) -> Vec<i64> {
    deliveries.iter().map(|it| it.event.aggregate_version).collect()
}

pub(crate) fn later(seconds: i64) -> DateTime<Utc> {
    noon() + TimeDelta::seconds(seconds)
}

async fn events_come_in_the_order_of_their_versions(database: TestDatabase) {
    let [item, _] = kept_items(&database).await;
    announce(&database, &item, 3).await;
    announce(&database, &item, 2).await;

    let claimed = claim(&database, ONE, noon()).await;

    assert_eq!(versions(&claimed), [2, 3, 4, 5, 6]);
    assert!(claimed.iter().all(|it| it.attempts == 1));
}

async fn an_aggregate_that_is_claimed_is_nobody_elses(database: TestDatabase) {
    let [taken, free] = kept_items(&database).await;
    announce(&database, &taken, 1).await;
    claim(&database, ONE, noon()).await;
    announce(&database, &taken, 1).await;
    announce(&database, &free, 1).await;

    let claimed = claim(&database, OTHER, noon()).await;

    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].event.aggregate_id, free.id().as_uuid());
}

async fn a_claim_takes_no_more_than_asked_for(database: TestDatabase) {
    let [item] = kept_items(&database).await;
    announce(&database, &item, 5).await;

    let claimed = database.deliveries(BUS).claim(ONE, ClaimLimits { events: 2, ..ALL }, noon()).await.unwrap();

    assert_eq!(versions(&claimed), [2, 3]);
    assert_eq!(claim(&database, OTHER, noon()).await, [], "the rest waits for its turn");
}

async fn what_was_delivered_does_not_come_again(database: TestDatabase) {
    let [item] = kept_items(&database).await;
    announce(&database, &item, 2).await;

    let claimed = claim(&database, ONE, noon()).await;
    let settled: Vec<_> = claimed.into_iter().map(|it| (it, DeliveryOutcome::Delivered)).collect();
    settle(&database, ONE, &settled).await;
    announce(&database, &item, 1).await;

    assert_eq!(versions(&claim(&database, OTHER, later(3600)).await), [4]);
}

async fn an_aggregate_waits_for_the_event_that_failed(database: TestDatabase) {
    let [item] = kept_items(&database).await;
    announce(&database, &item, 2).await;

    let claimed = claim(&database, ONE, noon()).await;
    let outcomes = [DeliveryOutcome::RetryAt(later(30)), DeliveryOutcome::Released];
    settle(&database, ONE, &claimed.into_iter().zip(outcomes).collect::<Vec<_>>()).await;

    assert_eq!(claim(&database, OTHER, later(29)).await, []);
    let again = claim(&database, OTHER, later(30)).await;
    assert_eq!(versions(&again), [2, 3]);
    assert_eq!(again[0].attempts, 2);
}

async fn what_was_released_was_not_tried(database: TestDatabase) {
    let [item] = kept_items(&database).await;
    announce(&database, &item, 1).await;

    let claimed = claim(&database, ONE, noon()).await;
    settle(&database, ONE, &[(claimed[0].clone(), DeliveryOutcome::Released)]).await;

    assert_eq!(claim(&database, OTHER, noon()).await[0].attempts, 1);
}

async fn a_parked_event_stops_its_own_aggregate_only(database: TestDatabase) {
    let [poisoned, healthy] = kept_items(&database).await;
    announce(&database, &poisoned, 2).await;

    let claimed = claim(&database, ONE, noon()).await;
    let outcomes = [DeliveryOutcome::Parked { reason: String::new() }, DeliveryOutcome::Released];
    settle(&database, ONE, &claimed.into_iter().zip(outcomes).collect::<Vec<_>>()).await;
    announce(&database, &poisoned, 1).await;
    announce(&database, &healthy, 1).await;

    let claimed = claim(&database, OTHER, later(3600)).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].event.aggregate_id, healthy.id().as_uuid());
}

async fn a_lease_that_ended_is_somebody_elses(database: TestDatabase) {
    let [item] = kept_items(&database).await;
    announce(&database, &item, 1).await;

    let late = claim(&database, ONE, noon()).await;
    assert_eq!(claim(&database, OTHER, later(9)).await, []);
    let taken_over = claim(&database, OTHER, later(10)).await;
    assert_eq!((taken_over[0].attempts, taken_over[0].fence), (2, late[0].fence + 1));

    settle(&database, ONE, &[(late[0].clone(), DeliveryOutcome::Delivered)]).await;
    let still_there = claim(&database, ONE, later(20)).await;
    assert_eq!(still_there.len(), 1, "who lost the lease is not heard");

    settle(&database, ONE, &[(late[0].clone(), DeliveryOutcome::Delivered)]).await;
    settle(&database, ONE, &[(still_there[0].clone(), DeliveryOutcome::Released)]).await;
    assert_eq!(claim(&database, OTHER, later(20)).await.len(), 1, "not even under its own name");
}

/// A queue that is read by "later than the last one" would never see it.
async fn an_event_that_commits_late_is_not_skipped(database: TestDatabase) {
    let [slow, fast] = kept_items(&database).await;
    if database.url.starts_with("mysql") {
        let mut work = database.shipping_store().begin().await.unwrap();
        let found = work.items().find(std::slice::from_ref(slow.tracking_number())).await.unwrap();
        work.items().save(&found).await.unwrap();
        work.outbox().append(&recorded(&[event_of(&slow)])).await.unwrap();

        announce(&database, &fast, 1).await;
        assert_eq!(claim(&database, ONE, noon()).await.len(), 1);
        work.commit().await.unwrap();
    } else {
        // One writer: nobody commits before those who began earlier.
        announce(&database, &slow, 1).await;
    }

    let claimed = claim(&database, ONE, noon()).await;

    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].event.aggregate_id, slow.id().as_uuid());
}

async fn relays_that_claim_at_once_share_without_overlap(database: TestDatabase) {
    let items: [Item; 6] = kept_items(&database).await;
    for item in &items {
        announce(&database, item, 3).await;
    }

    let some = ClaimLimits { events: 7, ..ALL };
    let mut relays = tokio::task::JoinSet::new();
    for owner in 0..4 {
        let deliveries = database.deliveries(BUS);
        relays.spawn(async move { deliveries.claim(Uuid::from_u128(owner), some, noon()).await });
    }
    let claims: Vec<Vec<Delivery>> = relays.join_all().await.into_iter().map(Result::unwrap).collect();

    let holders = |item: &Item| {
        claims.iter().filter(|claim| claim.iter().any(|it| it.event.aggregate_id == item.id().as_uuid())).count()
    };
    assert!(items.iter().all(|item| holders(item) <= 1), "an aggregate is in one pair of hands: {claims:?}");
    assert!(claims.iter().flatten().count() >= 14, "two relays at least had something to do: {claims:?}");
}

/// Whether the bus is woken soon.
async fn wakes(database: &TestDatabase) -> bool {
    tokio::time::timeout(Duration::from_secs(5), database.deliveries(BUS).added()).await.is_ok()
}

/// Whether the bus is awake already.
async fn is_awake(database: &TestDatabase) -> bool {
    tokio::time::timeout(Duration::ZERO, database.deliveries(BUS).added()).await.is_ok()
}

async fn a_commit_wakes_whoever_waits_for_its_events(database: TestDatabase) {
    let [item] = kept_items(&database).await;

    let (woken, ()) = tokio::join!(wakes(&database), announce(&database, &item, 2));
    assert!(woken);
    assert!(!is_awake(&database).await, "it was told once");

    announce(&database, &item, 1).await;
    assert!(is_awake(&database).await, "it was not listening, and hears of it all the same");
}

async fn what_is_not_committed_wakes_nobody(database: TestDatabase) {
    let [item] = kept_items(&database).await;
    let mut work = database.shipping_store().begin().await.unwrap();
    let found = work.items().find(std::slice::from_ref(item.tracking_number())).await.unwrap();
    work.items().save(&found).await.unwrap();
    work.outbox().append(&recorded(&[event_of(&item)])).await.unwrap();
    assert!(!is_awake(&database).await);

    drop(work);

    assert!(!is_awake(&database).await);
}

/// A relay that is woken before the transaction ends finds nothing, and would find the event much later.
async fn what_is_kept_with_an_answer_wakes_once_the_answer_is_kept(database: TestDatabase) {
    let [item] = kept_items(&database).await;
    let request = RequestKey { scope: "somebody".to_owned(), key: "a key".to_owned() };
    let work = Box::pin(async {
        announce(&database, &item, 1).await;
        assert!(!is_awake(&database).await);
        Some(KeptAnswer(vec![1]))
    });

    let done = database.idempotency().once(request, [1; 32], noon(), work).await.unwrap();

    assert!(matches!(done, Once::Done));
    assert!(is_awake(&database).await);
    assert_eq!(claim(&database, ONE, noon()).await.len(), 1);
}
