//! What is left when everybody is done: the rows, and the events in the order in which they were appended.

use std::collections::{BTreeMap, BTreeSet};

use crate::sql::Sql;
use serde_json::Value;

/// An event of shipping.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its id, in hexadecimal digits.
    pub id: String,
    /// Where it stands among all events.
    pub position: u64,
    /// What happened.
    pub name: String,
    /// To what it happened: its kind, and its id in hexadecimal digits.
    pub aggregate: (String, String),
    /// The version that this has since.
    pub version: u64,
    /// The request that it is of.
    pub request: String,
    /// What it tells.
    pub data: Value,
}

impl Event {
    /// The value of a field.
    pub fn tells(&self, field: &str) -> &str {
        self.data[field].as_str().unwrap_or_default()
    }
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemLeft {
    /// The number that whoever registered it gave to it.
    pub sku: String,
    /// How it fares.
    pub status: String,
    /// Where it is.
    pub center: Option<String>,
}

/// A transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportLeft {
    /// Where it is to go.
    pub destination: String,
    /// Who is to drive it, in hexadecimal digits, and nothing in between if nobody is; none once it has left, for whoever starts
    /// it says who drives.
    pub planned_driver: Option<String>,
}

/// Everything that is left.
#[derive(Default, Clone)]
pub struct Left {
    /// The items, by their tracking numbers.
    pub items: BTreeMap<String, ItemLeft>,
    /// The aliases of the batches.
    pub batches: BTreeSet<String>,
    /// The transports, by their ids in hexadecimal digits.
    pub transports: BTreeMap<String, TransportLeft>,
    /// The codes of the centers.
    pub centers: BTreeSet<String>,
    /// What happened, in the order in which it was appended.
    pub events: Vec<Event>,
}

impl Left {
    /// Reads everything.
    pub async fn of(sql: &mut Sql) -> Self {
        let mut left = Self::default();
        let items = "SELECT JSON_OBJECT('number', tracking_number, 'sku', sku, 'status', status, \
            'center', current_center_code) AS line FROM shipping_items";
        for item in rows(sql, items).await {
            let center = item["center"].as_str().map(ToOwned::to_owned);
            let fares = ItemLeft { sku: text(&item["sku"]), status: text(&item["status"]), center };
            left.items.insert(text(&item["number"]), fares);
        }
        left.batches =
            sql.lines("SELECT alias AS line FROM shipping_batches").await.expect("batches").into_iter().collect();
        let transports = "SELECT JSON_OBJECT('id', LOWER(HEX(id)), 'destination', destination_code, \
            'driver', CASE state WHEN 'PLANNED' THEN COALESCE(LOWER(HEX(driver_id)), '') END) AS line FROM shipping_transports";
        for transport in rows(sql, transports).await {
            let planned_driver = transport["driver"].as_str().map(ToOwned::to_owned);
            let destination = text(&transport["destination"]);
            left.transports.insert(text(&transport["id"]), TransportLeft { destination, planned_driver });
        }
        let centers = sql.lines("SELECT center_code AS line FROM distribution_centers").await;
        left.centers = centers.expect("centers").into_iter().collect();
        let events = "SELECT JSON_OBJECT('id', LOWER(HEX(event_id)), 'position', position, 'name', name, \
            'kind', aggregate_type, 'aggregate', LOWER(HEX(aggregate_id)), 'version', aggregate_version, \
            'request', correlation_id, 'data', payload) AS line \
            FROM outbox WHERE context = 'shipping' AND subscriber = 'bus' ORDER BY position";
        for event in rows(sql, events).await {
            left.events.push(Event {
                id: text(&event["id"]),
                aggregate: (text(&event["kind"]), text(&event["aggregate"])),
                version: event["version"].as_u64().expect("a number"),
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
