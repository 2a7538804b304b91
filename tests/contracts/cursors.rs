//! What cursors promise: the same list as page numbers show, forwards and backwards, without counting it.

use auth_domain::testing::{a_new_api_key, an_account, session_of};
use auth_domain::{ApiKey, ApiKeyName, NewApiKey, Session, SessionSnapshot};
use chrono::TimeDelta;
use distribution_application::CenterFilter;
use distribution_domain::testing::a_center;
use distribution_domain::{Center, CenterName, CenterSnapshot};
use kernel_application::{Cursor, Direction, Page, PageNumber, PageRequest, Place};
use shipping_application::{BatchFilter, BatchOrder, ItemFilter, ItemOrder, TransportFilter, TransportOrder};
use shipping_domain::testing::{a_batch, a_driver, a_transport, an_item, noon};
use shipping_domain::*;
use user_application::UserFilter;
use user_domain::User;
use user_domain::testing::a_registration;
use uuid::Uuid;

use crate::databases::TestDatabase;
use crate::shipping_store::keep;

crate::every_database_promises![
    items_come_in_the_same_order_by_cursor,
    batches_come_in_the_same_order_by_cursor,
    transports_come_in_the_same_order_by_cursor,
    what_is_in_a_batch_or_on_a_transport_comes_by_cursor,
    what_a_driver_is_shown_comes_by_cursor,
    lists_in_one_order_come_by_cursor_too,
    what_comes_and_goes_meanwhile_neither_repeats_nor_hides_anything,
    a_cursor_costs_no_count,
    a_cursor_of_another_order_leads_nowhere,
];

/// More pages than any list here has.
const MANY: usize = 50;

fn beyond(cursor: Option<Cursor>, size: u32) -> PageRequest {
    PageRequest::beyond(cursor, size).unwrap()
}

/// Walks a list to its end and back again, a few entries at a time, and expects what one large page shows; so is the
/// last page by name.
async fn walk<T>(what: &str, fetch: impl AsyncFn(PageRequest) -> Page<T>, id: impl Fn(&T) -> Uuid) {
    let ids = |page: &Page<T>| page.entries.iter().map(&id).collect::<Vec<_>>();
    let all = ids(&fetch(PageRequest::new(PageNumber::Number(1), 100).unwrap()).await);
    assert!(all.len() > 1, "{what}: {} entries", all.len());

    for size in [1, 4, 100] {
        let (mut forwards, mut backwards, mut last) = (Vec::new(), Vec::new(), None);
        let mut cursor = None;
        for turn in 0.. {
            assert!(turn < MANY, "{what}: it does not end");
            let page = fetch(beyond(cursor, size)).await;
            let Place::Between { previous, next } = page.place else { panic!("{what}: it was counted") };
            assert_eq!(previous.is_some(), turn > 0, "{what}: only the first page has none before it");
            forwards.extend(ids(&page));
            last = previous;
            cursor = next;
            if cursor.is_none() {
                backwards.splice(0..0, ids(&page));
                break;
            }
        }
        assert_eq!(forwards, all, "{what}, {size} at a time");
        for turn in 0.. {
            assert!(turn < MANY, "{what}: it does not end");
            let Some(previous) = last else { break };
            let page = fetch(beyond(Some(previous), size)).await;
            let Place::Between { previous, next } = page.place else { panic!("{what}: it was counted") };
            assert!(next.is_some(), "{what}: we come from there");
            backwards.splice(0..0, ids(&page));
            last = previous;
        }
        assert_eq!(backwards, all, "{what}, {size} at a time, backwards");
        let end = fetch(PageRequest::new(PageNumber::Last, size).unwrap()).await;
        assert_eq!(ids(&end), all.chunks(size as usize).last().unwrap(), "{what}, {size} at a time, the last page");
    }
}

const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

/// Every order by one or two of these.
fn orders<K: Copy>(keys: &[K]) -> Vec<Vec<(K, Direction)>> {
    let mut orders = vec![vec![]];
    for first in keys {
        for one in DIRECTIONS {
            orders.push(vec![(*first, one)]);
            for second in keys {
                orders.extend(DIRECTIONS.map(|other| vec![(*first, one), (*second, other)]));
            }
        }
    }
    orders
}

/// Items of which many have the same times, and some have none.
fn items() -> Vec<Item> {
    let item = |at: i64| {
        let at_hour = |hours| noon() + TimeDelta::hours(hours);
        let state = if at % 3 == 0 { ItemState::Completed { at: at_hour(at % 4) } } else { ItemState::Moving };
        Item::from(ItemSnapshot { created_at: at_hour(at / 5), state, ..an_item().build().snapshot() })
    };
    (0..15).map(item).collect()
}

async fn items_come_in_the_same_order_by_cursor(database: TestDatabase) {
    keep(&database, &items(), &[], &[]).await;
    for order in orders(&[ItemOrder::Created, ItemOrder::Completed]) {
        for status in [None, Some(ItemStatus::Moving), Some(ItemStatus::Completed)] {
            let filter = ItemFilter { status, batch: None };
            let fetch = async |page| database.shipping_queries().items(&filter, &order, page).await.unwrap().unwrap();
            walk(&format!("{order:?} {status:?}"), fetch, |it| it.id.as_uuid()).await;
        }
    }
}

async fn batches_come_in_the_same_order_by_cursor(database: TestDatabase) {
    let trip = a_transport().arrived().build();
    let batch = |at: i64| {
        let at_hour = |hours| noon() + TimeDelta::hours(hours);
        let completed = BatchState::Completed { transport_id: trip.id(), at: at_hour(at % 3) };
        let state = if at % 2 == 0 { completed } else { BatchState::Open };
        Batch::from(BatchSnapshot { created_at: at_hour(at / 4), state, ..a_batch().build().snapshot() })
    };
    let batches: Vec<_> = (0..11).map(batch).collect();
    keep(&database, &[], &batches, std::slice::from_ref(&trip)).await;
    for order in orders(&[BatchOrder::Created, BatchOrder::Completed]) {
        for completed in [None, Some(true), Some(false)] {
            let filter = BatchFilter { completed, transport: None };
            let fetch = async |page| database.shipping_queries().batches(&filter, &order, page).await.unwrap().unwrap();
            walk(&format!("{order:?} {completed:?}"), fetch, |it| it.id.as_uuid()).await;
        }
    }
}

async fn transports_come_in_the_same_order_by_cursor(database: TestDatabase) {
    let transport = |at: i64| {
        let at_hour = |hours| noon() + TimeDelta::hours(hours);
        let (driver_id, departed_at) = (a_driver(), at_hour(at % 2));
        let state = match at % 3 {
            0 => TransportState::Planned { driver_id: None },
            1 => TransportState::InTransit { driver_id, departed_at },
            _ => TransportState::Arrived { driver_id, departed_at, arrived_at: at_hour(2 + at % 2) },
        };
        Transport::from(TransportSnapshot { created_at: at_hour(at / 4), state, ..a_transport().build().snapshot() })
    };
    let transports: Vec<_> = (0..11).map(transport).collect();
    keep(&database, &[], &[], &transports).await;
    for order in orders(&[TransportOrder::Created, TransportOrder::Departed, TransportOrder::Arrived]) {
        for completed in [None, Some(true), Some(false)] {
            let filter = TransportFilter { completed, ..TransportFilter::default() };
            let fetch =
                async |page| database.shipping_queries().transports(&filter, &order, page).await.unwrap().unwrap();
            walk(&format!("{order:?} {completed:?}"), fetch, |it| it.id.as_uuid()).await;
        }
    }
}

async fn what_is_in_a_batch_or_on_a_transport_comes_by_cursor(database: TestDatabase) {
    let (trip, other_trip) = (a_transport().build(), a_transport().build());
    let (batch, other_batch) = (a_batch().loaded_on(&trip).build(), a_batch().loaded_on(&other_trip).build());
    let packed = |(at, it): (usize, Item)| {
        let packing =
            Some(Packing { batch_id: if at % 4 == 0 { other_batch.id() } else { batch.id() }, since: noon() });
        Item::from(ItemSnapshot { packing, ..it.snapshot() })
    };
    let items: Vec<_> = items().into_iter().enumerate().map(packed).collect();
    let loaded = |at: i64| {
        let created_at = noon() + TimeDelta::hours(at / 3);
        let state = BatchState::Loaded { transport_id: if at % 4 == 0 { other_trip.id() } else { trip.id() } };
        Batch::from(BatchSnapshot { created_at, state, ..a_batch().build().snapshot() })
    };
    let batches: Vec<_> = (0..11).map(loaded).chain([batch.clone(), other_batch.clone()]).collect();
    keep(&database, &items, &batches, &[trip.clone(), other_trip]).await;

    for order in orders(&[ItemOrder::Created, ItemOrder::Completed]) {
        for status in [None, Some(ItemStatus::Moving)] {
            let filter = ItemFilter { status, batch: Some(batch.id()) };
            let fetch = async |page| database.shipping_queries().items(&filter, &order, page).await.unwrap().unwrap();
            walk(&format!("in a batch, {order:?} {status:?}"), fetch, |it| it.id.as_uuid()).await;
        }
    }
    for order in orders(&[BatchOrder::Created]) {
        for completed in [None, Some(false)] {
            let filter = BatchFilter { completed, transport: Some(trip.id()) };
            let fetch = async |page| database.shipping_queries().batches(&filter, &order, page).await.unwrap().unwrap();
            walk(&format!("on a transport, {order:?} {completed:?}"), fetch, |it| it.id.as_uuid()).await;
        }
    }
}

async fn what_a_driver_is_shown_comes_by_cursor(database: TestDatabase) {
    let (driver, other) = (a_driver(), a_driver());
    let transport = |at: i64| {
        let planned = a_transport().driven_by(if at % 3 == 0 { other } else { driver }).build();
        Transport::from(TransportSnapshot { created_at: noon() + TimeDelta::hours(at / 4), ..planned.snapshot() })
    };
    let transports: Vec<_> = (0..11).map(transport).collect();
    keep(&database, &[], &[], &transports).await;
    for order in orders(&[TransportOrder::Created, TransportOrder::Departed]) {
        let filter = TransportFilter { seen_by: Some(driver), ..TransportFilter::default() };
        let fetch = async |page| database.shipping_queries().transports(&filter, &order, page).await.unwrap().unwrap();
        walk(&format!("a driver's, {order:?}"), fetch, |it| it.id.as_uuid()).await;
    }
}

async fn lists_in_one_order_come_by_cursor_too(database: TestDatabase) {
    let account = an_account();
    let at = |hour: i64| noon() + TimeDelta::hours(hour / 3);
    for hour in 0..7 {
        let mut work = database.distribution_store().begin().await.unwrap();
        let name = CenterName::parse(if hour % 2 == 0 { "North" } else { "South" }).unwrap();
        let center = Center::from(CenterSnapshot { created_at: at(hour), name, ..a_center().build().snapshot() });
        work.centers().add(&center).await.unwrap();
        work.commit().await.unwrap();

        let mut work = database.user_store().begin().await.unwrap();
        work.users().add(&User::register(a_registration(), at(hour)).0).await.unwrap();
        work.commit().await.unwrap();

        let mut work = database.auth_store().begin().await.unwrap();
        let used = SessionSnapshot { last_used_at: at(hour), ..session_of(account).snapshot() };
        work.sessions().add(&Session::from(used)).await.unwrap();
        let name = ApiKeyName::parse("a key").unwrap();
        work.api_keys().add(&ApiKey::create(NewApiKey { name, ..a_new_api_key() }, at(hour)).unwrap()).await.unwrap();
        work.commit().await.unwrap();
    }

    for name in [None, Some("North".to_owned())] {
        let filter = CenterFilter { name, ..CenterFilter::default() };
        let fetch = async |page| database.distribution_queries().centers(&filter, page).await.unwrap().unwrap();
        walk(&format!("centers, {filter:?}"), fetch, |it| it.id.as_uuid()).await;
    }
    let filter = UserFilter::default();
    let fetch = async |page| database.user_queries().users(&filter, page).await.unwrap().unwrap();
    walk("users", fetch, |it| it.id.as_uuid()).await;
    let fetch = async |page| database.auth_queries().sessions(account, noon(), page).await.unwrap().unwrap();
    walk("sessions", fetch, |it| it.id.as_uuid()).await;
    let fetch = async |page| database.auth_queries().api_keys(page).await.unwrap().unwrap();
    walk("API keys", fetch, |it| it.id.as_uuid()).await;
}

async fn what_comes_and_goes_meanwhile_neither_repeats_nor_hides_anything(database: TestDatabase) {
    let item = |hours| {
        let created_at = noon() + TimeDelta::hours(hours);
        Item::from(ItemSnapshot { created_at, ..an_item().build().snapshot() })
    };
    let items: Vec<_> = (0..6).map(item).collect();
    keep(&database, &items, &[], &[]).await;
    let fetch = async |cursor| {
        let page = database.shipping_queries().items(&ItemFilter::default(), &[], beyond(cursor, 2)).await;
        let page = page.unwrap().unwrap();
        let Place::Between { previous, next } = page.place else { panic!("it was counted") };
        (page.entries.into_iter().map(|it| it.id).collect::<Vec<_>>(), previous, next)
    };
    let (first, _, next) = fetch(None).await;
    assert_eq!(first, [items[5].id(), items[4].id()]);

    keep(&database, &[item(9)], &[], &[]).await;

    let (second, previous, _) = fetch(next).await;
    assert_eq!(second, [items[3].id(), items[2].id()], "nothing is shown twice");
    let (back, before, _) = fetch(previous).await;
    assert_eq!(back, first);
    assert_eq!(fetch(before).await.0.len(), 1, "what came first is found there");
}

async fn a_cursor_costs_no_count(database: TestDatabase) {
    keep(&database, &items(), &[], &[]).await;
    let before = database.statements();

    let page = database.shipping_queries().items(&ItemFilter::default(), &[], beyond(None, 10)).await;

    let page = page.unwrap().unwrap();
    assert_eq!((page.entries.len(), page.count()), (10, None));
    assert_eq!(database.statements() - before, 2, "the page and the history");
}

async fn a_cursor_of_another_order_leads_nowhere(database: TestDatabase) {
    keep(&database, &items(), &[], &[]).await;
    let cursor = Cursor::new(false, &[Some(noon()); 2], Uuid::nil());

    let page = database.shipping_queries().items(&ItemFilter::default(), &[], beyond(cursor, 10)).await;

    assert_eq!(page.unwrap(), None);
}
