//! What is left when everybody is done: the rows, and the events in the order in which they were appended.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use support::sql::Sql;

/// An event of shipping.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) position: u64,
    pub(super) name: String,
    /// The request that it is of.
    pub(super) request: String,
    /// What it tells.
    pub(super) data: Value,
}

impl Event {
    pub(super) fn tells(&self, field: &str) -> &str {
        self.data[field].as_str().unwrap_or_default()
    }
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ItemLeft {
    pub(super) status: String,
    pub(super) center: Option<String>,
}

/// Everything that is left.
#[derive(Default)]
pub(super) struct Left {
    pub(super) items: BTreeMap<String, ItemLeft>,
    pub(super) batches: BTreeSet<String>,
    pub(super) transports: BTreeSet<String>,
    pub(super) centers: BTreeSet<String>,
    pub(super) events: Vec<Event>,
}

impl Left {
    pub(super) async fn of(sql: &mut Sql) -> Self {
        let mut left = Self::default();
        let items = "SELECT JSON_OBJECT('number', tracking_number, 'status', status, 'center', current_center_code) AS line \
            FROM shipping_items";
        for item in rows(sql, items).await {
            let center = item["center"].as_str().map(ToOwned::to_owned);
            left.items.insert(text(&item["number"]), ItemLeft { status: text(&item["status"]), center });
        }
        left.batches =
            sql.lines("SELECT alias AS line FROM shipping_batches").await.expect("batches").into_iter().collect();
        let transports = sql.lines("SELECT LOWER(HEX(id)) AS line FROM shipping_transports").await;
        left.transports = transports.expect("transports").into_iter().collect();
        let centers = sql.lines("SELECT center_code AS line FROM distribution_centers").await;
        left.centers = centers.expect("centers").into_iter().collect();
        let events = "SELECT JSON_OBJECT('position', position, 'name', name, 'request', correlation_id, 'data', payload) \
            AS line FROM outbox WHERE context = 'shipping' ORDER BY position";
        for event in rows(sql, events).await {
            left.events.push(Event {
                position: event["position"].as_u64().expect("a number"),
                name: text(&event["name"]),
                request: text(&event["request"]),
                data: serde_json::from_str(&text(&event["data"])).expect("an object"),
            });
        }
        left
    }
}

async fn rows(sql: &mut Sql, query: &str) -> Vec<Value> {
    let lines = sql.lines(query).await.unwrap_or_else(|error| panic!("{query}: {error}"));
    lines.iter().map(|it| serde_json::from_str(it).expect("an object")).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
