//! What arrives behind a bus: moto stands for Amazon, with a rule and a queue.

use std::sync::Arc;
use std::time::Duration;

use eventbridge_adapter::{AccessKeys, BusError, BusUrl, Credentials, EventBus};
use events_adapter::{Relay, RelaySettings, wire_entry};
use kernel_application::testing::{CountingIds, Noon};
use persistence_adapter::BUS;
use serde_json::{Value, json};
use support::amazon::Amazon;
use tokio::time::Instant;

use crate::databases::{self, TestDatabase};
use crate::deliveries::{announce, kept_items};
use crate::events::correlation;

/// How long moto may take to pass an event on.
const PATIENCE: Duration = Duration::from_secs(20);

fn amazon() -> Option<Amazon> {
    Some(Amazon::at(&support::s3_endpoint()?))
}

/// The bodies of so many messages.
async fn messages(amazon: &Amazon, queue: &str, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while found.len() < count {
        assert!(Instant::now() < deadline, "only these arrived: {found:#?}");
        found.extend(amazon.taken_from(queue).await);
    }
    found
}

fn bus(amazon: &Amazon, name: &str) -> EventBus {
    let url = format!("eventbridge://{name}?endpoint={}", amazon.endpoint());
    let keys = Credentials::Keys(AccessKeys::new("id", "secret", None));
    EventBus::open(&BusUrl::parse(&url).unwrap(), keys, wire_entry)
}

/// A name that nothing else there has.
fn a_name(database: &TestDatabase) -> String {
    let digits: String = database.url.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("Bus-{}", &digits[digits.len().saturating_sub(40)..])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_behind_the_bus_receives_exactly_the_wire_form() {
    let Some(amazon) = amazon() else { return };
    let database = databases::sqlite().await;
    let name = a_name(&database);
    let queue = amazon.bus_with_queue(&name).await;
    let [item] = kept_items(&database).await;
    announce(&database, &item, 12).await;
    let bus = Arc::new(bus(&amazon, &name));
    bus.check().await.unwrap();
    let relay = Relay {
        deliveries: database.deliveries(BUS),
        publisher: bus,
        clock: Arc::new(Noon),
        ids: Arc::new(CountingIds::default()),
        settings: RelaySettings::default(),
    };

    relay.drain().await.unwrap();

    let mut messages = messages(&amazon, &queue, 12).await;
    messages.sort_by_key(|it| it["detail"]["version"].as_i64());
    for (version, message) in (2..).zip(&messages) {
        let id = message["detail"]["id"].as_str().unwrap();
        assert_eq!(id.len(), 36, "{id}");
        assert_eq!(
            (&message["source"], &message["detail-type"]),
            (&json!("mmd.api.shipping"), &json!("ItemAddedToBatch"))
        );
        let alias = message["detail"]["params"]["data"]["batch_alias"].as_str().unwrap();
        let detail = json!({
            "params": { "data": { "item_tracking_number": item.tracking_number().as_str(), "batch_alias": alias } },
            "id": id,
            "occurred_at": "2026-01-02T12:00:00.000000Z",
            "correlation_id": correlation().as_str(),
            "version": version,
        });
        assert_eq!(message["detail"], detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_was_never_made_is_missing() {
    let Some(amazon) = amazon() else { return };

    let refusal = bus(&amazon, "nobody-made-this-one").check().await;

    assert!(matches!(refusal, Err(BusError::Missing)), "{refusal:?}");
}
