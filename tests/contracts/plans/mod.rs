//! What reads promise once tables are large: lists read the rows that they show, and sort nothing; who looks for one
//! thing reads little else.

mod lists;
mod lookups;
mod rows;

use std::collections::BTreeSet;
use std::time::Duration;

use kernel_application::{PageNumber, PageRequest, Place};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use persistence_adapter::{Database, Settings};

use crate::databases;
use lists::Query;

/// Entries on the pages that are asked for, and rows that the list may read for one.
const PAGE: u32 = 10;
const READ_AT_MOST: u64 = 3 * PAGE as u64;

/// A page in the middle of the longest lists.
const MIDDLE: u32 = rows::ROWS / PAGE / 2;

/// Lists that may cost more, and why.
struct Exception {
    covers: fn(&Query, PageRequest) -> bool,
    reads: u64,
    sorts: bool,
    /// Passes the whole table without an index, and not only to count it.
    scans: bool,
    reason: &'static str,
}

/// Rows that are counted to say how many batches each transport of a page carries.
const COUNTED: u64 = ((PAGE + 1) * rows::CARRIED + rows::ON_LARGE_TRANSPORT) as u64;

/// The first that covers a query counts.
const EXCEPTIONS: [Exception; 7] = [
    Exception {
        covers: |it, _| it.list == lists::ITEMS_OF_BATCH,
        reads: 3 * rows::IN_LARGE_BATCH as u64,
        sorts: true,
        scans: false,
        reason: "which items a batch has and when they were made is in two tables: the batch is read as a whole",
    },
    Exception {
        covers: |it, _| it.list == lists::BATCHES_OF_TRANSPORT,
        reads: 2 * rows::ON_LARGE_TRANSPORT as u64,
        sorts: true,
        scans: false,
        reason: "a transport carries as much as a truck does, and is read as a whole",
    },
    Exception {
        covers: |it, _| it.order.len() > 1 && !it.is_in_order_of_an_index(),
        reads: 3 * rows::ROWS as u64,
        sorts: true,
        scans: true,
        reason: "an index for every two times in every direction would cost each change more than these lists are worth",
    },
    Exception {
        covers: |it, _| {
            let asks_for = |filter| it.filters.iter().any(|(name, _)| name == filter);
            it.list == lists::USERS && !asks_for("phonenumber") && (it.filters.len() > 1 || asks_for("q"))
        },
        reads: rows::ROWS as u64,
        sorts: false,
        scans: false,
        reason: "no index finds a part of a name, or what two filters have in common: users are passed over one by one",
    },
    Exception {
        covers: |it, page| page.skipped() > PAGE.into() && it.is_completed_by_another_time(),
        reads: 2 * rows::ROWS as u64,
        sorts: true,
        scans: true,
        reason: "no index has what is completed in another order than that, and MySQL may sort all to skip most",
    },
    Exception {
        covers: |it, _| {
            it.list == lists::TRANSPORTS && it.filters.iter().any(|(name, _)| NARROW.contains(&name.as_str()))
        },
        reads: rows::ALIKE as u64 + COUNTED,
        sorts: true,
        scans: false,
        reason: "MySQL may take the transports of one driver or from one center as a whole, and sort them",
    },
    Exception {
        covers: |it, _| it.list == lists::TRANSPORTS,
        reads: READ_AT_MOST + COUNTED,
        sorts: false,
        scans: false,
        reason: "the batches of each transport are counted in the same statement, by an index",
    },
];

/// Filters that leave [`rows::ALIKE`] of all transports or less.
const NARROW: [&str; 3] = ["driver_uuid", "distribution_center_code_source", lists::SEEN_BY];

/// Rows that are read by their keys for what is shown with the entries of a page: the batches that each item was in with
/// their transports, or a transport for each batch with all that it carries.
const COMES_WITH_AT_MOST: u64 = PAGE as u64 + COUNTED;

/// What the server did for one statement.
#[derive(Debug)]
struct Statement {
    sql: String,
    read: u64,
    sorted: u64,
    used_no_index: bool,
}

/// What comes of a future, and the reads and deletions that it took, in their order.
///
/// The server notes what it did for a statement a moment after it has answered, but before it looks at the next one on the same
/// connection: there is one connection, and once it has answered a ping, all before is noted.
async fn statements_of<T>(
    server: &mut Conn,
    database: &Database,
    work: impl Future<Output = T>,
) -> (T, Vec<Statement>) {
    let noted = "performance_schema.events_statements_history WHERE current_schema = DATABASE() \
        AND thread_id <> PS_CURRENT_THREAD_ID() \
        AND (event_name = 'statement/com/Execute' OR event_name LIKE 'statement/sql/%')";
    database.ping().await.unwrap();
    let before = format!("SELECT COALESCE(MAX(timer_start), 0) FROM {noted}");
    let before: u64 = server.query_first(before).await.unwrap().unwrap_or_default();
    let count = database.statements();
    let done = work.await;
    let count = database.statements() - count;
    database.ping().await.unwrap();

    let since = format!(
        "SELECT COALESCE(sql_text, ''), rows_examined, sort_rows, no_index_used FROM {noted} AND timer_start > {before} \
         ORDER BY timer_start"
    );
    let rows: Vec<Row> = server.query(since).await.unwrap();
    assert!(rows.len() as u64 >= count, "{count} statements were asked, and no more noted than {rows:?}");
    let statement = |it: Row| {
        let (sql, read, sorted, used_no_index) = mysql_async::from_row(it);
        Statement { sql, read, sorted, used_no_index }
    };
    let mut statements: Vec<_> = rows.into_iter().map(statement).collect();
    // A ping reads no table.
    statements.retain(|it| it.sql.starts_with("DELETE") || it.sql.starts_with("SELECT") && it.sql.contains(" FROM "));
    (done, statements)
}

/// Asks for a page, and adds to the faults if the server had to read or sort too much for it. Tells where the page is,
/// and how many rows were read for its entries, and to count them.
async fn check_page(
    (faults, needed, named): (&mut Vec<String>, &mut BTreeSet<&'static str>, &mut BTreeSet<String>),
    server: &mut Conn,
    database: &Database,
    query: &Query,
    page: PageRequest,
) -> Option<(Place, u64)> {
    let (place, statements) = statements_of(server, database, lists::ask(database, query, page)).await;
    let place = place?;
    let mut statements = statements.iter();
    let list = statements.next().expect("the list was asked for");
    named.extend(list.sql.split_once("/*+ INDEX(").and_then(|(_, it)| it.split_once(") */")).map(|it| it.0.to_owned()));
    // Who asks for a page by its number wants the list counted, and pays for that; who does not has a cursor. What a
    // filter leaves is read once more for it, or what one of several does; of a whole table MySQL counts rows without
    // examining them.
    let counted = match place {
        Place::Numbered { .. } if query.filters.len() > 1 => Some(rows::ROWS.into()),
        Place::Numbered { count, .. } if !query.is_whole_table() => Some(count),
        _ => None,
    };
    let read_at_most = |most: u64| page.skipped() + most + counted.map_or(0, |it| it.max(most));
    let exception = EXCEPTIONS.iter().find(|it| (it.covers)(query, page));
    let is_fine = list.read <= read_at_most(READ_AT_MOST) && list.sorted == 0 && !list.used_no_index;
    let is_excused = exception.is_some_and(|it| {
        let may_scan = it.scans || counted.is_some();
        list.read <= read_at_most(it.reads) && (it.sorts || list.sorted == 0) && (may_scan || !list.used_no_index)
    });
    if !is_fine && is_excused {
        needed.extend(exception.map(|it| it.reason));
    }
    if !is_fine && !is_excused {
        let Statement { read, sorted, used_no_index, .. } = list;
        faults.push(format!("{query:?} {page:?} reads {read}, sorts {sorted}, without an index: {used_no_index}"));
    }
    for other in statements.filter(|it| it.read > COMES_WITH_AT_MOST || it.used_no_index) {
        faults.push(format!("{query:?} {page:?} comes with {other:?}"));
    }
    Some((place, list.read))
}

/// The indexes that statements name are there; MySQL would pass over another name without a word. Where none is named,
/// pages from the middle of a list read ahead.
async fn check_named_indexes(faults: &mut Vec<String>, server: &mut Conn, named: &BTreeSet<String>) {
    let known = "SELECT DISTINCT CONCAT(table_name, ' ', index_name) FROM information_schema.statistics \
        WHERE table_schema = DATABASE()";
    let known: BTreeSet<String> = server.query(known).await.unwrap().into_iter().collect();
    faults.extend(named.difference(&known).map(|it| format!("there is no index {it}")));
    for index in [
        "shipping_items shipping_items_by_creation",
        "shipping_batches shipping_batches_by_creation",
        "shipping_transports shipping_transports_by_creation",
        "user_users user_users_by_joining",
    ] {
        if !named.contains(index) {
            faults.push(format!("{index} is named for no page from the middle of the list"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_reads_much_more_than_it_shows() {
    let Some(database) = databases::mysql().await else { return };
    let mut server = Conn::from_url(&database.url).await.unwrap();
    // MariaDB does not watch itself unless it is told to.
    if server.query_first("SELECT @@performance_schema").await.unwrap() == Some(0) {
        return;
    }
    rows::fill(&mut server).await;
    // No list is so long here that it is counted beside those who ask for it, and whenever that may be.
    let patience = Duration::from_mins(1);
    let settings = Settings { pool_size: 1, patience, long_lists_from: u32::MAX, ..Settings::default() };
    let database = database.reopened(&settings);
    let (mut faults, mut needed, mut named) = (Vec::new(), BTreeSet::new(), BTreeSet::new());

    for query in lists::queries() {
        let last_page = PageRequest::new(PageNumber::Last, PAGE).unwrap();
        let ends = [PageRequest::default(), last_page, PageRequest::beyond(None, PAGE).unwrap()];
        let (mut next, mut read) = (None, [0; 3]);
        for (page, read) in ends.into_iter().zip(&mut read) {
            let check = check_page((&mut faults, &mut needed, &mut named), &mut server, &database, &query, page);
            let place;
            (place, *read) = check.await.expect("every list has a first and a last page");
            if let Place::Between { next: Some(cursor), .. } = place {
                next = Some(cursor);
            }
        }
        // Both count the list: what is more was read for the entries.
        let ([first, last, _], exception) = (read, EXCEPTIONS.iter().find(|it| (it.covers)(&query, last_page)));
        if last > first + exception.map_or(READ_AT_MOST, |it| it.reads) {
            faults.push(format!("{query:?} reads {first} for the first page, and {last} for the last one"));
        }
        // What is sorted as a whole for one page is so for every page.
        let is_sorted = query.order.len() > 1 && !query.is_in_order_of_an_index();
        for page in [2, MIDDLE].into_iter().filter(|_| !is_sorted) {
            let page = PageRequest::new(PageNumber::Number(page), PAGE).unwrap();
            check_page((&mut faults, &mut needed, &mut named), &mut server, &database, &query, page).await;
        }
        // A list that ends on its first page has no middle.
        for page in next.map(|it| lists::middle(&query.list, it)).unwrap_or_default() {
            check_page((&mut faults, &mut needed, &mut named), &mut server, &database, &query, page).await;
        }
    }
    lookups::check_all(&mut faults, &mut server, &database).await;
    check_named_indexes(&mut faults, &mut server, &named).await;

    assert_eq!(faults, [] as [String; 0]);
    let unneeded = EXCEPTIONS.iter().map(|it| it.reason).filter(|it| !needed.contains(it));
    assert_eq!(unneeded.collect::<Vec<_>>(), [] as [&str; 0], "nothing is excused by these");
}
