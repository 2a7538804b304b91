//! What lists promise once tables are large: the rows they read are those they show, and nothing is sorted.

use std::fmt::Debug;

use kernel_application::{Direction, PageRequest};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use persistence_adapter::{Database, Settings};
use shipping_application::{BatchFilter, BatchOrder, ItemFilter, ItemOrder, TransportFilter, TransportOrder};
use shipping_domain::testing::center;
use shipping_domain::{DriverId, ItemStatus};
use uuid::Uuid;

use crate::databases;

/// Rows in each table, and rows that a page of ten may read for itself, its subqueries included.
const ROWS: u32 = 4000;
const READ_AT_MOST: u64 = 100;

const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

/// Half of everything has arrived.
async fn fill(server: &mut Conn) {
    let numbers =
        format!("WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS})");
    let created = "TIMESTAMP('2026-01-01') + INTERVAL n SECOND";
    for statement in [
        "SET SESSION /*!50701 cte_max_recursion_depth = 100000, */ time_zone = '+00:00'".to_owned(),
        format!(
            "INSERT INTO shipping_items {numbers} SELECT UNHEX(LPAD(HEX(n), 32, '0')), CONCAT('20260101-', LPAD(n, 10, '0')), \
             '', IF(n % 2, 'COMPLETED', 'MOVING'), NULL, {created}, IF(n % 2, {created}, NULL), 1 FROM numbers"
        ),
        format!(
            "INSERT INTO shipping_transports {numbers} SELECT UNHEX(LPAD(HEX(n), 32, '0')), CONCAT('S', n % 20), 'D', \
             UNHEX(LPAD(HEX(n % 100), 32, '0')), NULL, IF(n % 2, 'ARRIVED', 'PLANNED'), {created}, \
             IF(n % 2, {created}, NULL), IF(n % 2, {created}, NULL), 1 FROM numbers"
        ),
        format!(
            "INSERT INTO shipping_batches {numbers} SELECT UNHEX(LPAD(HEX(n), 32, '0')), CONCAT('batch-', n), \
             IF(n % 2, 'COMPLETED', 'LOADED'), UNHEX(LPAD(HEX(n), 32, '0')), {created}, IF(n % 2, {created}, NULL), 1 FROM numbers"
        ),
        "ANALYZE TABLE shipping_items, shipping_transports, shipping_batches".to_owned(),
    ] {
        server.query_drop(statement).await.unwrap();
    }
}

/// Asks for a page, and adds to the faults if the server had to read or sort too much for it.
async fn check<T>(faults: &mut Vec<String>, server: &mut Conn, what: impl Debug, page: impl Future<Output = T>) {
    page.await;
    let last = "SELECT rows_examined, sort_rows FROM performance_schema.events_statements_history \
        WHERE current_schema = DATABASE() AND sql_text LIKE 'SELECT%ORDER BY%LIMIT%' AND sql_text NOT LIKE '%sort_rows%' \
        ORDER BY timer_start DESC LIMIT 1";
    let (read, sorted): (u64, u64) = server.query_first(last).await.unwrap().expect("the list was asked for");
    if read > READ_AT_MOST || sorted > 0 {
        faults.push(format!("{what:?} reads {read} rows and sorts {sorted}"));
    }
}

async fn check_items(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    for direction in DIRECTIONS {
        for order in [ItemOrder::Created, ItemOrder::Completed] {
            for status in [None, Some(ItemStatus::Moving), Some(ItemStatus::Completed)] {
                let (filter, order) = (ItemFilter { status, batch: None }, [(order, direction)]);
                let queries = database.shipping_queries();
                check(faults, server, (&filter, order), queries.items(&filter, &order, PageRequest::default())).await;
            }
        }
    }
}

async fn check_batches(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    for direction in DIRECTIONS {
        for order in [BatchOrder::Created, BatchOrder::Completed] {
            for completed in [None, Some(false), Some(true)] {
                let (filter, order) = (BatchFilter { completed, transport: None }, [(order, direction)]);
                let queries = database.shipping_queries();
                check(faults, server, (&filter, order), queries.batches(&filter, &order, PageRequest::default())).await;
            }
        }
    }
}

async fn check_transports(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    let all = TransportFilter::default();
    for direction in DIRECTIONS {
        for order in [TransportOrder::Created, TransportOrder::Departed, TransportOrder::Arrived] {
            let mut filters = vec![all.clone()];
            filters.extend([false, true].map(|it| TransportFilter { completed: Some(it), ..all.clone() }));
            if order == TransportOrder::Created {
                filters.push(TransportFilter { driver: Some(DriverId::new(Uuid::from_u128(7))), ..all.clone() });
                filters.push(TransportFilter { source: Some(center("S7")), ..all.clone() });
                filters.push(TransportFilter { destination: Some(center("D")), ..all.clone() });
            }
            for filter in filters {
                let (queries, order) = (database.shipping_queries(), [(order, direction)]);
                let page = queries.transports(&filter, &order, PageRequest::default());
                check(faults, server, (&filter, order), page).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_no_more_than_it_shows() {
    let Some(database) = databases::mysql().await else { return };
    let mut server = Conn::from_url(&database.url).await.unwrap();
    // MariaDB does not watch itself unless it is told to.
    if server.query_first("SELECT @@performance_schema").await.unwrap() == Some(0) {
        return;
    }
    fill(&mut server).await;
    let shared = database.reopened(&Settings { pool_size: 1, ..Settings::default() });
    let mut faults = Vec::new();

    check_items(&mut faults, &mut server, &shared).await;
    check_batches(&mut faults, &mut server, &shared).await;
    check_transports(&mut faults, &mut server, &shared).await;

    assert_eq!(faults, [] as [String; 0]);
}
