//! What shipping's units of work promise about whole trips and bulk commands.

use kernel_domain::StoreError;
use shipping_domain::testing::{a_batch, a_driver, a_transport, an_item, noon};
use shipping_domain::*;

use crate::databases::TestDatabase;
use crate::shipping_store::{batch, item, keep, transport, unaware_departure};

crate::every_database_promises![
    an_item_that_left_its_batch_can_go_into_another,
    an_item_that_was_taken_out_was_never_in_and_may_come_back,
    what_was_removed_is_unknown,
    what_others_refer_to_cannot_be_removed,
    a_batch_takes_no_alias_that_is_taken,
    a_whole_trip_is_kept,
    cargo_is_all_that_is_on_board_and_nothing_else,
    a_thousand_items_are_packed_at_once_and_taken_out_again,
    a_thousand_batches_are_loaded_at_once,
    packing_a_hundred_items_costs_as_many_statements_as_packing_two,
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
    let mut cargo = work.transports().cargo(id).await.unwrap();
    transport.complete(&mut cargo, noon()).unwrap();
    work.transports().save(&transport).await.unwrap();
    work.batches().save(&cargo.batches).await.unwrap();
    work.items().save(&cargo.items).await.unwrap();
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

async fn an_item_that_was_taken_out_was_never_in_and_may_come_back(database: TestDatabase) {
    let open = a_batch().build();
    let (parcel, other) = (an_item().in_batch(&open).build(), an_item().in_batch(&open).build());
    keep(&database, &[parcel.clone(), other.clone()], std::slice::from_ref(&open), &[]).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    let mut found = work.items().find(&[parcel.tracking_number().clone()]).await.unwrap();
    open.unpack(&mut found[0]).unwrap();
    work.items().save_taken_out(&found).await.unwrap();
    work.commit().await.unwrap();

    let kept = item(&database, parcel.tracking_number()).await.unwrap();
    assert_eq!((kept.packing(), kept.status()), (None, ItemStatus::Created));
    let view = database.shipping_queries().item(parcel.tracking_number()).await.unwrap().unwrap();
    assert_eq!(view.history, [], "nothing remembers that it was in");
    let stayed = item(&database, other.tracking_number()).await.unwrap();
    assert_eq!(stayed.packing(), other.packing(), "the other one stays in");

    let mut work = database.shipping_store().begin().await.unwrap();
    let mut found = work.items().find(&[parcel.tracking_number().clone()]).await.unwrap();
    open.pack(&mut found[0], noon()).unwrap();
    work.items().save(&found).await.unwrap();
    work.commit().await.unwrap();
    let kept = item(&database, parcel.tracking_number()).await.unwrap();
    assert_eq!(kept.packing().map(|it| it.batch_id), Some(open.id()));
}

async fn what_was_removed_is_unknown(database: TestDatabase) {
    let trip = a_transport().driven_by(a_driver()).build();
    let travelled = a_batch().loaded_on(&trip).build();
    let parcel = an_item().in_batch(&travelled).build();
    let (empty, unused) = (a_batch().build(), a_transport().build());
    let batches = [travelled.clone(), empty.clone()];
    keep(&database, std::slice::from_ref(&parcel), &batches, &[trip.clone(), unused.clone()]).await;
    drive(&database, trip.id()).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    work.transports().find(unused.id()).await.unwrap().unwrap();
    work.transports().remove(&unused).await.unwrap();
    let batches = work.batches().find(&[empty.alias().clone()]).await.unwrap();
    work.batches().remove(&batches[0]).await.unwrap();
    let items = work.items().find(&[parcel.tracking_number().clone()]).await.unwrap();
    work.items().remove(&items[0]).await.unwrap();
    let refusal = work.items().remove(&items[0]).await;
    work.commit().await.unwrap();

    assert!(matches!(refusal, Err(StoreError::Corrupt { .. })), "it is not there to be removed twice: {refusal:?}");
    assert_eq!(item(&database, parcel.tracking_number()).await, None, "its history did not hold it");
    assert_eq!(batch(&database, empty.alias()).await, None);
    assert_eq!(transport(&database, unused.id()).await, None);
    assert!(batch(&database, travelled.alias()).await.is_some());
}

/// The schema is the last line of defence.
async fn what_others_refer_to_cannot_be_removed(database: TestDatabase) {
    let trip = a_transport().build();
    let loaded = a_batch().loaded_on(&trip).build();
    let parcel = an_item().in_batch(&loaded).build();
    keep(&database, &[parcel], std::slice::from_ref(&loaded), std::slice::from_ref(&trip)).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    let trip = work.transports().find(trip.id()).await.unwrap().unwrap();
    let batches = work.batches().carried_by(trip.id()).await.unwrap();
    let refusals = [work.transports().remove(&trip).await, work.batches().remove(&batches[0]).await];

    for refusal in refusals {
        assert!(matches!(refusal, Err(StoreError::Corrupt { .. })), "{refusal:?}");
    }
}

async fn a_batch_takes_no_alias_that_is_taken(database: TestDatabase) {
    let (taken, renamed) = (a_batch().build(), a_batch().build());
    keep(&database, &[], &[taken.clone(), renamed.clone()], &[]).await;
    let free = a_batch().build().alias().clone();

    let mut work = database.shipping_store().begin().await.unwrap();
    let mut found = work.batches().find(&[renamed.alias().clone()]).await.unwrap();
    found[0].rename(taken.alias().clone()).unwrap();
    let refusal = work.batches().save(&found).await;
    found[0].rename(free.clone()).unwrap();
    work.batches().save(&found).await.unwrap();
    work.commit().await.unwrap();

    assert!(matches!(refusal, Err(StoreError::Duplicate { key: "alias" })), "{refusal:?}");
    assert_eq!(batch(&database, &free).await.map(|it| it.id()), Some(renamed.id()));
    assert_eq!(batch(&database, taken.alias()).await, Some(taken));
    assert_eq!(batch(&database, renamed.alias()).await, None);
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

/// A batch without items is on board, too; what was in one before and came out again is not.
async fn cargo_is_all_that_is_on_board_and_nothing_else(database: TestDatabase) {
    let (trip, other) = (a_transport().build(), a_transport().build());
    let full = a_batch().loaded_on(&trip).build();
    let (empty, elsewhere) = (a_batch().loaded_on(&trip).build(), a_batch().loaded_on(&other).build());
    let parcels = [an_item().in_batch(&full).build(), an_item().in_batch(&full).build()];
    let (left, sent_elsewhere) = (an_item().in_batch(&empty).build(), an_item().in_batch(&elsewhere).build());
    let items = [parcels[0].clone(), parcels[1].clone(), left.clone(), sent_elsewhere];
    keep(&database, &items, &[full.clone(), empty.clone(), elsewhere], &[trip.clone(), other]).await;
    let mut work = database.shipping_store().begin().await.unwrap();
    let left = work.items().find(&[left.tracking_number().clone()]).await.unwrap().remove(0);
    let left = Item::from(ItemSnapshot { packing: None, ..left.snapshot() });
    work.items().save(&[left]).await.unwrap();
    work.commit().await.unwrap();

    let mut work = database.shipping_store().begin().await.unwrap();
    let cargo = work.transports().cargo(trip.id()).await.unwrap();
    let nothing = work.transports().cargo(a_transport().build().id()).await.unwrap();

    assert_eq!(cargo, Cargo { batches: vec![full, empty], items: parcels.into() });
    assert_eq!(nothing, Cargo::default());
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

async fn a_thousand_items_are_packed_at_once_and_taken_out_again(database: TestDatabase) {
    let batch = a_batch().build();
    let items: Vec<_> = (0..1000).map(|_| an_item().build()).collect();
    keep(&database, &items, std::slice::from_ref(&batch), &[]).await;

    pack(&database, &batch, &items).await;

    let mut work = database.shipping_store().begin().await.unwrap();
    let packed = work.items().packed_in(batch.id()).await.unwrap();
    assert_eq!(packed.len(), 1000);
    assert!(packed.iter().all(|it| it.status() == ItemStatus::Moving));

    let mut taken_out = packed;
    assert!(taken_out.iter_mut().all(|it| batch.unpack(it).unwrap().is_some()));
    work.items().save_taken_out(&taken_out).await.unwrap();
    work.commit().await.unwrap();

    let numbers: Vec<_> = items.iter().map(|it| it.tracking_number().clone()).collect();
    let mut work = database.shipping_store().begin().await.unwrap();
    assert_eq!(work.items().packed_in(batch.id()).await.unwrap(), []);
    let free = work.items().find(&numbers).await.unwrap();
    assert_eq!(free.len(), 1000);
    assert!(free.iter().all(|it| it.status() == ItemStatus::Created && it.packing().is_none()));
}

async fn a_thousand_batches_are_loaded_at_once(database: TestDatabase) {
    let trip = a_transport().build();
    let batches: Vec<_> = (0..1000).map(|_| a_batch().build()).collect();
    keep(&database, &[], &batches, std::slice::from_ref(&trip)).await;
    let aliases: Vec<_> = batches.iter().map(|it| it.alias().clone()).collect();

    let mut work = database.shipping_store().begin().await.unwrap();
    let trip = work.transports().find(trip.id()).await.unwrap().unwrap();
    let mut found = work.batches().find(&aliases).await.unwrap();
    let events: Vec<_> = found.iter_mut().filter_map(|it| trip.load(it).unwrap()).collect();
    work.batches().save(&found).await.unwrap();
    work.outbox().append(&crate::events::recorded(&events)).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(events.len(), 1000);
    let mut work = database.shipping_store().begin().await.unwrap();
    assert_eq!(work.batches().carried_by(trip.id()).await.unwrap().len(), 1000);
    let seen = database.shipping_queries().transport(trip.id()).await.unwrap().unwrap();
    assert_eq!(seen.batch_count, 1000);
}

/// Several items are found before they are locked: that is one statement more than for one.
async fn packing_a_hundred_items_costs_as_many_statements_as_packing_two(database: TestDatabase) {
    let batch = a_batch().build();
    let items: Vec<_> = (0..103).map(|_| an_item().build()).collect();
    keep(&database, &items, std::slice::from_ref(&batch), &[]).await;

    let one = pack(&database, &batch, &items[..1]).await;
    let two = pack(&database, &batch, &items[1..3]).await;
    let hundred = pack(&database, &batch, &items[3..]).await;

    assert_eq!([one, two, hundred], [7, 8, 8]);
}
