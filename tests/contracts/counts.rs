//! When lists are counted.

use distribution_application::CenterFilter;
use distribution_domain::testing::a_center;
use kernel_application::{Page, PageRequest};
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
];

/// From as many rows on a list is long here.
const LONG: u32 = 3;

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

async fn a_long_list_is_counted_once_for_all_who_leaf_through_it(database: TestDatabase) {
    fill(&database, LONG).await;
    let database = database.reopened(&Settings { long_lists_from: LONG, ..Settings::default() });

    let first = asked(&database, PageRequest::default()).await;
    let second = asked(&database, PageRequest::default()).await;

    let costs: Vec<_> = second.iter().map(|it| it.statements).collect();
    assert_eq!(costs, [2, 1, 1, 3, 2], "the entries, and what is shown with them");
    for (list, (first, second)) in first.into_iter().zip(second).enumerate() {
        let saved = u64::from(list != CENTERS);
        assert_eq!(second, Asked { count: Some(LONG.into()), statements: first.statements - saved });
    }
}

async fn the_first_page_of_all_centers_is_counted_exactly_however_long_the_list_is(database: TestDatabase) {
    fill(&database, LONG).await;
    let counting = database.reopened(&Settings { long_lists_from: LONG, ..Settings::default() });
    for rows in LONG..LONG + 2 {
        let counts = asked(&counting, PageRequest::default()).await;
        assert_eq!(counts[CENTERS].count, Some(rows.into()));

        fill(&database, 1).await;
    }
}

async fn a_short_list_is_counted_exactly_each_time(database: TestDatabase) {
    let counting = database.reopened(&Settings { long_lists_from: LONG, ..Settings::default() });
    for rows in 1..LONG {
        fill(&database, 1).await;

        let counts: Vec<_> = asked(&counting, PageRequest::default()).await.into_iter().map(|it| it.count).collect();

        assert_eq!(counts, [Some(u64::from(rows)); 5]);
    }
}
