//! A channel of Slack, as far as whoever writes into it can tell.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

/// How long a message may be on its way.
const DEADLINE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// A channel that takes messages, and may fail at first.
pub struct Channel {
    /// What to set `SLACK_WEBHOOK_URL` to.
    pub url: String,
    messages: Arc<Mutex<Vec<String>>>,
}

impl Channel {
    /// Opens a channel that answers so many messages with an error before it takes any.
    pub async fn failing(failures: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/services/T0/B0/secret", listener.local_addr().expect("an address"));
        let messages = Arc::<Mutex<Vec<String>>>::default();
        let taken = messages.clone();
        tokio::spawn(async move {
            let mut failures = failures;
            while let Ok((mut connection, _)) = listener.accept().await {
                let Some(text) = message(&mut connection).await else { continue };
                let status = if failures > 0 { "503 Service Unavailable" } else { "200 OK" };
                if failures == 0 {
                    taken.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                }
                failures = failures.saturating_sub(1);
                let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
                // Whoever has gone has gone.
                let _ = connection.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, messages }
    }

    /// What was written so far.
    pub fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until this was written.
    pub async fn until(&self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.messages().iter().any(|it| it == text) {
            assert!(Instant::now() < deadline, "{text:?} was not written; this was: {:#?}", self.messages());
            sleep(PAUSE).await;
        }
    }
}

/// The text of a message, which comes in one request of a connection.
async fn message(connection: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    // The body is the last thing that comes, and the only one that ends with a brace.
    while !request.ends_with(b"}") {
        let mut part = [0; 8192];
        let read = connection.read(&mut part).await.ok().filter(|it| *it > 0)?;
        request.extend_from_slice(part.get(..read)?);
    }
    let request = String::from_utf8(request).ok()?;
    let message: Value = serde_json::from_str(request.split_once("\r\n\r\n")?.1).ok()?;
    Some(message["text"].as_str()?.to_owned())
}
