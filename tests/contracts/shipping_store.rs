//! What shipping's units of work promise.

use kernel_domain::StoreError;
use shipping_domain::testing::{a_batch, a_driver, a_transport, an_item, center, noon};
use shipping_domain::*;

use persistence_adapter::Database;

use crate::databases::TestDatabase;

crate::every_database_promises![
    an_item_comes_back_as_it_was_kept,
    a_batch_comes_back_as_it_was_kept,
    a_transport_comes_back_as_it_was_kept,
    what_is_dropped_never_happened,
    what_is_unknown_is_left_out,
    a_taken_tracking_number_is_named_and_the_unit_of_work_goes_on,
    a_taken_alias_is_named_and_the_unit_of_work_goes_on,
    aliases_differ_by_case,
    a_driver_who_is_on_the_road_is_named,
    what_was_never_found_cannot_be_saved,
    what_makes_no_sense_is_not_kept,
];

pub(crate) async fn keep(database: &Database, items: &[Item], batches: &[Batch], transports: &[Transport]) {
    let mut work = database.shipping_store().begin().await.unwrap();
    for transport in transports {
        work.transports().add(transport).await.unwrap();
    }
    for batch in batches {
        work.batches().add(batch).await.unwrap();
    }
    for item in items {
        work.items().add(item).await.unwrap();
    }
    work.commit().await.unwrap();
}

pub(crate) async fn item(database: &TestDatabase, number: &TrackingNumber) -> Option<Item> {
    let mut work = database.shipping_store().begin().await.unwrap();
    work.items().find(std::slice::from_ref(number)).await.unwrap().pop()
}

pub(crate) async fn batch(database: &TestDatabase, alias: &Alias) -> Option<Batch> {
    let mut work = database.shipping_store().begin().await.unwrap();
    work.batches().find(std::slice::from_ref(alias)).await.unwrap().pop()
}

pub(crate) async fn transport(database: &TestDatabase, id: TransportId) -> Option<Transport> {
    database.shipping_store().begin().await.unwrap().transports().find(id).await.unwrap()
}

async fn an_item_comes_back_as_it_was_kept(database: TestDatabase) {
    let open = a_batch().build();
    let mut items: Vec<_> = ItemStatus::ALL.into_iter().map(|it| an_item().with_status(it).build()).collect();
    items.push(an_item().in_batch(&open).build());
    items.push(Item::from(ItemSnapshot {
        sku: Sku::parse("신발 42 — 파랑").unwrap(),
        current_center: Some(center("서울-01")),
        created_at: noon() + chrono::TimeDelta::microseconds(123_456),
        ..an_item().build().snapshot()
    }));
    keep(&database, &items, &[open], &[]).await;

    for kept in items {
        assert_eq!(item(&database, kept.tracking_number()).await, Some(kept));
    }
}

async fn a_batch_comes_back_as_it_was_kept(database: TestDatabase) {
    let planned = a_transport().build();
    let (left, arrived) = (a_transport().departed().build(), a_transport().arrived().build());
    let completed = BatchState::Completed { transport_id: arrived.id(), at: noon() };
    let batches = [
        a_batch().build(),
        a_batch().loaded_on(&planned).build(),
        a_batch().departed_with(&left).build(),
        Batch::from(BatchSnapshot { state: completed, ..a_batch().build().snapshot() }),
    ];
    keep(&database, &[], &batches, &[planned, left, arrived]).await;

    for kept in batches {
        assert_eq!(batch(&database, kept.alias()).await, Some(kept));
    }
}

async fn a_transport_comes_back_as_it_was_kept(database: TestDatabase) {
    let transports = [
        a_transport().build(),
        a_transport().driven_by(a_driver()).build(),
        a_transport().departed().build(),
        a_transport().arrived().build(),
    ];
    keep(&database, &[], &[], &transports).await;

    for kept in transports {
        assert_eq!(transport(&database, kept.id()).await, Some(kept));
    }
}

async fn what_is_dropped_never_happened(database: TestDatabase) {
    let (kept, dropped) = (an_item().build(), an_item().build());
    keep(&database, std::slice::from_ref(&kept), &[], &[]).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    work.items().add(&dropped).await.unwrap();
    let mut changed = work.items().find(&[kept.tracking_number().clone()]).await.unwrap();
    changed[0].change_status(ItemStatus::Lost, noon()).unwrap();
    work.items().save(&changed).await.unwrap();
    drop(work);

    assert_eq!(item(&database, dropped.tracking_number()).await, None);
    assert_eq!(item(&database, kept.tracking_number()).await, Some(kept));
}

async fn what_is_unknown_is_left_out(database: TestDatabase) {
    let (known, unknown) = (an_item().build(), an_item().build());
    keep(&database, std::slice::from_ref(&known), &[], &[]).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    let numbers = [unknown.tracking_number().clone(), known.tracking_number().clone(), known.tracking_number().clone()];
    assert_eq!(work.items().find(&numbers).await.unwrap(), [known]);
    assert_eq!(work.items().find(&[]).await.unwrap(), []);
    assert_eq!(work.items().packed_in(a_batch().build().id()).await.unwrap(), []);
    assert_eq!(work.batches().find(&[a_batch().build().alias().clone()]).await.unwrap(), []);
    assert_eq!(work.batches().carried_by(a_transport().build().id()).await.unwrap(), []);
    assert_eq!(work.transports().find(a_transport().build().id()).await.unwrap(), None);
}

async fn a_taken_tracking_number_is_named_and_the_unit_of_work_goes_on(database: TestDatabase) {
    let first = an_item().build();
    let same_number =
        Item::from(ItemSnapshot { tracking_number: first.tracking_number().clone(), ..an_item().build().snapshot() });
    let another = an_item().build();
    keep(&database, std::slice::from_ref(&first), &[], &[]).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    let refusal = work.items().add(&same_number).await;
    work.items().add(&another).await.unwrap();
    work.commit().await.unwrap();

    assert!(matches!(refusal, Err(StoreError::Duplicate { key: "tracking_number" })), "{refusal:?}");
    assert_eq!(item(&database, first.tracking_number()).await, Some(first));
    assert_eq!(item(&database, another.tracking_number()).await, Some(another));
}

async fn a_taken_alias_is_named_and_the_unit_of_work_goes_on(database: TestDatabase) {
    let first = a_batch().build();
    let same_alias = Batch::open(a_batch().build().id(), first.alias().clone(), noon());
    let another = a_batch().build();
    keep(&database, &[], &[first], &[]).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    let refusal = work.batches().add(&same_alias).await;
    work.batches().add(&another).await.unwrap();
    work.commit().await.unwrap();

    assert!(matches!(refusal, Err(StoreError::Duplicate { key: "alias" })), "{refusal:?}");
    assert_eq!(batch(&database, another.alias()).await, Some(another));
}

async fn aliases_differ_by_case(database: TestDatabase) {
    let called = |alias: &str| Batch::open(a_batch().build().id(), Alias::parse(alias).unwrap(), noon());
    let (lower, upper) = (called("north-a"), called("NORTH-A"));
    keep(&database, &[], &[lower.clone(), upper.clone()], &[]).await;

    assert_eq!(batch(&database, lower.alias()).await, Some(lower));
    assert_eq!(batch(&database, upper.alias()).await, Some(upper));
    assert_eq!(batch(&database, &Alias::parse("North-A").unwrap()).await, None);
}

async fn a_driver_who_is_on_the_road_is_named(database: TestDatabase) {
    let driver = a_driver();
    let state = TransportState::InTransit { driver_id: driver, departed_at: noon() };
    let on_the_road = Transport::from(TransportSnapshot { state, ..a_transport().build().snapshot() });
    let waiting = a_transport().driven_by(driver).build();
    let batch = a_batch().loaded_on(&waiting).build();
    keep(&database, &[], &[batch], &[on_the_road, waiting.clone()]).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    assert!(work.transports().is_on_the_road(driver).await.unwrap());
    assert!(!work.transports().is_on_the_road(a_driver()).await.unwrap());
    let mut found = work.transports().find(waiting.id()).await.unwrap().unwrap();
    let mut batches = work.batches().carried_by(waiting.id()).await.unwrap();
    found.start(unaware_departure(&mut batches)).unwrap();
    let refusal = work.transports().save(&found).await;

    assert!(matches!(refusal, Err(StoreError::Duplicate { key: "driver_uuid" })), "{refusal:?}");
}

/// A departure that everything allows, as far as whoever asks knows.
pub(crate) fn unaware_departure(batches: &mut [Batch]) -> Departure<'_> {
    Departure {
        centers_exist: true,
        batches,
        driver_id: None,
        started_by: None,
        driver_may_drive: true,
        driver_is_busy: false,
        now: noon(),
    }
}

async fn what_was_never_found_cannot_be_saved(database: TestDatabase) {
    let kept = an_item().build();
    keep(&database, std::slice::from_ref(&kept), &[], &[]).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    let refusal = work.items().save(&[kept]).await;

    assert!(matches!(refusal, Err(StoreError::Corrupt { .. })), "{refusal:?}");
}

/// The schema is the last line of defence: what gets past the entities is our bug, and stays out.
async fn what_makes_no_sense_is_not_kept(database: TestDatabase) {
    let (departed_at, arrived_at) = (noon(), noon() - chrono::TimeDelta::hours(1));
    let state = TransportState::Arrived { driver_id: a_driver(), departed_at, arrived_at };
    let early = Transport::from(TransportSnapshot { state, ..a_transport().build().snapshot() });
    let nowhere = a_batch().loaded_on(&early).build();

    let mut work = database.shipping_store().begin().await.unwrap();
    let refusals = [work.transports().add(&early).await, work.batches().add(&nowhere).await];

    for refusal in refusals {
        assert!(matches!(refusal, Err(StoreError::Corrupt { .. })), "{refusal:?}");
    }
}
