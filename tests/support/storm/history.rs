//! What was asked and answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::Value;
use tokio::time::Instant;

use super::commands::Command;
use crate::app::Answer;

/// One attempt at a command: when it was made, and what was answered.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What was asked.
    pub command: Command,
    /// The name that the client gave it, which its repetitions have too.
    pub key: Option<String>,
    /// When it was sent.
    pub sent: Instant,
    /// When it was answered, or given up.
    pub answered: Instant,
    /// The correlation id, by which events know the request.
    pub request: String,
    /// The status; none if nobody answered.
    pub status: Option<u16>,
    /// Whether it says when to come back.
    pub says_when: bool,
    /// Whether it is the answer to an attempt before.
    pub is_replayed: bool,
    /// The code of the first refusal.
    pub code: String,
    /// What was answered.
    pub body: Value,
}

impl Entry {
    /// An attempt that was answered just now.
    pub fn of(command: Command, key: Option<&str>, sent: Instant, answer: Answer) -> Self {
        let header =
            |name: &str| answer.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
        let code = answer.body["errors"][0]["code"].as_str().or(answer.body["code"].as_str()).unwrap_or_default();
        Self {
            status: Some(answer.status.as_u16()),
            says_when: answer.headers.contains_key("retry-after"),
            is_replayed: header("idempotent-replayed") == "true",
            code: code.to_owned(),
            body: answer.body,
            ..Self::unanswered(command, key, sent, &header("correlation-id"))
        }
    }

    /// An attempt that was given up just now: whether it acted, nobody knows.
    pub fn unanswered(command: Command, key: Option<&str>, sent: Instant, request: &str) -> Self {
        Self {
            command,
            key: key.map(ToOwned::to_owned),
            sent,
            answered: Instant::now(),
            request: request.to_owned(),
            status: None,
            says_when: false,
            is_replayed: false,
            code: String::new(),
            body: Value::Null,
        }
    }

    /// Whether it was done, now or before.
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|it| it < 300)
    }

    /// Whether nobody knows what it did: there was no answer, or one that tells of a failure.
    pub fn is_unknown(&self) -> bool {
        self.status.is_none_or(|it| it >= 500 || it == 408)
    }

    /// Whether the answer is the one that every repetition gets.
    pub fn is_final(&self) -> bool {
        !self.is_unknown() && !matches!(self.status, Some(403 | 409 | 429))
    }

    /// By when it had acted, if it did; for ever later if nobody knows.
    pub(super) fn has_acted_before(&self, moment: Instant) -> bool {
        !self.is_unknown() && self.answered <= moment
    }

    /// A field of the answer.
    pub(super) fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_default().to_owned()
    }

    /// Whether the answer is a list whose entries have these values in this field, and no others.
    pub(super) fn lists(&self, name: &str, values: &[String]) -> bool {
        let listed: BTreeSet<&str> =
            self.body.as_array().into_iter().flatten().filter_map(|it| it[name].as_str()).collect();
        let values: BTreeSet<&str> = values.iter().map(String::as_str).collect();
        listed == values
    }
}

/// What all clients asked.
#[derive(Default)]
pub struct History(Mutex<Vec<Entry>>);

impl History {
    /// Notes an attempt.
    pub fn add(&self, entry: Entry) {
        self.0.lock().expect("nobody panicked with it").push(entry);
    }

    /// All of them, in the order in which they ended.
    pub fn entries(&self) -> Vec<Entry> {
        self.0.lock().expect("nobody panicked with it").clone()
    }
}

/// A command with all attempts at it: one, or as many as have its key.
#[derive(Debug)]
pub(super) struct Operation<'h> {
    pub(super) command: &'h Command,
    pub(super) attempts: Vec<&'h Entry>,
    pub(super) fate: Fate<'h>,
}

/// What is known of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate<'h> {
    /// It was done; this tells so first.
    Acknowledged(&'h Entry),
    /// It was not done, and will not be.
    Refused,
    /// It was done, or not.
    Unknown,
}

impl<'h> Operation<'h> {
    /// Puts attempts together, in the order in which the first ones ended.
    pub(super) fn all(entries: &'h [Entry]) -> Vec<Self> {
        let mut by_key: BTreeMap<&str, usize> = BTreeMap::new();
        let mut groups: Vec<Vec<&Entry>> = Vec::new();
        for entry in entries {
            let known = entry.key.as_deref().and_then(|key| by_key.get(key).copied());
            if let Some(group) = known.and_then(|at| groups.get_mut(at)) {
                group.push(entry);
                continue;
            }
            by_key.extend(entry.key.as_deref().map(|key| (key, groups.len())));
            groups.push(vec![entry]);
        }
        groups.into_iter().filter_map(Self::of).collect()
    }

    fn of(attempts: Vec<&'h Entry>) -> Option<Self> {
        let fate = match attempts.iter().find(|it| it.succeeded()) {
            Some(told) => Fate::Acknowledged(told),
            None if attempts.iter().any(|it| it.is_final()) => Fate::Refused,
            None if attempts.iter().any(|it| it.is_unknown()) => Fate::Unknown,
            None => Fate::Refused,
        };
        Some(Self { command: attempts.first().map(|it| &it.command)?, attempts, fate })
    }

    /// When it was first asked.
    pub(super) fn sent(&self) -> Option<Instant> {
        self.attempts.iter().map(|it| it.sent).min()
    }

    /// What told that it was done.
    pub(super) fn acknowledged(&self) -> Option<&'h Entry> {
        if let Fate::Acknowledged(told) = self.fate { Some(told) } else { None }
    }

    /// Whether it was done, or may have been.
    pub(super) fn may_have_acted(&self) -> bool {
        !matches!(self.fate, Fate::Refused)
    }
}
