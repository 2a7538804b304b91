//! A channel of Slack that remembers every message.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::program::PATIENCE;
use crate::stub::answering;

#[derive(Clone)]
pub(crate) struct Channel {
    /// What to set `SLACK_WEBHOOK_URL` to.
    pub(crate) url: String,
    messages: Arc<Mutex<String>>,
}

impl Channel {
    pub(crate) async fn open() -> Self {
        let messages = Arc::<Mutex<String>>::default();
        let taken = messages.clone();
        let address = answering(move |heard| {
            let message: Value = serde_json::from_slice(&heard.body).expect("JSON");
            let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.push_str(message["text"].as_str().expect("a text"));
            taken.push('\n');
            (200, "text/plain", "ok".to_owned())
        });
        Self { url: format!("{}/hook", address.await), messages }
    }

    /// Everything that was written so far.
    pub(crate) fn messages(&self) -> String {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same, once this was written.
    pub(crate) async fn until(&self, text: &str) -> String {
        let written = async {
            loop {
                let messages = self.messages();
                if messages.contains(text) {
                    return messages;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, written).await.expect("it is written in time")
    }
}
