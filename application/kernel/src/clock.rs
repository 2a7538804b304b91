//! The current time, as a port.

use chrono::{DateTime, Utc};

/// Tells the time, in whole microseconds: stores keep no more, so a clock promises no more.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;
}
