//! Whose numbers were seen of late: who has just asked whether a number has an account will not have another looked up.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use auth_domain::{AccountId, PhoneNumber};
use chrono::{DateTime, TimeDelta, Utc};

/// As long as somebody takes from one page of a form to the next.
const FRESH: TimeDelta = TimeDelta::minutes(1);

/// Numbers that are remembered: as many as are seen in a minute.
const CAPACITY: usize = 10_000;

/// The accounts of numbers that were seen of late. Accounts keep their numbers until they are closed.
#[derive(Default)]
pub struct RecentNumbers(Mutex<HashMap<PhoneNumber, (AccountId, DateTime<Utc>)>>);

impl RecentNumbers {
    /// The account that had this number just now.
    pub(crate) fn account_of(&self, number: &PhoneNumber, now: DateTime<Utc>) -> Option<AccountId> {
        let recent = self.lock();
        let (account, seen_at) = recent.get(number)?;
        (now - *seen_at < FRESH).then_some(*account)
    }

    /// Remembers whose number this is.
    pub(crate) fn keep(&self, number: PhoneNumber, account: AccountId, now: DateTime<Utc>) {
        let mut recent = self.lock();
        if recent.len() >= CAPACITY {
            recent.retain(|_, (_, seen_at)| now - *seen_at < FRESH);
        }
        if recent.len() < CAPACITY {
            recent.insert(number, (account, now));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PhoneNumber, (AccountId, DateTime<Utc>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
