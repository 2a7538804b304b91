//! The statements, letter by letter as the product sends them. MySQL's general log shows them.

use std::sync::LazyLock;

/// What a connection is told first.
pub(crate) const SESSION: [&str; 2] = [
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION sql_mode = 'TRADITIONAL,ONLY_FULL_GROUP_BY', time_zone = '+00:00', \
     max_execution_time = 2000, innodb_lock_wait_timeout = 2",
];

pub(crate) const ITEM: &str = "SELECT `shipping_items`.`id`, `shipping_items`.`tracking_number`, \
    `shipping_items`.`sku`, `shipping_items`.`status`, `shipping_items`.`current_center_code`, \
    `shipping_items`.`created_at`, `shipping_items`.`completed_at`, `shipping_items`.`version` \
    FROM `shipping_items` WHERE (`shipping_items`.`tracking_number` = ?)";

pub(crate) const COUNT: &str = "SELECT COUNT(*) FROM `shipping_items`";

pub(crate) const CREATE: &str = "INSERT INTO shipping_items \
    (id, tracking_number, sku, status, current_center_code, created_at, completed_at, version) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

pub(crate) const TRANSPORT: &str = "SELECT `shipping_transports`.`id`, `shipping_transports`.`source_code`, \
    `shipping_transports`.`destination_code`, `shipping_transports`.`driver_id`, \
    `shipping_transports`.`on_road_driver_id`, `shipping_transports`.`state`, `shipping_transports`.`created_at`, \
    `shipping_transports`.`departed_at`, `shipping_transports`.`arrived_at`, `shipping_transports`.`version`, \
    (SELECT COUNT(*) FROM `shipping_batches` \
    WHERE (`shipping_batches`.`transport_id` = `shipping_transports`.`id`) LIMIT ?) \
    FROM `shipping_transports` WHERE (`shipping_transports`.`id` = ?)";

pub(crate) const BATCH_LOCKED: &str = "SELECT `shipping_batches`.`id`, `shipping_batches`.`alias`, \
    `shipping_batches`.`state`, `shipping_batches`.`transport_id`, `shipping_batches`.`created_at`, \
    `shipping_batches`.`completed_at`, `shipping_batches`.`version` \
    FROM `shipping_batches` WHERE (`shipping_batches`.`alias` = ?) FOR UPDATE";

pub(crate) const ITEM_LOCKED: &str = "SELECT `shipping_items`.`id`, `shipping_items`.`tracking_number`, \
    `shipping_items`.`sku`, `shipping_items`.`status`, `shipping_items`.`current_center_code`, \
    `shipping_items`.`created_at`, `shipping_items`.`completed_at`, `shipping_items`.`version`, \
    `shipping_batch_items`.`batch_id`, `shipping_batch_items`.`added_at` \
    FROM (`shipping_items` LEFT OUTER JOIN `shipping_batch_items` \
    ON (`shipping_batch_items`.`open_item_id` = `shipping_items`.`id`)) \
    WHERE (`shipping_items`.`tracking_number` = ?) FOR UPDATE";

pub(crate) const SAVE: &str = "INSERT INTO shipping_items \
    (id, tracking_number, sku, status, current_center_code, created_at, completed_at, version) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE tracking_number = VALUES(tracking_number), \
    sku = VALUES(sku), status = VALUES(status), current_center_code = VALUES(current_center_code), \
    created_at = VALUES(created_at), completed_at = VALUES(completed_at), \
    version = CASE WHEN version = VALUES(version) - 1 THEN VALUES(version) END";

pub(crate) const PACK: &str =
    "INSERT INTO shipping_batch_items (item_id, batch_id, open_item_id, added_at) VALUES (?, ?, ?, ?)";

pub(crate) const ANNOUNCE: &str = "INSERT INTO outbox (event_id, subscriber, context, name, payload, \
    is_confidential, aggregate_type, aggregate_id, aggregate_version, occurred_at, correlation_id, state, \
    attempts, fence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// A page of items, without or with the length of the list.
pub(crate) fn page(is_counted: bool) -> &'static str {
    static PAGE: LazyLock<[String; 2]> = LazyLock::new(|| ["NULL", &format!("({COUNT})")].map(page_with));
    &PAGE[usize::from(is_counted)]
}

fn page_with(count: &str) -> String {
    format!(
        "SELECT /*+ INDEX(shipping_items shipping_items_by_creation) */ `shipping_items`.`id`, \
         `shipping_items`.`tracking_number`, `shipping_items`.`sku`, `shipping_items`.`status`, \
         `shipping_items`.`current_center_code`, `shipping_items`.`created_at`, `shipping_items`.`completed_at`, \
         `shipping_items`.`version`, {count} FROM `shipping_items` \
         ORDER BY `shipping_items`.`created_at` DESC, `shipping_items`.`id` DESC LIMIT ? OFFSET ?"
    )
}

/// The lengths that lists of values have.
const LENGTHS: [usize; 4] = [1, 8, 64, 512];

/// The batches of several items, and how many items it asks for: at least as many as are given.
pub(crate) fn history_of(items: usize) -> Option<(&'static str, usize)> {
    static STATEMENTS: LazyLock<[String; 4]> = LazyLock::new(|| LENGTHS.map(history));
    let at = LENGTHS.iter().position(|it| *it >= items)?;
    Some((&STATEMENTS[at], LENGTHS[at]))
}

fn history(items: usize) -> String {
    let marks = vec!["?"; items].join(", ");
    format!(
        "SELECT `shipping_batch_items`.`item_id`, `shipping_batches`.`alias`, `shipping_batches`.`state`, \
         `shipping_transports`.`id`, `shipping_transports`.`source_code`, `shipping_transports`.`destination_code` \
         FROM ((`shipping_batch_items` INNER JOIN `shipping_batches` \
         ON (`shipping_batches`.`id` = `shipping_batch_items`.`batch_id`)) LEFT OUTER JOIN `shipping_transports` \
         ON (`shipping_batches`.`transport_id` = `shipping_transports`.`id`)) \
         WHERE (`shipping_batch_items`.`item_id` IN ({marks})) \
         ORDER BY `shipping_batch_items`.`added_at` DESC, `shipping_batch_items`.`batch_id` DESC"
    )
}
