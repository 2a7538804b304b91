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

#[cfg(test)]
mod tests {
    use auth_domain::testing::a_new_api_key;
    use kernel_application::testing::noon;

    use super::*;
    use crate::testing::World;

    fn a_key() -> ApiKey {
        ApiKey::create(a_new_api_key(), noon()).expect("a key")
    }

    fn after(millis: i64) -> DateTime<Utc> {
        noon() + TimeDelta::milliseconds(millis)
    }

    #[test]
    fn a_key_is_known_for_a_second() {
        let (recent, key) = (RecentKeys::default(), a_key());

        recent.keep("mk_1".to_owned(), key.clone(), noon());

        assert_eq!(recent.find("mk_1", after(999)), Some(key));
        assert_eq!(recent.find("mk_1", after(1_000)), None);
    }

    #[test]
    fn no_more_keys_are_known_than_fit_and_those_that_are_no_longer_fresh_make_room() {
        let (recent, key) = (RecentKeys::default(), a_key());
        for number in 0..CAPACITY {
            let at = after(if number % 2 == 0 { 0 } else { 500 });
            recent.keep(number.to_string(), key.clone(), at);
        }

        recent.keep("one more".to_owned(), key.clone(), after(999));
        assert_eq!(recent.find("one more", after(999)), None);

        recent.keep("one more".to_owned(), key.clone(), after(1_000));
        assert_eq!(recent.find("one more", after(1_000)), Some(key.clone()));
        assert_eq!(recent.find("1", after(1_000)), Some(key));
        assert_eq!(recent.lock().keys.len(), CAPACITY / 2 + 1);
    }

    #[test]
    fn no_more_uses_are_noted_than_fit_and_a_key_that_is_noted_is_noted_again() {
        let recent = RecentKeys::default();
        let keys: Vec<ApiKeyId> = (0..=CAPACITY).map(|_| a_key().id()).collect();
        for key in &keys {
            recent.used(*key, noon());
        }

        recent.used(keys[0], after(1));

        let uses: HashMap<_, _> = recent.take_uses().into_iter().collect();
        assert_eq!((uses.len(), uses.get(&keys[CAPACITY])), (CAPACITY, None));
        assert_eq!(uses.get(&keys[0]), Some(&after(1)));
    }

    #[tokio::test]
    async fn uses_that_could_not_be_kept_are_kept_the_next_time_unless_there_is_a_later_one() {
        let (idle, busy) = (a_key().id(), a_key().id());
        let mut world = World::default();
        world.work.api_keys.expect_used().times(1).returning(|_| Err(StoreError::unavailable("busy")));
        let both = move |uses: &[(ApiKeyId, DateTime<Utc>)]| {
            uses.len() == 2 && uses.contains(&(idle, noon())) && uses.contains(&(busy, after(1)))
        };
        world.second_work.api_keys.expect_used().times(1).withf(both).returning(|_| Ok(()));
        let (auth, _) = world.commits();
        auth.recent_keys.used(idle, noon());
        auth.recent_keys.used(busy, noon());

        auth.keep_key_uses().await.expect_err("the store is busy");
        auth.recent_keys.used(busy, after(1));
        auth.keep_key_uses().await.expect("they are kept");
    }
}
