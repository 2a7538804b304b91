//! Reports errors to a channel that people read. Whoever logs an error never waits for that, and a storm of them is a few
//! messages.

use std::fmt::{self, Write as _};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use slack_adapter::Webhook;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::masking::masked;

/// Reports that wait to be sent. The log has every one of them.
const CAPACITY: usize = 100;

/// Reports in one message.
const IN_ONE: usize = 10;

/// The usual rest between two messages: Slack takes one a second, and people fewer.
pub(super) const REST: Duration = Duration::from_secs(6);

/// What the last messages may take when the process ends: one that is on its way, and one more.
const LAST: Duration = Duration::from_secs(4);

/// What a report says besides the message; anything else stays in the log.
const REPORTED: [&str; 8] = ["attempts", "cause", "chore", "correlation_id", "error", "event", "event_id", "status"];

/// Who might log an error because a report is on its way.
const OURS: [&str; 5] = ["bootstrap::telemetry", "slack_adapter", "reqwest", "hyper", "rustls"];

/// Takes errors out of the log, for the channel.
pub(super) struct Reports {
    queue: mpsc::Sender<String>,
    lost: Arc<AtomicU64>,
}

impl Reports {
    /// Reports to this channel from now on, under this name, with a rest between two messages, until that is ended. Needs a
    /// runtime.
    pub(super) fn to(channel: Webhook, name: &'static str, rest: Duration) -> (Self, Reporting) {
        let (queue, waiting) = mpsc::channel(CAPACITY);
        let (end, ended) = oneshot::channel();
        let lost = Arc::new(AtomicU64::new(0));
        let reporter = Reporter { channel, name, lost: lost.clone() };
        let told = tokio::spawn(reporter.send(waiting, rest, ended));
        (Self { queue, lost }, Reporting { end, told })
    }
}

/// Reports are sent, as long as this lives.
pub(super) struct Reporting {
    end: oneshot::Sender<()>,
    told: JoinHandle<()>,
}

impl Reporting {
    /// Sends what waits, without a rest. A channel that does not take it in time has lost it.
    pub(super) async fn end(self) {
        drop(self.end);
        // It does not panic, and the log has what is late.
        let _ = timeout(LAST, self.told).await;
    }
}

impl<S: Subscriber> Layer<S> for Reports {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if *metadata.level() != Level::ERROR || OURS.iter().any(|it| metadata.target().starts_with(it)) {
            return;
        }
        let mut report = Report::default();
        event.record(&mut report);
        if self.queue.try_send(format!("{}{}", report.message, report.rest)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes reports into the channel.
struct Reporter {
    channel: Webhook,
    name: &'static str,
    lost: Arc<AtomicU64>,
}

impl Reporter {
    /// Sends what waits, some in each message, until nobody can report any more.
    async fn send(self, mut waiting: mpsc::Receiver<String>, rest: Duration, ended: oneshot::Receiver<()>) {
        let mut reports = Vec::with_capacity(IN_ONE);
        let mut ended = pin!(ended.map(drop).fuse());
        loop {
            tokio::select! {
                told = waiting.recv_many(&mut reports, IN_ONE) => if told == 0 { return },
                () = &mut ended => break,
            }
            self.tell(&mut reports).await;
            tokio::select! {
                () = sleep(rest) => {}
                () = &mut ended => break,
            }
        }
        waiting.close();
        while waiting.recv_many(&mut reports, IN_ONE).await > 0 {
            self.tell(&mut reports).await;
        }
    }

    /// Sends a message. What it told, if it did not arrive, is counted in the next one.
    async fn tell(&self, reports: &mut Vec<String>) {
        let (name, told) = (self.name, reports.len() as u64);
        let mut message = String::new();
        for report in reports.drain(..) {
            let _ = writeln!(message, "[{name}] {}", escaped(&masked(&report)));
        }
        let missing = self.lost.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let _ = writeln!(message, "[{name}] and {missing} more, which are in the log");
        }
        if self.channel.post(&message).await.is_err() {
            self.lost.fetch_add(told + missing, Ordering::Relaxed);
        }
    }
}

/// What Slack would take for markup (<https://api.slack.com/reference/surfaces/formatting#escaping>).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An event of the log as one line.
#[derive(Default)]
struct Report {
    message: String,
    rest: String,
}

impl Report {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value}");
        } else if REPORTED.contains(&field.name()) {
            let _ = write!(self.rest, " {}={value}", field.name());
        }
    }
}

impl Visit for Report {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, format_args!("{value}"));
    }
}

#[cfg(test)]
#[path = "reports_tests.rs"]
mod tests;
