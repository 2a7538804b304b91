//! What shipping's read side promises.

use std::collections::HashSet;

use chrono::TimeDelta;
use kernel_application::{Direction, PageNumber, PageRequest, Place};
use persistence_adapter::Settings;
use shipping_application::*;
use shipping_domain::testing::{a_batch, a_driver, a_transport, an_item, center, noon};
use shipping_domain::*;

use crate::databases::TestDatabase;
use crate::shipping_store::keep;

crate::every_database_promises![
    an_item_is_shown_with_its_history,
    a_batch_is_shown_with_its_transport,
    a_transport_is_shown_with_the_number_of_its_batches,
    pages_never_overlap_and_miss_nothing,
    a_page_past_the_end_is_none_and_page_one_always_exists,
    items_are_filtered_by_status_and_by_batch,
    batches_are_filtered_by_completion_and_by_transport,
    transports_are_filtered_by_everything_at_once,
    lists_come_in_the_order_asked_for,
    a_longer_list_costs_no_more_statements,
    what_many_ask_for_is_found_at_once,
];

fn page(number: u32, size: u32) -> PageRequest {
    PageRequest::new(PageNumber::Number(number), size).unwrap()
}

fn last(size: u32) -> PageRequest {
    PageRequest::new(PageNumber::Last, size).unwrap()
}

/// An item that was registered so many seconds after noon.
fn an_item_at(seconds: i64) -> Item {
    Item::from(ItemSnapshot { created_at: noon() + TimeDelta::seconds(seconds), ..an_item().build().snapshot() })
}

async fn an_item_is_shown_with_its_history(database: TestDatabase) {
    let trip = a_transport().build();
    let batch = a_batch().loaded_on(&trip).build();
    let (packed, fresh) = (an_item().in_batch(&batch).build(), an_item().build());
    let items = [packed.clone(), fresh.clone()];
    keep(&database, &items, std::slice::from_ref(&batch), std::slice::from_ref(&trip)).await;

    let seen = database.shipping_queries().item(packed.tracking_number()).await.unwrap().unwrap();
    assert_eq!(seen.status, ItemStatus::Moving);
    let route = (trip.id(), center("ABC001"), center("ABC002"));
    assert_eq!(seen.history, [PastBatch { alias: batch.alias().clone(), completed: false, transport: Some(route) }]);
    let seen = database.shipping_queries().item(fresh.tracking_number()).await.unwrap().unwrap();
    assert_eq!(seen.history, []);
    assert_eq!(database.shipping_queries().item(an_item().build().tracking_number()).await.unwrap(), None);
}

async fn a_batch_is_shown_with_its_transport(database: TestDatabase) {
    let trip = a_transport().driven_by(a_driver()).build();
    let (loaded, open) = (a_batch().loaded_on(&trip).build(), a_batch().build());
    keep(&database, &[], &[loaded.clone(), open.clone()], std::slice::from_ref(&trip)).await;

    let seen = database.shipping_queries().batch(loaded.alias()).await.unwrap().unwrap();
    let transport = seen.transport.unwrap();
    assert_eq!((transport.id, transport.batch_count, transport.driver_id), (trip.id(), 1, trip.driver_id()));
    let seen = database.shipping_queries().batch(open.alias()).await.unwrap().unwrap();
    assert_eq!((seen.transport, seen.completed, seen.completed_at), (None, false, None));
    assert_eq!(database.shipping_queries().batch(a_batch().build().alias()).await.unwrap(), None);
}

async fn a_transport_is_shown_with_the_number_of_its_batches(database: TestDatabase) {
    let trip = a_transport().arrived().build();
    let batches = [(); 3].map(|()| a_batch().departed_with(&trip).build());
    keep(&database, &[], &batches, std::slice::from_ref(&trip)).await;

    let seen = database.shipping_queries().transport(trip.id()).await.unwrap().unwrap();

    assert_eq!((seen.batch_count, seen.completed), (3, true));
    assert_eq!(seen.departed_at, Some(noon()));
    assert_eq!(seen.arrived_at, Some(noon() + TimeDelta::hours(1)));
    assert_eq!(database.shipping_queries().transport(a_transport().build().id()).await.unwrap(), None);
}

/// Items that were registered at the same moment are the hard case: only a tie-breaker separates them.
async fn pages_never_overlap_and_miss_nothing(database: TestDatabase) {
    let items: Vec<_> = (0..25).map(|at| an_item_at(at / 10)).collect();
    keep(&database, &items, &[], &[]).await;
    let orders: [&[(ItemOrder, Direction)]; 4] = [
        &[],
        &[(ItemOrder::Created, Direction::Ascending)],
        &[(ItemOrder::Completed, Direction::Descending)],
        &[(ItemOrder::Completed, Direction::Ascending), (ItemOrder::Created, Direction::Descending)],
    ];

    for (long_lists_from, order) in [5, 100].into_iter().flat_map(|from| orders.map(|order| (from, order))) {
        let database = database.reopened(&Settings { long_lists_from, ..Settings::default() });
        let found = async |page| {
            let found = database.shipping_queries().items(&ItemFilter::default(), order, page).await;
            found.unwrap().unwrap()
        };
        let mut seen = Vec::new();
        for number in 1..=3 {
            let found = found(page(number, 10)).await;
            assert_eq!((found.place, found.size), (Place::Numbered { number, count: 25 }, 10));
            seen.extend(found.entries.into_iter().map(|it| it.id));
        }
        assert_eq!(seen.len(), 25, "{order:?}");
        assert_eq!(seen.into_iter().collect::<HashSet<_>>().len(), 25, "{order:?}: nothing twice");
        for (number, size) in [(1, 100), (3, 10), (5, 5)] {
            assert_eq!(found(last(size)).await, found(page(number, size)).await, "{order:?}: {size} on the last page");
        }
    }
}

async fn a_page_past_the_end_is_none_and_page_one_always_exists(database: TestDatabase) {
    let queries = database.shipping_queries();
    let filter = ItemFilter::default();
    assert!(queries.items(&filter, &[], page(1, 10)).await.unwrap().is_some_and(|it| it.entries.is_empty()));
    assert!(queries.items(&filter, &[], page(2, 10)).await.unwrap().is_none());
    let nothing = queries.items(&filter, &[], last(10)).await.unwrap().unwrap();
    assert_eq!((nothing.entries.len(), nothing.place), (0, Place::Numbered { number: 1, count: 0 }));

    keep(&database, &[an_item().build(), an_item().build()], &[], &[]).await;

    let found = queries.items(&filter, &[], last(1)).await.unwrap();
    assert!(matches!(found.unwrap().place, Place::Numbered { number: 2, .. }));
    assert!(queries.items(&filter, &[], page(3, 1)).await.unwrap().is_none());
}

async fn items_are_filtered_by_status_and_by_batch(database: TestDatabase) {
    let batch = a_batch().build();
    let (packed, lost) = (an_item().in_batch(&batch).build(), an_item().with_status(ItemStatus::Lost).build());
    keep(&database, &[packed.clone(), lost.clone()], std::slice::from_ref(&batch), &[]).await;
    let found = async |status, batch| {
        let found = database.shipping_queries().items(&ItemFilter { status, batch }, &[], page(1, 10)).await;
        found.unwrap().unwrap().entries.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };

    assert_eq!(found(Some(ItemStatus::Lost), None).await, [lost.id()]);
    assert_eq!(found(None, Some(batch.id())).await, [packed.id()]);
    assert_eq!(found(Some(ItemStatus::Moving), Some(batch.id())).await, [packed.id()]);
    assert_eq!(found(Some(ItemStatus::Lost), Some(batch.id())).await, []);
}

async fn batches_are_filtered_by_completion_and_by_transport(database: TestDatabase) {
    let trips = [a_transport().build(), a_transport().arrived().build()];
    let completed = BatchState::Completed { transport_id: trips[1].id(), at: noon() };
    let completed = Batch::from(BatchSnapshot { state: completed, ..a_batch().build().snapshot() });
    let loaded = a_batch().loaded_on(&trips[0]).build();
    keep(&database, &[], &[completed.clone(), loaded.clone()], &trips).await;
    let found = async |completed, transport| {
        let filter = BatchFilter { completed, transport };
        let found = database.shipping_queries().batches(&filter, &[], page(1, 10)).await.unwrap().unwrap();
        found.entries.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };

    assert_eq!(found(Some(true), None).await, [completed.id()]);
    assert_eq!(found(Some(false), None).await, [loaded.id()]);
    assert_eq!(found(None, Some(trips[0].id())).await, [loaded.id()]);
    assert_eq!(found(Some(true), Some(trips[0].id())).await, []);
}

async fn transports_are_filtered_by_everything_at_once(database: TestDatabase) {
    let (driver, other_driver) = (a_driver(), a_driver());
    let other_way = Route::between(center("ABC002"), center("ABC001")).unwrap();
    let other_way = TransportSnapshot { route: other_way, ..a_transport().driven_by(driver).build().snapshot() };
    let trips = [
        a_transport().driven_by(driver).build(),
        Transport::from(other_way),
        a_transport().arrived().build(),
        a_transport().driven_by(other_driver).build(),
    ];
    keep(&database, &[], &[], &trips).await;
    let found = async |filter: TransportFilter| {
        let found = database.shipping_queries().transports(&filter, &[], page(1, 10)).await.unwrap().unwrap();
        assert_eq!(found.count(), Some(found.entries.len() as u64));
        found.entries.into_iter().map(|it| it.id).collect::<HashSet<_>>()
    };
    let ids = |which: &[usize]| which.iter().map(|it| trips[*it].id()).collect::<HashSet<_>>();

    let all = TransportFilter::default();
    assert_eq!(found(TransportFilter { completed: Some(true), ..all.clone() }).await, ids(&[2]));
    assert_eq!(found(TransportFilter { completed: Some(false), ..all.clone() }).await, ids(&[0, 1, 3]));
    assert_eq!(found(TransportFilter { driver: Some(driver), ..all.clone() }).await, ids(&[0, 1]));
    assert_eq!(found(TransportFilter { seen_by: Some(driver), ..all.clone() }).await, ids(&[0, 1]));
    assert_eq!(found(TransportFilter { driver: Some(other_driver), ..all.clone() }).await, ids(&[3]));
    let others = TransportFilter { driver: Some(other_driver), seen_by: Some(driver), ..all.clone() };
    assert_eq!(found(others).await, ids(&[]), "asking for what one may not see shows nothing");
    assert_eq!(found(TransportFilter { source: Some(center("ABC002")), ..all.clone() }).await, ids(&[1]));
    assert_eq!(found(TransportFilter { destination: Some(center("abc002")), ..all }).await, ids(&[]));
    let everything = TransportFilter {
        completed: Some(false),
        driver: Some(driver),
        seen_by: None,
        source: Some(center("ABC001")),
        destination: Some(center("ABC002")),
    };
    assert_eq!(found(everything).await, ids(&[0]));
}

async fn lists_come_in_the_order_asked_for(database: TestDatabase) {
    let items: Vec<_> = (0..3).map(an_item_at).collect();
    let delivered = ItemState::Completed { at: noon() };
    let delivered = Item::from(ItemSnapshot { state: delivered, ..an_item_at(3).snapshot() });
    keep(&database, &[&items[..], std::slice::from_ref(&delivered)].concat(), &[], &[]).await;
    let found = async |order: &[(ItemOrder, Direction)]| {
        let found = database.shipping_queries().items(&ItemFilter::default(), order, page(1, 10)).await;
        found.unwrap().unwrap().entries.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    let [a, b, c, d] = [items[0].id(), items[1].id(), items[2].id(), delivered.id()];

    assert_eq!(found(&[]).await, [d, c, b, a], "newest first");
    assert_eq!(found(&[(ItemOrder::Created, Direction::Ascending)]).await, [a, b, c, d]);
    assert_eq!(found(&[(ItemOrder::Completed, Direction::Descending)]).await, [d, c, b, a]);
    assert_eq!(found(&[(ItemOrder::Completed, Direction::Ascending)]).await, [a, b, c, d], "no time is the oldest");
    let both = [(ItemOrder::Completed, Direction::Descending), (ItemOrder::Created, Direction::Ascending)];
    assert_eq!(found(&both).await, [d, a, b, c]);
}

async fn a_longer_list_costs_no_more_statements(database: TestDatabase) {
    let trips: Vec<_> = (0..60).map(|_| a_transport().build()).collect();
    let batches: Vec<_> = trips.iter().map(|it| a_batch().loaded_on(it).build()).collect();
    let items: Vec<_> = batches.iter().map(|it| an_item().in_batch(it).build()).collect();
    keep(&database, &items, &batches, &trips).await;
    let queries = database.shipping_queries();
    let statements = async |size| {
        let before = database.statements();
        queries.items(&ItemFilter::default(), &[], page(1, size)).await.unwrap().unwrap();
        let items = database.statements();
        queries.batches(&BatchFilter::default(), &[], page(1, size)).await.unwrap().unwrap();
        let batches = database.statements();
        queries.transports(&TransportFilter::default(), &[], page(1, size)).await.unwrap().unwrap();
        [items - before, batches - items, database.statements() - batches]
    };

    assert_eq!(statements(1).await, [2, 2, 1]);
    assert_eq!(statements(60).await, [2, 2, 1]);
}

async fn what_many_ask_for_is_found_at_once(database: TestDatabase) {
    let batch = a_batch().build();
    let items: Vec<_> = (0..1000).map(|_| an_item().in_batch(&batch).build()).collect();
    keep(&database, &items, std::slice::from_ref(&batch), &[]).await;
    let ids: Vec<_> = items.iter().map(Item::id).collect();

    let histories = database.shipping_queries().histories(&ids).await.unwrap();

    let past = PastBatch { alias: batch.alias().clone(), completed: false, transport: None };
    assert_eq!(histories.len(), 1000);
    assert!(histories.values().all(|it| *it == [past.clone()]));
}
