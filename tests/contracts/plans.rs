//! What reads promise once tables are large: lists read the rows that they show, and sort nothing; who looks for one
//! thing reads little else.

use std::fmt::Debug;

use auth_domain::testing::a_phone_number;
use auth_domain::{AccountId, RefreshTokenHash};
use chrono::{DateTime, TimeDelta};
use kernel_application::{Cursor, Direction, PageRequest};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use persistence_adapter::{Database, Settings};
use shipping_application::{BatchFilter, BatchOrder, ItemFilter, ItemOrder, TransportFilter, TransportOrder};
use shipping_domain::testing::center;
use shipping_domain::{DriverId, ItemStatus};
use user_application::{AccountName, UserFilter};
use user_domain::{PhoneNumberHash, UserId, UserType, Username};
use uuid::Uuid;

use crate::databases;

/// Rows in each table, and rows that a page of ten may read for itself, its subqueries included.
const ROWS: u32 = 4000;
const READ_AT_MOST: u64 = 100;

/// Rows that who looks for one thing may read for it.
const LOOKED_AT_MOST: u64 = 20;

const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

/// Half of everybody can use their account, half of all sessions go on, and half of all keys are good.
async fn fill_people(server: &mut Conn) {
    let numbers =
        format!("WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS})");
    let (id, at) = ("UNHEX(LPAD(HEX(n), 32, '0'))", "TIMESTAMP('2026-01-01') + INTERVAL n SECOND");
    let hash = "UNHEX(LPAD(HEX(n), 64, '0'))";
    for statement in [
        format!(
            "INSERT INTO user_users {numbers} SELECT {id}, CONCAT('u', n), IF(n % 2, CONCAT('+8210', LPAD(n, 8, '0')), NULL), \
             NULL, IF(n % 3, 'STAFF', 'DRIVER'), FALSE, FALSE, n % 2, NOT n % 2, NULL, NULL, NULL, 'ko', {at}, \
             IF(n % 2, NULL, {at}), NULL, IF(n % 2, NULL, {hash}), 1 FROM numbers"
        ),
        format!("INSERT INTO user_permission_groups {numbers} SELECT {id}, 'dispatch' FROM numbers"),
        format!(
            "INSERT INTO user_discarded_images {numbers} SELECT CONCAT('images/user/staff/', LPAD(n, 32, '0'), '.jpg'), {at} \
             FROM numbers"
        ),
        format!(
            "INSERT INTO auth_sessions {numbers} SELECT {id}, UNHEX(LPAD(HEX(n % 10), 32, '0')), {hash}, NULL, NULL, {at}, \
             {at}, {at} + INTERVAL 9 YEAR, IF(n % 2, NULL, {at}) FROM numbers"
        ),
        format!("INSERT INTO auth_spent_refresh_tokens {numbers} SELECT REVERSE({hash}), {id}, {at} FROM numbers"),
        format!(
            "INSERT INTO auth_challenges {numbers} SELECT {id}, CONCAT('+8210', LPAD(n % 1000, 8, '0')), n DIV 1000 + 1, \
             n > {ROWS} - 1000, 'SIGNIN', {id}, {hash}, {at}, {at}, 0, 0, 'OPEN', NULL, 1 FROM numbers"
        ),
        format!(
            "INSERT INTO auth_api_keys {numbers} SELECT {id}, 'key', CONCAT('mk_', n), {hash}, 'shipping:read', NULL, {at}, \
             NULL, NULL, IF(n % 2, NULL, {at}) FROM numbers"
        ),
        format!("INSERT INTO auth_allowed_numbers {numbers} SELECT CONCAT('+8210', LPAD(n, 8, '0')), '' FROM numbers"),
        format!("INSERT INTO idempotency_requests {numbers} SELECT 'a', n, {hash}, 'b', {at} FROM numbers"),
        "ANALYZE TABLE user_users, user_permission_groups, user_discarded_images, auth_sessions, \
         auth_spent_refresh_tokens, auth_challenges, auth_api_keys, auth_allowed_numbers, idempotency_requests"
            .to_owned(),
    ] {
        server.query_drop(statement).await.unwrap();
    }
}

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

/// Looks for something, and adds to the faults if the server had to read too much for it.
async fn check_lookup<T>(faults: &mut Vec<String>, server: &mut Conn, what: &str, lookup: impl Future<Output = T>) {
    let asked = "performance_schema.events_statements_history WHERE current_schema = DATABASE() \
        AND (sql_text LIKE 'SELECT%' OR sql_text LIKE 'DELETE%') AND sql_text NOT LIKE '%performance_schema%'";
    let before = format!("SELECT COALESCE(MAX(timer_start), 0) FROM {asked}");
    let before: u64 = server.query_first(before).await.unwrap().unwrap_or_default();
    lookup.await;
    let read = format!("SELECT COUNT(*), COALESCE(MAX(rows_examined), 0) FROM {asked} AND timer_start > {before}");
    let (statements, read): (u64, u64) = server.query_first(read).await.unwrap().expect("a row");
    if statements == 0 || read > LOOKED_AT_MOST {
        faults.push(format!("{what} reads {read} rows in one of {statements} statements"));
    }
}

/// The first page, and one from the middle by cursor, forwards and backwards: of a list by `times`, of which some
/// entries may have none.
fn pages(times: usize) -> Vec<PageRequest> {
    let middle =
        Some((DateTime::UNIX_EPOCH + TimeDelta::days(20454) + TimeDelta::seconds(i64::from(ROWS) / 2)).to_utc());
    let mut places = vec![vec![middle; times]];
    if times > 1 {
        places.push([vec![None], vec![middle; times - 1]].concat());
    }
    let mut pages = vec![PageRequest::default(), PageRequest::beyond(None, 10).unwrap()];
    for place in places {
        for is_backwards in [false, true] {
            let cursor = Cursor::new(is_backwards, &place, Uuid::from_u128(u128::from(ROWS / 2)));
            pages.push(PageRequest::beyond(cursor, 10).unwrap());
        }
    }
    pages
}

async fn check_users(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    let all = UserFilter::default();
    for filter in [
        UserFilter { user_type: Some(UserType::Driver), ..all.clone() },
        UserFilter { is_active: Some(true), ..all.clone() },
        UserFilter { is_active: Some(false), ..all.clone() },
        UserFilter { is_banned: Some(true), ..all.clone() },
        UserFilter { is_banned: Some(false), ..all.clone() },
        all,
    ] {
        for page in pages(1) {
            let queries = database.user_queries();
            check(faults, server, (&filter, page), queries.users(&filter, page)).await;
        }
    }
}

async fn check_user_lookups(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    let (queries, store) = (database.user_queries(), database.user_store());
    let id = UserId::new(Uuid::from_u128(7));
    let lately =
        (chrono::DateTime::UNIX_EPOCH + TimeDelta::days(20454) + TimeDelta::seconds(i64::from(ROWS) - 9)).to_utc();
    let number = user_domain::PhoneNumber::parse("+821000000007").unwrap();
    let hash = PhoneNumberHash::new([0; 32]);
    for name in [
        AccountName::Id(id),
        AccountName::Username(Username::parse("u7").unwrap()),
        AccountName::PhoneNumber(number.clone()),
    ] {
        check_lookup(faults, server, "an account", queries.account(&name)).await;
    }
    check_lookup(faults, server, "who has a number", queries.standing(&number, &[hash])).await;
    check_lookup(faults, server, "a user", queries.user(id)).await;
    check_lookup(faults, server, "who was switched off", queries.deactivated_since(lately)).await;
    check_lookup(faults, server, "discarded images", queries.discarded_images(DateTime::UNIX_EPOCH, 10)).await;
    check_lookup(faults, server, "a user to change", async {
        store.begin().await.unwrap().users().find(id).await.unwrap()
    })
    .await;
}

async fn check_auth_lookups(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    let (queries, store) = (database.auth_queries(), database.auth_store());
    let lately =
        (chrono::DateTime::UNIX_EPOCH + TimeDelta::days(20454) + TimeDelta::seconds(i64::from(ROWS) - 9)).to_utc();
    let mut hash = [0; 32];
    hash[31] = 7;
    let token = RefreshTokenHash::new(hash);
    hash.reverse();
    let spent = RefreshTokenHash::new(hash);
    let account = AccountId::new(Uuid::from_u128(7));
    let number = auth_domain::PhoneNumber::parse("+821000000007").unwrap();

    check_lookup(faults, server, "whose token", queries.account_of(token)).await;
    check_lookup(faults, server, "sessions that ended", queries.ended_since(lately)).await;
    check_lookup(faults, server, "an API key", queries.api_key("mk_7")).await;
    check_lookup(faults, server, "whether a number is allowed", queries.is_allowed(&a_phone_number())).await;
    check(faults, server, "API keys", queries.api_keys(PageRequest::default())).await;
    for token in [token, spent] {
        check_lookup(faults, server, "a session", async {
            assert!(store.begin().await.unwrap().sessions().by_refresh_token(token).await.unwrap().is_some());
        })
        .await;
    }
    check_lookup(faults, server, "a number", async {
        let found = store.begin().await.unwrap().verifications().find(&number).await.unwrap();
        assert!(found.newest().is_some());
    })
    .await;
    check_lookup(faults, server, "what an account proved", async {
        store.begin().await.unwrap().verifications().forget(account, lately).await.unwrap();
    })
    .await;
    check_lookup(faults, server, "old sessions", async {
        assert_eq!(store.begin().await.unwrap().sessions().purge(lately, lately, 5).await.unwrap(), 5);
    })
    .await;
    check_lookup(faults, server, "old requests", database.idempotency().forget(lately, 5)).await;
}

async fn check_items(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    for direction in DIRECTIONS {
        for order in [ItemOrder::Created, ItemOrder::Completed] {
            for status in [None, Some(ItemStatus::Moving), Some(ItemStatus::Completed)] {
                let (filter, order) = (ItemFilter { status, batch: None }, [(order, direction)]);
                let times = if order[0].0 == ItemOrder::Created { 1 } else { 2 };
                for page in pages(times) {
                    let queries = database.shipping_queries();
                    check(faults, server, (&filter, order, page), queries.items(&filter, &order, page)).await;
                }
            }
        }
    }
}

async fn check_batches(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    for direction in DIRECTIONS {
        for order in [BatchOrder::Created, BatchOrder::Completed] {
            for completed in [None, Some(false), Some(true)] {
                let (filter, order) = (BatchFilter { completed, transport: None }, [(order, direction)]);
                let has_times = order[0].0 == BatchOrder::Completed && completed != Some(false);
                let times = if has_times { 2 } else { 1 };
                for page in pages(times) {
                    let queries = database.shipping_queries();
                    check(faults, server, (&filter, order, page), queries.batches(&filter, &order, page)).await;
                }
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
                filters.push(TransportFilter { seen_by: Some(DriverId::new(Uuid::from_u128(7))), ..all.clone() });
                filters.push(TransportFilter { source: Some(center("S7")), ..all.clone() });
                filters.push(TransportFilter { destination: Some(center("D")), ..all.clone() });
            }
            for filter in filters {
                let order = [(order, direction)];
                let has_times = match order[0].0 {
                    TransportOrder::Created => false,
                    TransportOrder::Departed => true,
                    TransportOrder::Arrived => filter.completed != Some(false),
                };
                let times = if has_times { 2 } else { 1 };
                for page in pages(times) {
                    let queries = database.shipping_queries();
                    check(faults, server, (&filter, order, page), queries.transports(&filter, &order, page)).await;
                }
            }
        }
    }
}

/// Half of the centers have no open transport; all transports lead to one.
async fn check_center_usage(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    for (code, is_used) in [("S7", false), ("S8", true), ("D", true), ("nowhere", false)] {
        check_lookup(faults, server, &format!("whether {code} is used"), async {
            assert_eq!(database.shipping_queries().is_center_used(&center(code)).await.unwrap(), is_used, "{code}");
        })
        .await;
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
    fill(&mut server).await;
    fill_people(&mut server).await;
    let shared = database.reopened(&Settings { pool_size: 1, ..Settings::default() });
    let mut faults = Vec::new();

    check_items(&mut faults, &mut server, &shared).await;
    check_batches(&mut faults, &mut server, &shared).await;
    check_transports(&mut faults, &mut server, &shared).await;
    check_center_usage(&mut faults, &mut server, &shared).await;
    check_users(&mut faults, &mut server, &shared).await;
    check_user_lookups(&mut faults, &mut server, &shared).await;
    check_auth_lookups(&mut faults, &mut server, &shared).await;

    assert_eq!(faults, [] as [String; 0]);
}
