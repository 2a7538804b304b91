//! Sensible defaults; a test names only what it is about.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::AccountId;

static MADE: AtomicU64 = AtomicU64::new(1);

/// Noon on the second of January 2026.
pub fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_355_200)
}

/// An account like no other.
pub fn an_account() -> AccountId {
    AccountId::new(Uuid::from_u128(u128::from(MADE.fetch_add(1, Ordering::Relaxed))))
}
