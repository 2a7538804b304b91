//! Tables as they are after some years: what a plan is worth shows when most of a table is none of its business.

use chrono::{DateTime, TimeDelta, Utc};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use uuid::Uuid;

/// Rows in each table.
pub(super) const ROWS: u32 = 100_000;

/// Who drives the transports, and where they start.
const DRIVERS: u32 = 500;
const SOURCES: u32 = 200;

/// Transports of one driver, or from one center, at most.
pub(super) const ALIKE: u32 = ROWS / SOURCES;

/// The batch that the first items are in, beside the one that each of them is in anyway, and how many they are.
pub(super) const LARGE_BATCH: u32 = 7;
pub(super) const IN_LARGE_BATCH: u32 = 1_000;

/// The transport that the first batches are on, and how many they are.
pub(super) const LARGE_TRANSPORT: u32 = 7;
pub(super) const ON_LARGE_TRANSPORT: u32 = 30;

/// Batches on each of the newest transports, which have all the others.
pub(super) const CARRIED: u32 = 10;

/// Phone numbers that were to be proven, ten times each.
const NUMBERS: u32 = ROWS / 10;

/// One of ten accounts that have all the sessions between them, half of which go on.
pub(super) const BUSY_ACCOUNT: u32 = 8;

/// The id of the row with this number.
pub(super) fn id(number: u32) -> Uuid {
    Uuid::from_u128(number.into())
}

/// When the row with this number was made.
pub(super) fn time(number: u32) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_454) + TimeDelta::seconds(number.into())
}

const ID: &str = "UNHEX(LPAD(HEX(n), 32, '0'))";
const HASH: &str = "UNHEX(LPAD(HEX(n), 64, '0'))";
const AT: &str = "TIMESTAMP('2026-01-01') + INTERVAL n SECOND";

const TABLES: [&str; 15] = [
    "shipping_items",
    "shipping_transports",
    "shipping_batches",
    "shipping_batch_items",
    "distribution_centers",
    "distribution_center_staff",
    "user_users",
    "user_permission_groups",
    "user_discarded_images",
    "auth_sessions",
    "auth_spent_refresh_tokens",
    "auth_challenges",
    "auth_api_keys",
    "auth_allowed_numbers",
    "idempotency_requests",
];

/// Pages of each index that are counted for its statistics. The usual twenty are drawn by lot, and with them the plans of
/// some queries.
const SAMPLED_PAGES: u32 = 2_000;

/// Fills every table that lists or lookups read.
pub(super) async fn fill(server: &mut Conn) {
    let numbers = format!("WITH RECURSIVE it (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM it WHERE n < {ROWS})");
    for statement in [
        format!("SET SESSION cte_max_recursion_depth = {ROWS}, time_zone = '+00:00', foreign_key_checks = 0"),
        "CREATE TEMPORARY TABLE numbers (n INTEGER PRIMARY KEY)".to_owned(),
        format!("INSERT INTO numbers {numbers} SELECT n FROM it"),
    ] {
        server.query_drop(statement).await.unwrap();
    }
    for statement in shipping().into_iter().chain(people()) {
        server.query_drop(statement).await.unwrap();
    }
    for table in TABLES {
        server.query_drop(format!("ALTER TABLE {table} STATS_SAMPLE_PAGES = {SAMPLED_PAGES}")).await.unwrap();
        server.query_drop(format!("ANALYZE TABLE {table}")).await.unwrap();
    }
}

/// Half of everything has arrived.
fn shipping() -> Vec<String> {
    vec![
        format!(
            "INSERT INTO shipping_items SELECT {ID}, CONCAT('20260101-', LPAD(n, 10, '0')), '', \
             IF(n % 2, 'COMPLETED', 'MOVING'), NULL, {AT}, IF(n % 2, {AT}, NULL), 1 FROM numbers"
        ),
        format!(
            "INSERT INTO shipping_transports SELECT {ID}, CONCAT('S', n % {SOURCES}), 'D', \
             UNHEX(LPAD(HEX(n DIV 2 % {DRIVERS}), 32, '0')), NULL, IF(n % 2, 'ARRIVED', 'PLANNED'), {AT}, IF(n % 2, {AT}, NULL), \
             IF(n % 2, {AT}, NULL), 1 FROM numbers"
        ),
        format!(
            "INSERT INTO shipping_batches SELECT {ID}, CONCAT('batch-', n), IF(n % 2, 'COMPLETED', 'LOADED'), \
             UNHEX(LPAD(HEX(IF(n <= {ON_LARGE_TRANSPORT}, {LARGE_TRANSPORT}, {ROWS} - n % ({ROWS} DIV {CARRIED}))), 32, '0')), \
             {AT}, IF(n % 2, {AT}, NULL), 1 FROM numbers"
        ),
        format!(
            "INSERT INTO shipping_batch_items SELECT {ID}, UNHEX(LPAD(HEX(n % {ROWS} + 1), 32, '0')), \
             IF(n % 2, NULL, {ID}), {AT} FROM numbers"
        ),
        format!(
            "INSERT IGNORE INTO shipping_batch_items SELECT {ID}, UNHEX(LPAD(HEX({LARGE_BATCH}), 32, '0')), NULL, {AT} \
             FROM numbers WHERE n <= {IN_LARGE_BATCH}"
        ),
        format!(
            "INSERT INTO distribution_centers SELECT {ID}, CONCAT('C', n), CONCAT('N', n % 10), {AT}, NULL, 1 FROM numbers"
        ),
        format!("INSERT INTO distribution_center_staff SELECT {ID}, {ID}, 0 FROM numbers"),
    ]
}

/// Half of everybody can use their account, half of all sessions go on, and half of all keys are good.
fn people() -> Vec<String> {
    vec![
        format!(
            "INSERT INTO user_users SELECT {ID}, CONCAT('u', n), IF(n % 2, CONCAT('+8210', LPAD(n, 8, '0')), NULL), NULL, \
             IF(n % 3, 'STAFF', 'DRIVER'), FALSE, FALSE, n % 2, NOT n % 2, NULL, NULL, NULL, 'ko', {AT}, \
             IF(n % 2, NULL, {AT}), NULL, IF(n % 2, NULL, {HASH}), 1 FROM numbers"
        ),
        format!("INSERT INTO user_permission_groups SELECT {ID}, 'dispatch' FROM numbers"),
        format!(
            "INSERT INTO user_discarded_images SELECT CONCAT('images/user/staff/', LPAD(n, 32, '0'), '.jpg'), {AT} \
             FROM numbers"
        ),
        format!(
            "INSERT INTO auth_sessions SELECT {ID}, UNHEX(LPAD(HEX(n DIV 2 % 10), 32, '0')), {HASH}, NULL, NULL, {AT}, {AT}, \
             {AT} + INTERVAL 9 YEAR, IF(n % 2, NULL, {AT}) FROM numbers"
        ),
        format!("INSERT INTO auth_spent_refresh_tokens SELECT REVERSE({HASH}), {ID}, {AT} FROM numbers"),
        format!(
            "INSERT INTO auth_challenges SELECT {ID}, CONCAT('+8210', LPAD(n % {NUMBERS}, 8, '0')), n DIV {NUMBERS} + 1, \
             n > {ROWS} - {NUMBERS}, 'SIGNIN', {ID}, {HASH}, {AT}, {AT}, 0, 0, 'OPEN', NULL, 1 FROM numbers"
        ),
        format!(
            "INSERT INTO auth_api_keys SELECT {ID}, 'key', CONCAT('mk_', n), {HASH}, 'shipping:read', NULL, {AT}, NULL, NULL, \
             IF(n % 2, NULL, {AT}) FROM numbers"
        ),
        format!("INSERT INTO auth_allowed_numbers SELECT CONCAT('+8210', LPAD(n, 8, '0')), '' FROM numbers"),
        format!("INSERT INTO idempotency_requests SELECT 'a', n, {HASH}, 'b', {AT} FROM numbers"),
    ]
}
