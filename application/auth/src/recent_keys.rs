//! API keys that were shown of late: looked up once a second at most, and noted as used now and then.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use auth_domain::{ApiKey, ApiKeyId};
use chrono::{DateTime, TimeDelta, Utc};
use kernel_domain::StoreError;

use crate::Auth;

/// A key that was revoked elsewhere opens doors here for no longer.
const FRESH: TimeDelta = TimeDelta::seconds(1);

/// Keys that are remembered; more than a starter will ever have.
const CAPACITY: usize = 10_000;

/// Keys that were shown of late.
#[derive(Default)]
pub struct RecentKeys(Mutex<Recent>);

#[derive(Default)]
struct Recent {
    keys: HashMap<String, (ApiKey, DateTime<Utc>)>,
    /// When each was last shown, as far as the store does not know it yet.
    uses: HashMap<ApiKeyId, DateTime<Utc>>,
}

impl RecentKeys {
    /// The key with this prefix, if it was looked up just now.
    pub(crate) fn find(&self, prefix: &str, now: DateTime<Utc>) -> Option<ApiKey> {
        let recent = self.lock();
        let (key, looked_up_at) = recent.keys.get(prefix)?;
        (now - *looked_up_at < FRESH).then(|| key.clone())
    }

    /// Remembers a key that was looked up.
    pub(crate) fn keep(&self, prefix: String, key: ApiKey, now: DateTime<Utc>) {
        let mut recent = self.lock();
        if recent.keys.len() >= CAPACITY {
            recent.keys.retain(|_, (_, looked_up_at)| now - *looked_up_at < FRESH);
        }
        if recent.keys.len() < CAPACITY {
            recent.keys.insert(prefix, (key, now));
        }
    }

    /// Forgets a key that has just been changed here.
    pub(crate) fn forget(&self, id: ApiKeyId) {
        self.lock().keys.retain(|_, (key, _)| key.id() != id);
    }

    /// Notes that a key was shown.
    pub(crate) fn used(&self, id: ApiKeyId, now: DateTime<Utc>) {
        let mut recent = self.lock();
        if recent.uses.len() < CAPACITY || recent.uses.contains_key(&id) {
            recent.uses.insert(id, now);
        }
    }

    fn take_uses(&self) -> Vec<(ApiKeyId, DateTime<Utc>)> {
        std::mem::take(&mut self.lock().uses).into_iter().collect()
    }

    /// Notes again what could not be kept.
    fn take_back(&self, uses: Vec<(ApiKeyId, DateTime<Utc>)>) {
        let mut recent = self.lock();
        for (id, at) in uses {
            recent.uses.entry(id).or_insert(at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Auth {
    /// Keeps when keys were last used. To be called every few seconds: a statement for each request would cost more
    /// than most requests do.
    pub async fn keep_key_uses(&self) -> Result<(), StoreError> {
        let uses = self.recent_keys.take_uses();
        if uses.is_empty() {
            return Ok(());
        }
        let kept = async {
            let mut work = self.store.begin().await?;
            work.api_keys().used(&uses).await?;
            work.commit().await
        };
        let kept = kept.await;
        if kept.is_err() {
            self.recent_keys.take_back(uses);
        }
        kept
    }
}
