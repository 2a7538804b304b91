//! What arrives behind a bus: moto stands for Amazon, with a rule and a queue.

use std::sync::Arc;
use std::time::Duration;

use eventbridge_adapter::{AccessKeys, BusError, BusUrl, Credentials, EventBus};
use events_adapter::{Relay, RelaySettings, wire_entry};
use kernel_application::testing::{CountingIds, Noon};
use persistence_adapter::BUS;
use reqwest::Client;
use serde_json::{Value, json};

use crate::databases::{self, TestDatabase};
use crate::deliveries::{announce, kept_items};
use crate::events::correlation;

/// How long moto may take to pass an event on.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that speaks like Amazon.
struct Amazon {
    http: Client,
    endpoint: String,
}

impl Amazon {
    fn find() -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Some(Self { http: Client::new(), endpoint: support::s3_endpoint()? })
    }

    /// Asks one of its services, without a client of its own.
    async fn ask(&self, service: &str, target: &str, body: Value) -> Value {
        let scope = format!("id/20260101/us-east-1/{service}/aws4_request");
        let request = self
            .http
            .post(&self.endpoint)
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"))
            .body(body.to_string());
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{target}: {} {}", answer.status(), answer.text().await.unwrap());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }

    /// A bus whose events all go to a queue, and the URL of that.
    async fn bus_with_queue(&self, name: &str) -> String {
        self.ask("events", "AWSEvents.CreateEventBus", json!({ "Name": name })).await;
        let queue = self.ask("sqs", "AmazonSQS.CreateQueue", json!({ "QueueName": name })).await;
        let url = queue["QueueUrl"].as_str().unwrap().to_owned();
        let asked = json!({ "QueueUrl": url, "AttributeNames": ["QueueArn"] });
        let arn = self.ask("sqs", "AmazonSQS.GetQueueAttributes", asked).await["Attributes"]["QueueArn"].clone();
        let pattern = json!({ "source": [{ "prefix": "mmd.api." }] }).to_string();
        let rule = json!({ "Name": name, "EventBusName": name, "EventPattern": pattern });
        self.ask("events", "AWSEvents.PutRule", rule).await;
        let target = json!({ "Rule": name, "EventBusName": name, "Targets": [{ "Id": "queue", "Arn": arn }] });
        self.ask("events", "AWSEvents.PutTargets", target).await;
        url
    }

    /// The bodies of so many messages.
    async fn messages(&self, queue: &str, count: usize) -> Vec<Value> {
        let mut found = Vec::new();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while found.len() < count {
            assert!(tokio::time::Instant::now() < deadline, "only these arrived: {found:#?}");
            let asked = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1 });
            let answer = self.ask("sqs", "AmazonSQS.ReceiveMessage", asked).await;
            let bodies = answer["Messages"].as_array().cloned().unwrap_or_default();
            found.extend(bodies.iter().map(|it| serde_json::from_str(it["Body"].as_str().unwrap()).unwrap()));
        }
        found
    }

    fn bus(&self, name: &str) -> EventBus {
        let url = format!("eventbridge://{name}?endpoint={}", self.endpoint);
        let keys = Credentials::Keys(AccessKeys::new("id", "secret", None));
        EventBus::open(&BusUrl::parse(&url).unwrap(), keys, wire_entry)
    }
}

/// A name that nothing else there has.
fn a_name(database: &TestDatabase) -> String {
    let digits: String = database.url.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("Bus-{}", &digits[digits.len().saturating_sub(40)..])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_behind_the_bus_receives_exactly_the_wire_form() {
    let Some(amazon) = Amazon::find() else { return };
    let database = databases::sqlite().await;
    let name = a_name(&database);
    let queue = amazon.bus_with_queue(&name).await;
    let [item] = kept_items(&database).await;
    announce(&database, &item, 12).await;
    let bus = Arc::new(amazon.bus(&name));
    bus.check().await.unwrap();
    let relay = Relay {
        deliveries: database.deliveries(BUS),
        publisher: bus,
        clock: Arc::new(Noon),
        ids: Arc::new(CountingIds::default()),
        settings: RelaySettings::default(),
    };

    relay.drain().await.unwrap();

    let mut messages = amazon.messages(&queue, 12).await;
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
    let Some(amazon) = Amazon::find() else { return };

    let refusal = amazon.bus("nobody-made-this-one").check().await;

    assert!(matches!(refusal, Err(BusError::Missing)), "{refusal:?}");
}
