//! A bus of Amazon `EventBridge`, as far as whoever sends events there can tell.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::program::PATIENCE;
use crate::stub::answering;

const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

fn url_of(endpoint: &str) -> String {
    format!("eventbridge://bus?region=us-east-1&endpoint={endpoint}")
}

#[derive(Clone)]
pub(crate) struct Bus {
    /// What to set `EVENTS_URL` to.
    pub(crate) url: String,
    entries: Arc<Mutex<Vec<Value>>>,
}

impl Bus {
    pub(crate) async fn start() -> Self {
        let entries = Arc::<Mutex<Vec<Value>>>::default();
        let taken = entries.clone();
        let address = answering(move |heard| {
            let asked: Value = serde_json::from_slice(&heard.body).expect("JSON");
            let told = if heard.head.contains("AWSEvents.PutEvents") {
                let entries = asked["Entries"].as_array().expect("entries");
                taken.lock().unwrap_or_else(PoisonError::into_inner).extend(entries.iter().cloned());
                let fates: Value = entries.iter().map(|_| json!({ "EventId": "taken" })).collect();
                json!({ "FailedEntryCount": 0, "Entries": fates })
            } else {
                json!({ "Name": asked["Name"], "Arn": "arn:aws:events:us-east-1:1:event-bus/bus" })
            };
            (200, MEDIA_TYPE, told.to_string())
        });
        Self { url: url_of(&address.await), entries }
    }

    /// What to set `EVENTS_URL` to, where Amazon is there and has no such bus.
    pub(crate) async fn that_was_never_made() -> String {
        let missing = json!({ "__type": "ResourceNotFoundException", "Message": "Event bus bus does not exist." });
        url_of(&answering(move |_| (400, MEDIA_TYPE, missing.to_string())).await)
    }

    /// Everything that was sent so far.
    pub(crate) fn entries(&self) -> Vec<Value> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One of the tokens that were sent to a number, counted from 1, as soon as it was sent.
    pub(crate) async fn nth_token_sent_to(&self, nth: usize, number: &str) -> String {
        let token = |entry: Value| {
            let detail: Value = serde_json::from_str(entry["Detail"].as_str()?).ok()?;
            let params = &detail["params"];
            (params["phonenumber"] == json!(number)).then(|| params["token"].as_str().map(str::to_owned))?
        };
        let sent = async {
            loop {
                if let Some(token) = self.entries().into_iter().filter_map(token).nth(nth - 1) {
                    return token;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, sent).await.expect("it is sent in time")
    }
}
