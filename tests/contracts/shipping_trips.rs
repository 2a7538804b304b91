//! What shipping's units of work promise about whole trips and bulk commands.

use shipping_domain::testing::{a_batch, a_driver, a_transport, an_item, noon};
use shipping_domain::*;

use crate::databases::TestDatabase;
use crate::shipping_store::{batch, item, keep, transport, unaware_departure};

crate::every_database_promises![
    an_item_that_left_its_batch_can_go_into_another,
    a_whole_trip_is_kept,
    a_thousand_items_are_packed_at_once,
    packing_many_items_costs_as_many_statements_as_packing_one,
];

/// Starts a transport and completes it, each in a unit of work of its own.
async fn drive(database: &TestDatabase, id: TransportId) {
    let mut work = database.shipping_store().begin().await.unwrap();
    let mut transport = work.transports().find(id).await.unwrap().unwrap();
    let mut batches = work.batches().carried_by(id).await.unwrap();
    transport.start(unaware_departure(&mut batches)).unwrap();
    work.transports().save(&transport).await.unwrap();
    work.batches().save(&batches).await.unwrap();
    work.commit().await.unwrap();

    let mut work = database.shipping_store().begin().await.unwrap();
    let mut transport = work.transports().find(id).await.unwrap().unwrap();
    let mut batches = work.batches().carried_by(id).await.unwrap();
    let ids: Vec<_> = batches.iter().map(Batch::id).collect();
    let mut items = work.items().packed_in(&ids).await.unwrap();
    transport.complete(&mut batches, &mut items, noon()).unwrap();
    work.transports().save(&transport).await.unwrap();
    work.batches().save(&batches).await.unwrap();
    work.items().save(&items).await.unwrap();
    work.commit().await.unwrap();
}

async fn an_item_that_left_its_batch_can_go_into_another(database: TestDatabase) {
    let trip = a_transport().driven_by(a_driver()).build();
    let (first, second) = (a_batch().loaded_on(&trip).build(), a_batch().build());
    let parcel = an_item().in_batch(&first).build();
    keep(&database, std::slice::from_ref(&parcel), &[first.clone(), second.clone()], std::slice::from_ref(&trip)).await;
    drive(&database, trip.id()).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    let mut found = work.items().find(&[parcel.tracking_number().clone()]).await.unwrap();
    assert_eq!(found[0].packing(), None);
    second.pack(&mut found[0], noon()).unwrap();
    work.items().save(&found).await.unwrap();
    work.commit().await.unwrap();

    let kept = item(&database, parcel.tracking_number()).await.unwrap();
    assert_eq!(kept.packing(), Some(Packing { batch_id: second.id(), since: noon() }));
    let view = database.shipping_queries().item(parcel.tracking_number()).await.unwrap().unwrap();
    assert_eq!(view.history.len(), 2, "the batch it left stays in its history: {view:?}");
}

async fn a_whole_trip_is_kept(database: TestDatabase) {
    let trip = a_transport().driven_by(a_driver()).build();
    let batches = [a_batch().loaded_on(&trip).build(), a_batch().loaded_on(&trip).build()];
    let moving: Vec<_> = (0..3).map(|at| an_item().in_batch(&batches[at % 2]).build()).collect();
    let mut lost = an_item().in_batch(&batches[0]).build();
    lost.change_status(ItemStatus::Lost, noon()).unwrap();
    keep(&database, &[&moving[..], std::slice::from_ref(&lost)].concat(), &batches, std::slice::from_ref(&trip)).await;

    drive(&database, trip.id()).await;

    let arrived = transport(&database, trip.id()).await.unwrap();
    assert!(matches!(arrived.state(), TransportState::Arrived { .. }));
    for kept in batches {
        let kept = batch(&database, kept.alias()).await.unwrap();
        assert_eq!(kept.state(), BatchState::Completed { transport_id: trip.id(), at: noon() });
    }
    for kept in moving {
        let kept = item(&database, kept.tracking_number()).await.unwrap();
        assert_eq!(kept.current_center(), Some(trip.route().destination()));
    }
    let lost = item(&database, lost.tracking_number()).await.unwrap();
    assert_eq!((lost.status(), lost.current_center(), lost.packing()), (ItemStatus::Lost, None, None));
}

/// Packs the items, and says how many statements that took.
async fn pack(database: &TestDatabase, into: &Batch, items: &[Item]) -> u64 {
    let numbers: Vec<_> = items.iter().map(|it| it.tracking_number().clone()).collect();
    let before = database.statements();
    let mut work = database.shipping_store().begin().await.unwrap();
    let found = work.batches().find(std::slice::from_ref(into.alias())).await.unwrap();
    let mut items = work.items().find(&numbers).await.unwrap();
    assert_eq!(items.len(), numbers.len());
    let events: Vec<_> = items.iter_mut().filter_map(|it| found[0].pack(it, noon()).unwrap()).collect();
    work.items().save(&items).await.unwrap();
    work.outbox().append(&crate::events::recorded(&events)).await.unwrap();
    work.commit().await.unwrap();
    database.statements() - before
}

async fn a_thousand_items_are_packed_at_once(database: TestDatabase) {
    let batch = a_batch().build();
    let items: Vec<_> = (0..1000).map(|_| an_item().build()).collect();
    keep(&database, &items, std::slice::from_ref(&batch), &[]).await;

    pack(&database, &batch, &items).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    let packed = work.items().packed_in(&[batch.id()]).await.unwrap();
    assert_eq!(packed.len(), 1000);
    assert!(packed.iter().all(|it| it.status() == ItemStatus::Moving));
}

async fn packing_many_items_costs_as_many_statements_as_packing_one(database: TestDatabase) {
    let batch = a_batch().build();
    let items: Vec<_> = (0..101).map(|_| an_item().build()).collect();
    keep(&database, &items, std::slice::from_ref(&batch), &[]).await;

    let one = pack(&database, &batch, &items[..1]).await;
    let hundred = pack(&database, &batch, &items[1..]).await;

    assert_eq!(one, hundred);
    assert!(one <= 12, "{one} statements");
}
