//! Dead letters on the command line: seen, replayed, dropped, beside a running server.

use std::collections::BTreeSet;
use std::io::{Write as _, stdout};

use chrono::SecondsFormat;
use clap::{Args, Subcommand};
use kernel_application::{DeadLetter, SettledEvents};
use kernel_domain::{BoxError, CorrelationId, EventId};
use serde_json::{Value, json};
use uuid::Uuid;

/// Letters that are read at once.
const PAGE: u32 = 100;

/// What to do with events that could not be delivered.
#[derive(Subcommand)]
pub(crate) enum DeadLetters {
    /// Show them, the oldest first; never what is confidential
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Have them delivered after all; the later events of what they are about follow in order
    Replay {
        #[command(flatten)]
        which: Which,
        /// All of them
        #[arg(long, conflicts_with = "events")]
        all: bool,
    },
    /// Give them up for good, and deliver the later events of what they are about
    Drop {
        #[command(flatten)]
        which: Which,
    },
}

/// Which letters are meant.
#[derive(Args)]
pub(crate) struct Which {
    /// The ids of the events
    #[arg(value_name = "EVENT_ID")]
    events: Vec<Uuid>,
    /// Whose letters: those of one subscriber, or of all by default
    #[arg(long)]
    subscriber: Option<String>,
}

impl DeadLetters {
    /// Does it, and prints what was done.
    pub(crate) async fn run(self, events: &dyn SettledEvents) -> Result<(), BoxError> {
        match self {
            Self::List { json } => list(events, json).await,
            Self::Replay { which, all } => {
                let which = if all { which.every(events).await? } else { which.named()? };
                let replayed = which.each(all, async |event, whose| events.replay(event, whose).await).await?;
                Ok(writeln!(stdout(), "{replayed} to be delivered")?)
            }
            Self::Drop { which } => {
                let which = which.named()?;
                let dropped = which.each(false, async |event, whose| events.drop_letter(event, whose).await).await?;
                Ok(writeln!(stdout(), "{dropped} dropped")?)
            }
        }
    }
}

impl Which {
    fn named(self) -> Result<Self, BoxError> {
        if self.events.is_empty() { Err("no event is named".into()) } else { Ok(self) }
    }

    /// Every letter that is there now.
    async fn every(mut self, events: &dyn SettledEvents) -> Result<Self, BoxError> {
        let (mut after, mut found) = (0, BTreeSet::new());
        loop {
            let page = events.dead_letters(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.position;
            let meant = page.iter().filter(|it| self.subscriber.as_ref().is_none_or(|whose| *whose == it.subscriber));
            found.extend(meant.map(|it| it.event.as_uuid()));
        }
        self.events = found.into_iter().collect();
        Ok(self)
    }

    /// Decides about each; what is no dead letter is a mistake, which is told at the end, unless nobody named it.
    async fn each<F>(self, may_be_gone: bool, decide: F) -> Result<u64, BoxError>
    where
        F: AsyncFn(EventId, Option<&str>) -> Result<u64, kernel_domain::StoreError>,
    {
        let (mut decided, mut unknown) = (0, Vec::new());
        for event in self.events {
            match decide(EventId::new(event), self.subscriber.as_deref()).await? {
                0 if !may_be_gone => unknown.push(event.to_string()),
                some => decided += some,
            }
        }
        if unknown.is_empty() {
            return Ok(decided);
        }
        Err(format!("{decided} decided, but these are no dead letters: {}", unknown.join(", ")).into())
    }
}

async fn list(events: &dyn SettledEvents, as_json: bool) -> Result<(), BoxError> {
    let (mut after, mut count) = (0, 0);
    loop {
        let page = events.dead_letters(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        count += page.len();
        for letter in &page {
            // Whoever reads may have seen enough, and closed the pipe.
            writeln!(stdout(), "{}", if as_json { object(letter).to_string() } else { line(letter) })?;
        }
    }
    if !as_json && count == 0 {
        writeln!(stdout(), "there are none")?;
    }
    Ok(())
}

fn line(letter: &DeadLetter) -> String {
    format!(
        "{} {} for {}: {} {} version {}, {} attempts, {} waiting, happened {}, {}",
        letter.event,
        letter.name,
        letter.subscriber,
        letter.aggregate_kind,
        letter.aggregate_id,
        letter.aggregate_version,
        letter.attempts,
        letter.waiting,
        letter.occurred_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        letter.reason.as_deref().unwrap_or("nobody knows why"),
    )
}

fn object(letter: &DeadLetter) -> Value {
    let data = letter.data.as_ref().map(|it| it.iter().cloned().map(|(name, value)| (name, value.into())).collect());
    json!({
        "event_id": letter.event.to_string(),
        "subscriber": letter.subscriber,
        "context": letter.context,
        "name": letter.name,
        "aggregate_type": letter.aggregate_kind,
        "aggregate_id": letter.aggregate_id.to_string(),
        "aggregate_version": letter.aggregate_version,
        "occurred_at": letter.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "correlation_id": letter.correlation_id.as_ref().map(CorrelationId::as_str),
        "attempts": letter.attempts,
        "reason": letter.reason,
        "waiting": letter.waiting,
        "data": data.map(Value::Object),
    })
}
