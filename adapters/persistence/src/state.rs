//! How a database is doing, for whoever watches.

use chrono::{DateTime, Utc};

/// How much of a pool of connections is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// Which pool: `primary`, `writer` or `replica`.
    pub name: &'static str,
    /// Connections at most.
    pub most: usize,
    /// Connections that somebody has.
    pub busy: usize,
    /// Connections that nobody has.
    pub idle: usize,
    /// Who waits for one now.
    pub waiting: usize,
    /// How often somebody had to wait so far.
    pub waits: u64,
    /// How often nobody could be served so far.
    pub refusals: u64,
}

/// How many events wait for a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// For whom.
    pub subscriber: String,
    /// Events that are still to be delivered.
    pub waiting: u64,
    /// Events that were given up.
    pub parked: u64,
    /// When the first of those that are still to be delivered happened.
    pub oldest: Option<DateTime<Utc>>,
}
