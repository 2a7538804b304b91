//! A server that speaks like `EventBridge`, and fails as it is told: the real one never fails when a test wants it to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// What an answer takes where it takes its time.
const SLOWLY: Duration = Duration::from_millis(600);

/// What the server does with events.
#[derive(Clone, Copy)]
pub(crate) enum Mode {
    /// Takes them.
    Takes,
    /// Takes them, but not the one at this place of each call: its error is this.
    FailsEntry(usize, &'static str),
    /// Answers the call with this status and error.
    FailsCall(u16, &'static str),
    /// Takes no call with an event of this name in it.
    SpoiltBy(&'static str),
    /// The same, and takes its time for each answer.
    SpoiltSlowlyBy(&'static str),
    /// Never answers.
    Hangs,
    /// Takes them, and closes the connection instead of saying so.
    LosesAnswer,
    /// Answers what nobody expects.
    Babbles,
    /// Sends whoever asks to another server.
    Redirects,
    /// Has no such bus, and takes events for it all the same.
    HasNoBus,
    /// Takes them, and does not say whether there is a bus.
    ThrottlesDescribe,
}

/// The server, and what it took.
pub(crate) struct Stub {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
    _serving: JoinSet<()>,
}

struct State {
    mode: Mode,
    /// The names of the events of each call.
    calls: Vec<Vec<String>>,
    taken: Vec<Value>,
}

impl Stub {
    pub(crate) async fn start(mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State { mode, calls: Vec::new(), taken: Vec::new() }));
        let mut serving = JoinSet::new();
        let shared = state.clone();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let state = shared.clone();
                connections.spawn(async move { serve(connection, &state).await });
            }
        });
        Self { address, state, _serving: serving }
    }

    pub(crate) fn becomes(&self, mode: Mode) {
        self.lock().mode = mode;
    }

    /// How many entries each call had.
    pub(crate) fn calls(&self) -> Vec<usize> {
        self.lock().calls.iter().map(Vec::len).collect()
    }

    /// The entries that were taken.
    pub(crate) fn taken(&self) -> Vec<Value> {
        self.lock().taken.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers until the client or the mode ends the connection.
async fn serve(mut connection: TcpStream, state: &Mutex<State>) {
    let (reader, mut writer) = connection.split();
    let mut reader = BufReader::new(reader);
    while let Some((target, body)) = request(&mut reader).await {
        let mode = state.lock().unwrap_or_else(PoisonError::into_inner).mode;
        if matches!(mode, Mode::SpoiltSlowlyBy(_)) {
            sleep(SLOWLY).await;
        }
        let answer = answer(&target, &body, &mut state.lock().unwrap_or_else(PoisonError::into_inner));
        match answer {
            Answer::Never => std::future::pending().await,
            Answer::Close => return,
            Answer::Says(status, body) => {
                let head = format!(
                    "HTTP/1.1 {status} Said\r\ncontent-type: application/x-amz-json-1.1\r\nlocation: \
                     http://127.0.0.1:9/\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                if writer.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// What is asked for, and the body.
async fn request(reader: &mut (impl AsyncBufReadExt + Unpin)) -> Option<(String, Value)> {
    let (mut target, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.split_once(':') else {
            if line.trim().is_empty() && !target.is_empty() {
                break;
            }
            continue;
        };
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

enum Answer {
    Says(u16, String),
    Never,
    Close,
}

fn answer(target: &str, body: &Value, state: &mut State) -> Answer {
    let says = |status, body: Value| Answer::Says(status, body.to_string());
    let fails = |status, code: &str| says(status, json!({ "__type": code, "message": "hunter2" }));
    if target == "AWSEvents.DescribeEventBus" {
        return match state.mode {
            Mode::HasNoBus => fails(400, "ResourceNotFoundException"),
            Mode::ThrottlesDescribe => fails(400, "ThrottlingException"),
            _ => says(200, json!({ "Name": body["Name"], "Arn": "arn:aws:events:eu-west-1:1:event-bus/bus" })),
        };
    }
    let entries = body["Entries"].as_array().cloned().unwrap_or_default();
    let names: Vec<_> = entries.iter().filter_map(|it| it["DetailType"].as_str().map(str::to_owned)).collect();
    state.calls.push(names.clone());
    let mut taken = |but: Option<(usize, &str)>| {
        let told: Vec<Value> = (0..entries.len())
            .map(|at| match but {
                Some((failed, code)) if failed == at => json!({ "ErrorCode": code, "ErrorMessage": "hunter2" }),
                _ => json!({ "EventId": at.to_string() }),
            })
            .collect();
        let failed = but.map(|(at, _)| at);
        state.taken.extend(entries.iter().enumerate().filter(|(at, _)| Some(*at) != failed).map(|(_, it)| it.clone()));
        json!({ "FailedEntryCount": usize::from(but.is_some()), "Entries": told })
    };
    match state.mode {
        Mode::FailsEntry(at, code) => says(200, taken(Some((at, code)))),
        Mode::FailsCall(status, code) => fails(status, code),
        Mode::SpoiltBy(name) | Mode::SpoiltSlowlyBy(name) if names.iter().any(|it| it == name) => {
            fails(400, "ValidationException")
        }
        Mode::Hangs => Answer::Never,
        Mode::LosesAnswer => {
            taken(None);
            Answer::Close
        }
        Mode::Babbles => says(200, json!({ "FailedEntryCount": 0, "Entries": [] })),
        Mode::Redirects => says(307, json!({})),
        Mode::Takes | Mode::SpoiltBy(_) | Mode::SpoiltSlowlyBy(_) | Mode::HasNoBus | Mode::ThrottlesDescribe => {
            says(200, taken(None))
        }
    }
}
