//! What stands for Amazon in tests: a server that speaks like EventBridge and SQS.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

/// A server that is frozen for a while answers late.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that speaks like Amazon.
pub struct Amazon {
    http: Client,
    endpoint: String,
}

impl Amazon {
    /// The one that is there: asks nobody.
    pub fn at(endpoint: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().timeout(PATIENCE).build().expect("a client");
        Self { http, endpoint: endpoint.to_owned() }
    }

    /// Where it is.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
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
        let answer = request.send().await.unwrap_or_else(|error| panic!("{target}: {error}"));
        let (status, text) = (answer.status(), answer.text().await.expect("a text"));
        assert!(status.is_success(), "{target}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Makes a bus.
    pub async fn bus(&self, name: &str) {
        self.ask("events", "AWSEvents.CreateEventBus", json!({ "Name": name })).await;
    }

    /// Takes a bus away that has no rules.
    pub async fn no_bus(&self, name: &str) {
        self.ask("events", "AWSEvents.DeleteEventBus", json!({ "Name": name })).await;
    }

    /// A bus whose events all go to a queue, and the URL of that.
    pub async fn bus_with_queue(&self, name: &str) -> String {
        self.bus(name).await;
        let queue = self.ask("sqs", "AmazonSQS.CreateQueue", json!({ "QueueName": name })).await;
        let url = queue["QueueUrl"].as_str().expect("a URL").to_owned();
        let asked = json!({ "QueueUrl": url, "AttributeNames": ["QueueArn"] });
        let arn = self.ask("sqs", "AmazonSQS.GetQueueAttributes", asked).await["Attributes"]["QueueArn"].clone();
        let pattern = json!({ "source": [{ "prefix": "mmd.api." }] }).to_string();
        let rule = json!({ "Name": name, "EventBusName": name, "EventPattern": pattern });
        self.ask("events", "AWSEvents.PutRule", rule).await;
        let target = json!({ "Rule": name, "EventBusName": name, "Targets": [{ "Id": "queue", "Arn": arn }] });
        self.ask("events", "AWSEvents.PutTargets", target).await;
        url
    }

    /// Takes the next ten messages out of a queue, or as many as there are, in its order: their bodies.
    pub async fn taken_from(&self, queue: &str) -> Vec<Value> {
        let asked = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10 });
        let answer = self.ask("sqs", "AmazonSQS.ReceiveMessage", asked).await;
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        if !messages.is_empty() {
            let receipts = messages.iter().enumerate();
            let receipts: Value = receipts
                .map(|(at, it)| json!({ "Id": at.to_string(), "ReceiptHandle": it["ReceiptHandle"] }))
                .collect();
            let over = json!({ "QueueUrl": queue, "Entries": receipts });
            self.ask("sqs", "AmazonSQS.DeleteMessageBatch", over).await;
        }
        let bodies = messages.iter().map(|it| it["Body"].as_str().expect("a body"));
        bodies.map(|it| serde_json::from_str(it).expect("an event")).collect()
    }
}
