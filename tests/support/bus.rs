//! A bus of `EventBridge`, as far as whoever sends events there can tell. It refuses what it is told to refuse, which the real
//! one never does when a test wants it to.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A bus that takes events; it ends when it is dropped.
pub struct Bus {
    /// Where it is, as a URL.
    pub endpoint: String,
    taken: Arc<Mutex<Vec<Value>>>,
    _serving: JoinSet<()>,
}

impl Bus {
    /// A bus that takes all events but those of one name.
    pub async fn that_refuses(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let taken = Arc::<Mutex<Vec<Value>>>::default();
        let (mut serving, shared) = (JoinSet::new(), taken.clone());
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let taken = shared.clone();
                // Whoever has gone has gone.
                connections.spawn(async move { serve(connection, name, &taken).await.unwrap_or_default() });
            }
        });
        Self { endpoint, taken, _serving: serving }
    }

    /// How many events of a name were taken.
    pub fn taken(&self, name: &str) -> usize {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.iter().filter(|it| it["DetailType"] == json!(name)).count()
    }
}

/// Answers until the client leaves, which is nothing to tell of.
async fn serve(mut connection: TcpStream, refused: &str, taken: &Mutex<Vec<Value>>) -> Option<()> {
    let (reader, mut writer) = connection.split();
    let mut reader = BufReader::new(reader);
    loop {
        let (target, body) = request(&mut reader).await?;
        let answer = match target.as_str() {
            "AWSEvents.DescribeEventBus" => json!({ "Name": body["Name"] }),
            "AWSEvents.PutEvents" => told(&body, refused, taken),
            other => panic!("a bus is not asked for {other}"),
        };
        let (answer, media_type) = (answer.to_string(), "application/x-amz-json-1.1");
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n", answer.len());
        writer.write_all(format!("{head}{answer}").as_bytes()).await.ok()?;
    }
}

/// What becomes of each entry of a call.
fn told(body: &Value, refused: &str, taken: &Mutex<Vec<Value>>) -> Value {
    let entries = body["Entries"].as_array().cloned().unwrap_or_default();
    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut failed, mut fates) = (0, Vec::new());
    for entry in entries {
        if entry["DetailType"] == json!(refused) {
            failed += 1;
            fates.push(json!({ "ErrorCode": "MalformedDetail", "ErrorMessage": "it is refused" }));
        } else {
            fates.push(json!({ "EventId": "1" }));
            taken.push(entry);
        }
    }
    json!({ "FailedEntryCount": failed, "Entries": fates })
}

/// What is asked for, and the body.
async fn request(reader: &mut (impl AsyncBufReadExt + Unpin)) -> Option<(String, Value)> {
    let (mut target, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => target = value.trim().to_owned(),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.ok()?;
    Some((target, serde_json::from_slice(&body).ok()?))
}
