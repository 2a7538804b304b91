//! When lists are counted.

use std::time::{Duration, Instant};

use distribution_application::CenterFilter;
use distribution_domain::testing::a_center;
use kernel_application::{Page, PageNumber, PageRequest};
use persistence_adapter::{Database, Settings};
use shipping_application::{BatchFilter, ItemFilter, TransportFilter};
use shipping_domain::testing::{a_batch, a_transport, an_item, noon};
use user_application::UserFilter;
use user_domain::User;
use user_domain::testing::a_registration;

use crate::databases::TestDatabase;
use crate::shipping_store::keep;

crate::every_database_promises![
    a_long_list_is_counted_once_for_all_who_leaf_through_it,
    the_first_page_of_all_centers_is_counted_exactly_however_long_the_list_is,
    a_short_list_is_counted_exactly_each_time,
    a_page_that_only_a_long_list_has_is_counted_first,
];

/// From as many rows on a list is long here.
const LONG: u32 = 3;

/// Until when nobody counts a long list again, not even beside those who ask.
const RENEWED_AFTER: Duration = Duration::from_millis(1500);

/// What a page of each list costs: the entries with the length of the list, and what is shown with them.
const STATEMENTS: [u64; 5] = [2, 1, 1, 2, 2];

/// Which of the lists that are asked for is that of centers: its first page may be kept for long.
const CENTERS: usize = 3;

/// Puts as much into each list.
async fn fill(database: &TestDatabase, rows: u32) {
    for _ in 0..rows {
        let trip = a_transport().build();
        keep(database, &[an_item().build()], &[a_batch().build()], std::slice::from_ref(&trip)).await;
        let mut work = database.distribution_store().begin().await.unwrap();
        work.centers().add(&a_center().build()).await.unwrap();
        work.commit().await.unwrap();
        let mut work = database.user_store().begin().await.unwrap();
        work.users().add(&User::register(a_registration(), noon()).0).await.unwrap();
        work.commit().await.unwrap();
    }
}

/// What a page told of the length of its list, and the statements that it cost.
#[derive(Debug, PartialEq)]
struct Asked {
    count: Option<u64>,
    statements: u64,
}

/// Asks every list for the same page.
async fn asked(database: &Database, page: PageRequest) -> Vec<Asked> {
    let (shipping, mut asked) = (database.shipping_queries(), Vec::new());
    let mut before = database.statements();
    let mut note = |count| {
        let statements = database.statements() - before;
        before += statements;
        asked.push(Asked { count, statements });
    };
    note(count(shipping.items(&ItemFilter::default(), &[], page).await.unwrap()));
    note(count(shipping.batches(&BatchFilter::default(), &[], page).await.unwrap()));
    note(count(shipping.transports(&TransportFilter::default(), &[], page).await.unwrap()));
    note(count(database.distribution_queries().centers(&CenterFilter::default(), page).await.unwrap()));
    note(count(database.user_queries().users(&UserFilter::default(), page).await.unwrap()));
    asked
}

fn count<T>(page: Option<Page<T>>) -> Option<u64> {
    page.expect("there is such a page").count()
}

/// The same database, where nothing is known yet of how long its lists are.
fn counting(database: &TestDatabase) -> Database {
    database.reopened(&Settings { long_lists_from: LONG, ..Settings::default() })
}

fn counts(asked: &[Asked]) -> Vec<Option<u64>> {
    asked.iter().map(|it| it.count).collect()
}

async fn a_long_list_is_counted_once_for_all_who_leaf_through_it(database: TestDatabase) {
    fill(&database, LONG).await;
    for before in LONG.. {
        let (counting, began) = (counting(&database), Instant::now());

        let first = asked(&counting, PageRequest::default()).await;
        fill(&database, 1).await;
        let second = asked(&counting, PageRequest::default()).await;

        if began.elapsed() < RENEWED_AFTER {
            let all = vec![Some(u64::from(before)); first.len()];
            let mut meanwhile = all.clone();
            meanwhile[CENTERS] = Some(u64::from(before) + 1);
            assert_eq!((counts(&first), counts(&second)), (all, meanwhile));
            let costs = |asked: &[Asked]| asked.iter().map(|it| it.statements).collect::<Vec<_>>();
            assert_eq!((costs(&first), costs(&second)), (STATEMENTS.to_vec(), STATEMENTS.to_vec()));
            break;
        }
        // By then whoever asks again is told how many there are now.
        assert!(before < 10 * LONG, "filling the lists takes too long");
    }
}

async fn the_first_page_of_all_centers_is_counted_exactly_however_long_the_list_is(database: TestDatabase) {
    fill(&database, LONG).await;
    let counting = counting(&database);
    for rows in LONG..LONG + 2 {
        let counts = asked(&counting, PageRequest::default()).await;
        assert_eq!(counts[CENTERS].count, Some(rows.into()));

        fill(&database, 1).await;
    }
}

async fn a_short_list_is_counted_exactly_each_time(database: TestDatabase) {
    let counting = counting(&database);
    for rows in 1..LONG {
        fill(&database, 1).await;

        let asked = asked(&counting, PageRequest::default()).await;

        let counted = STATEMENTS.map(|statements| Asked { count: Some(rows.into()), statements });
        assert_eq!(asked, counted);
    }
}

async fn a_page_that_only_a_long_list_has_is_counted_first(database: TestDatabase) {
    let counting = counting(&database);
    let (queries, filter) = (counting.shipping_queries(), ItemFilter::default());
    let costs = async |number| {
        let before = counting.statements();
        let page = PageRequest::new(PageNumber::Number(number), 1).unwrap();
        let count = queries.items(&filter, &[], page).await.unwrap().and_then(|it| it.count());
        (count, counting.statements() - before)
    };
    fill(&database, LONG - 1).await;
    assert_eq!(costs(LONG).await, (None, 1), "the page is looked for, and there is none");
    assert_eq!(costs(LONG + 1).await, (None, 1), "the list is counted, and too short");

    fill(&database, 2).await;
    assert_eq!(costs(LONG + 1).await, (Some(u64::from(LONG) + 1), 3), "the count, the page and its history");
    assert_eq!(costs(u32::MAX).await.0, None);
}
