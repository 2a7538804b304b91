//! What an outbox promises: events go out with the change they tell of, or not at all.

use chrono::{DateTime, TimeDelta, Utc};
use kernel_application::testing::CountingIds;
use kernel_application::{ClaimLimits, Delivery, TraceParent, record};
use kernel_domain::{CorrelationId, DomainEvent, RecordedEvent, StoreError};
use persistence_adapter::{BUS, Settings};
use shipping_domain::testing::{a_batch, an_item, noon};
use shipping_domain::{Batch, Item, ShippingEvent};
use std::sync::LazyLock;
use std::time::Duration;
use uuid::Uuid;

use crate::databases::TestDatabase;
use crate::shipping_store::keep;

crate::every_database_promises![
    an_event_comes_out_as_it_went_in,
    an_event_keeps_the_step_of_the_trace_that_it_followed_from,
    events_of_a_dropped_unit_of_work_never_happened,
    each_save_gives_its_aggregate_a_higher_version,
    an_event_needs_a_saved_aggregate,
    one_save_carries_one_event,
];

static IDS: LazyLock<CountingIds> = LazyLock::new(CountingIds::default);

pub(crate) fn correlation() -> CorrelationId {
    CorrelationId::from(Uuid::from_u128(0xC0))
}

pub(crate) fn recorded(events: &[ShippingEvent]) -> Vec<RecordedEvent> {
    recorded_at(noon(), events)
}

pub(crate) fn recorded_at(time: DateTime<Utc>, events: &[ShippingEvent]) -> Vec<RecordedEvent> {
    events.iter().map(|it| record(it, &correlation(), &*IDS, time)).collect()
}

pub(crate) const ALL: ClaimLimits = ClaimLimits { events: 1000, lease: TimeDelta::seconds(10) };

/// Everything that waits, claimed.
pub(crate) async fn waiting(database: &TestDatabase) -> Vec<Delivery> {
    database.deliveries(BUS).claim(Uuid::from_u128(1), ALL, noon()).await.unwrap()
}

/// An item that is packed, saved and announced; commit or not.
async fn pack(database: &TestDatabase, batch: &Batch, item: &Item, commit: bool) -> ShippingEvent {
    let mut work = database.shipping_store().begin().await.unwrap();
    let mut found = work.items().find(std::slice::from_ref(item.tracking_number())).await.unwrap();
    let event = batch.pack(&mut found[0], noon()).unwrap().unwrap();
    work.items().save(&found).await.unwrap();
    work.outbox().append(&recorded(std::slice::from_ref(&event))).await.unwrap();
    if commit {
        work.commit().await.unwrap();
    }
    event
}

async fn an_event_comes_out_as_it_went_in(database: TestDatabase) {
    let (batch, item) = (a_batch().build(), an_item().build());
    keep(&database, std::slice::from_ref(&item), std::slice::from_ref(&batch), &[]).await;

    let event = pack(&database, &batch, &item, true).await;

    let mut claimed = waiting(&database).await;
    assert_eq!(claimed.len(), 1);
    let stored = claimed.remove(0).event;
    assert_eq!((stored.context.as_str(), stored.name.as_str()), ("shipping", "ItemAddedToBatch"));
    assert_eq!((stored.aggregate_kind.as_str(), stored.aggregate_id), ("item", item.id().as_uuid()));
    assert_eq!((stored.occurred_at, stored.correlation_id), (noon(), correlation()));
    let mut data: Vec<_> = event.data().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    data.sort();
    assert_eq!(stored.data, data);
}

async fn an_event_keeps_the_step_of_the_trace_that_it_followed_from(database: TestDatabase) {
    let step = || TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let traced = database.reopened(&Settings { trace: step, patience: Duration::from_secs(30), ..Settings::default() });
    let items = [(); 2].map(|()| an_item().build());
    keep(&database, &items, &[], &[]).await;

    for (database, item) in [(&*database, &items[0]), (&traced, &items[1])] {
        let announced = ShippingEvent::ItemAddedToBatch {
            item_id: item.id(),
            tracking_number: item.tracking_number().clone(),
            alias: a_batch().build().alias().clone(),
        };
        let mut work = database.shipping_store().begin().await.unwrap();
        let found = work.items().find(std::slice::from_ref(item.tracking_number())).await.unwrap();
        work.items().save(&found).await.unwrap();
        work.outbox().append(&recorded(&[announced])).await.unwrap();
        work.commit().await.unwrap();
    }

    let kept: Vec<_> = waiting(&database).await.iter().map(|it| it.event.trace_parent).collect();
    assert_eq!(kept, [None, step()]);
}

async fn events_of_a_dropped_unit_of_work_never_happened(database: TestDatabase) {
    let (batch, item) = (a_batch().build(), an_item().build());
    keep(&database, std::slice::from_ref(&item), std::slice::from_ref(&batch), &[]).await;

    pack(&database, &batch, &item, false).await;

    assert_eq!(waiting(&database).await, []);
}

async fn each_save_gives_its_aggregate_a_higher_version(database: TestDatabase) {
    let (batch, item) = (a_batch().build(), an_item().build());
    keep(&database, std::slice::from_ref(&item), std::slice::from_ref(&batch), &[]).await;
    let announced = ShippingEvent::ItemAddedToBatch {
        item_id: item.id(),
        tracking_number: item.tracking_number().clone(),
        alias: batch.alias().clone(),
    };

    for _ in 0..2 {
        let mut work = database.shipping_store().begin().await.unwrap();
        let found = work.items().find(std::slice::from_ref(item.tracking_number())).await.unwrap();
        for _ in 0..2 {
            work.items().save(&found).await.unwrap();
            work.outbox().append(&recorded(std::slice::from_ref(&announced))).await.unwrap();
        }
        work.commit().await.unwrap();
    }

    let versions: Vec<_> = waiting(&database).await.iter().map(|it| it.event.aggregate_version).collect();
    assert_eq!(versions, [2, 3, 4, 5], "it was added in version 1");
}

async fn an_event_needs_a_saved_aggregate(database: TestDatabase) {
    let (batch, item) = (a_batch().build(), an_item().build());
    keep(&database, std::slice::from_ref(&item), std::slice::from_ref(&batch), &[]).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    let mut found = work.items().find(std::slice::from_ref(item.tracking_number())).await.unwrap();
    let event = batch.pack(&mut found[0], noon()).unwrap().unwrap();
    let refusal = work.outbox().append(&recorded(&[event])).await;

    assert!(matches!(refusal, Err(StoreError::Corrupt { .. })), "{refusal:?}");
}

async fn one_save_carries_one_event(database: TestDatabase) {
    let (batch, item) = (a_batch().build(), an_item().build());
    keep(&database, std::slice::from_ref(&item), std::slice::from_ref(&batch), &[]).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    let mut found = work.items().find(std::slice::from_ref(item.tracking_number())).await.unwrap();
    let event = batch.pack(&mut found[0], noon()).unwrap().unwrap();
    work.items().save(&found).await.unwrap();
    let refusal = work.outbox().append(&recorded(&[event.clone(), event])).await;

    assert!(matches!(refusal, Err(StoreError::Corrupt { .. })), "{refusal:?}");
}
