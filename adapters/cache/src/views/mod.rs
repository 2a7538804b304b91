//! Views that are read far more often than they change, kept on two levels: in this process, and in Redis for all.
//!
//! # What a reader may rely on
//!
//! - **Own changes are seen at once.** Whoever reads after a change was committed in this process never gets what was
//!   there before. What a reader in the middle of its way to the store brings back later is not kept
//!   (see [`near`]).
//! - **Changes elsewhere are seen within a second.** Each process drops what it holds after [`GLANCE`], and what is in
//!   Redis was evicted by whoever made the change. That leaves a quarter of a second to whoever keeps what they made of it.
//! - **Nothing old comes back.** Values are written only where there is none, and an eviction leaves a
//!   [tombstone](TOMBSTONE) that outlives every reader who may have seen what was there before.
//! - **Redis may be slow, gone or empty.** Then everything is a miss, for a wait of one timeout until the breaker opens.
//!   An eviction that could not be written is made up for, and until then its key is not read from there (see [`far`]).
//!
//! A process may be killed at any time: what it is about to change was evicted before the commit already.
//!
//! Three things remain. While one process cannot reach Redis and others can, these show what it changed as it was
//! before. If it is killed before it could make up for that, the old value stays behind, until it expires. So it does
//! in a Redis that forgets a tombstone, by a crash, by a failover or for want of memory, while somebody is on the way
//! with what was there before.

mod deferred;
mod eviction;
mod far;
mod near;
mod uses;

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::fmt::{Display, Write as _};
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kernel_application::{Idempotency, TransactionScope};
use kernel_domain::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};
use tracing::{Instrument, Span, debug_span};

use self::deferred::DeferredEvictions;
pub(crate) use self::deferred::is_inside as is_inside_a_transaction;
pub(crate) use self::eviction::Eviction;
use self::far::Far;
pub(crate) use self::far::{Epoch, Kept, SharedViews};
use self::near::{Joined, Near};
use self::uses::Uses;
pub use self::uses::ViewUses;
use crate::RedisCache;
use crate::redis::RedisViews;
use crate::sabotage::{self, Sabotage};

/// How long a process goes without a look at Redis, and so how long it may not know of a change made elsewhere.
const GLANCE: Duration = Duration::from_millis(750);

/// How long it is remembered that there is no such thing: whoever asks for it again and again costs one look per
/// 5 s, and whatever comes into being without an eviction is found soon.
const ABSENCE: Duration = Duration::from_secs(5);

/// The longest that anybody is on the way to the store: no request takes longer.
const LOAD_DEADLINE: Duration = Duration::from_secs(30);

/// How long an eviction keeps values away. It is made before a commit, too, for the process may die right after: the
/// commit follows within one request, whoever asked the store just before it has given up within another, and then what
/// was on its way to Redis has arrived.
const TOMBSTONE: Duration = LOAD_DEADLINE.saturating_mul(2).saturating_add(Duration::from_secs(1));

/// Bytes that the views held in a process take, with their texts: some 20 000 profiles, or 100 centers where a thousand
/// people work.
const HELD_AT_MOST: u64 = 16 * 1024 * 1024;

/// Whoever wants more at once asks the store: one answer for all keeps Redis from answering anybody else.
const KEYS_AT_ONCE: usize = 1_000;

/// Something to show that is worth keeping.
pub(crate) trait View: Clone + Send + Sync + 'static {
    /// Names this sort of view and the format that it is kept in: another format has another name, so that no release
    /// reads what it does not understand.
    const KIND: &'static str;
    /// How long one is kept if nothing changes.
    const LIFETIME: Duration;
    /// What finds it.
    type Id: Clone + Eq + Hash + Display + Send + Sync + 'static;
    /// The form that it is kept in.
    type Kept: Serialize + DeserializeOwned;

    fn id(&self) -> Self::Id;
    fn kept(&self) -> Self::Kept;
    /// The view, if what was kept still means anything.
    fn restored(kept: Self::Kept) -> Option<Self>;

    fn key(id: &Self::Id) -> Key {
        let mut text = String::new();
        Self::write_key(id, &mut text);
        Key(text.into())
    }

    /// The text of a key, instead of what is written there.
    fn write_key(id: &Self::Id, text: &mut String) {
        text.clear();
        // A text takes whatever is written into it.
        let _ = write!(text, "{}:{id}", Self::KIND);
    }
}

/// Names a view, whatever its sort.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key(Arc<str>);

impl Key {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// One is found by its text.
impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A view as it is kept, or that there is no such thing.
pub(crate) type Value = Option<Arc<[u8]>>;

/// How long to keep this, where a view is kept for `lifetime`.
fn kept_for(value: &Value, lifetime: Duration) -> Duration {
    if value.is_some() { lifetime } else { ABSENCE.min(lifetime) }
}

/// Views that are kept in this process, and with Redis behind it for all instances.
#[derive(Clone)]
pub struct ViewCache {
    near: Arc<Near>,
    far: Option<Arc<Far>>,
    uses: Arc<Uses>,
    /// How often something was evicted.
    evictions: Arc<AtomicU64>,
}

impl ViewCache {
    /// Of one process that is alone: nobody else makes changes.
    pub fn alone() -> Self {
        let near = Arc::new(Near::new(HELD_AT_MOST, Duration::MAX));
        Self { near, far: None, uses: Arc::default(), evictions: Arc::default() }
    }

    /// Of one process among others that use the same Redis.
    pub fn shared(redis: RedisCache) -> Self {
        Self::over(Arc::new(RedisViews::new(redis)))
    }

    /// Acts once, and evicts what was changed again when that is kept: a unit of work inside such a request commits
    /// before the change is really there.
    pub fn idempotency(&self, inner: Arc<dyn Idempotency>) -> Arc<dyn Idempotency> {
        Arc::new(DeferredEvictions { inner, views: self.clone() })
    }

    /// Keeps units of work together, and evicts what they changed again when they are kept.
    pub fn transaction_scope(&self, inner: Arc<dyn TransactionScope>) -> Arc<dyn TransactionScope> {
        Arc::new(DeferredEvictions { inner, views: self.clone() })
    }

    /// How often something was evicted here. Whoever remembers the number from before they read, and finds the same one,
    /// would read the same.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Acquire)
    }

    fn over(shared: Arc<dyn SharedViews>) -> Self {
        let near = Arc::new(Near::new(HELD_AT_MOST, GLANCE));
        Self { near, far: Some(Arc::new(Far::new(shared))), uses: Arc::default(), evictions: Arc::default() }
    }

    /// How often views were asked for, and where they were found.
    pub fn uses(&self) -> Vec<ViewUses> {
        self.uses.all()
    }

    /// Whether Redis is left alone because it did not answer; nothing without Redis.
    pub fn is_on_its_own(&self) -> Option<bool> {
        self.far.as_ref().map(|far| far.is_left_alone())
    }

    /// The views with these ids, in any order, without those that do not exist. `load` reads some of them from the
    /// store; for an id that many want at the same time it is called once.
    pub(crate) async fn read<V, F>(
        &self,
        ids: &[V::Id],
        load: impl Fn(Vec<V::Id>) -> F + Clone + Send + 'static,
    ) -> Result<Vec<V>, StoreError>
    where
        V: View,
        F: Future<Output = Result<Vec<V>, StoreError>> + Send + 'static,
    {
        let mut views = Vec::with_capacity(ids.len());
        let mut wanted = HashMap::new();
        let mut seen = HashSet::with_capacity(ids.len());
        let (mut key, now) = (String::new(), Instant::now());
        for id in ids.iter().filter(|id| seen.insert(*id)) {
            V::write_key(id, &mut key);
            let at_hand = if deferred::is_changed_here(&key) { None } else { self.near.view::<V>(&key, now) };
            match at_hand {
                Some(view) => views.extend(view),
                None => drop(wanted.insert(Key(key.as_str().into()), id.clone())),
            }
        }
        self.uses.found_here(V::KIND, seen.len() - wanted.len());
        if wanted.is_empty() {
            return Ok(views);
        }
        let wanted: Arc<HashMap<Key, V::Id>> = Arc::new(wanted);
        let missing: Vec<Key> = wanted.keys().filter(|key| !deferred::is_changed_here(key.as_str())).cloned().collect();
        let mut found = HashMap::new();
        let is_shared = !deferred::is_inside() && missing.len() <= KEYS_AT_ONCE;
        if is_shared && !missing.is_empty() {
            let (wanted, load) = (wanted.clone(), load.clone());
            let load = move |missing: Vec<Key>| -> Loading {
                let views = load(missing.iter().filter_map(|key| wanted.get(key).cloned()).collect());
                Box::pin(async move { views.await?.iter().map(kept).collect() })
            };
            found.extend(self.look_up::<V>(missing, load).await?);
        }

        let (mut others, mut meaningless) = (Vec::new(), Vec::new());
        for (key, id) in wanted.iter() {
            match found.get(key) {
                Some(None) => {}
                Some(Some(value)) => {
                    if let Some(view) = restored(value) {
                        views.push(view);
                    } else {
                        meaningless.push(key.clone());
                        others.push(id.clone());
                    }
                }
                None => others.push(id.clone()),
            }
        }
        if !meaningless.is_empty() {
            // Values are written only where there is none: nobody would ever replace these.
            self.evict(&meaningless).await;
        }
        self.uses.missed(V::KIND, others.len());
        if !others.is_empty() {
            views.extend(load(others).await?);
        }
        Ok(views)
    }

    /// Finds what this process does not hold, together with whoever else looks for it.
    async fn look_up<V: View>(
        &self,
        keys: Vec<Key>,
        load: impl FnOnce(Vec<Key>) -> Loading + Send + 'static,
    ) -> Result<HashMap<Key, Value>, StoreError> {
        let Joined { mut found, loads, own } = Near::join(&self.near, &keys);
        if let Some(own) = own {
            // In a task of its own: whoever began it may leave, and others wait for it still.
            let cache = self.clone();
            let loading = async move {
                let fetched = timeout(LOAD_DEADLINE, cache.fetch::<V>(own.keys(), load)).await;
                own.finish(fetched.unwrap_or_else(|late| Err(StoreError::unavailable(late))), V::LIFETIME);
            };
            tokio::spawn(loading.instrument(Span::current()));
        }
        for load in loads {
            let values = load.outcome().await?;
            found.extend(keys.iter().filter_map(|key| Some((key.clone(), values.get(key)?.clone()))));
        }
        Ok(found)
    }

    /// Asks Redis, and then the store for what is missing there.
    async fn fetch<V: View>(
        &self,
        keys: &[Key],
        load: impl FnOnce(Vec<Key>) -> Loading,
    ) -> Result<HashMap<Key, Value>, StoreError> {
        let known = match &self.far {
            Some(far) => far.read(keys).instrument(debug_span!(target: "spans", "cache", otel.kind = "client")).await,
            None => None,
        };
        let (epoch, mut values) = known.map_or((None, HashMap::new()), |(epoch, values)| (Some(epoch), values));
        let missing: Vec<Key> = keys.iter().filter(|key| !values.contains_key(*key)).cloned().collect();
        self.uses.found_shared(V::KIND, keys.len() - missing.len());
        self.uses.missed(V::KIND, missing.len());
        if missing.is_empty() {
            return Ok(values);
        }
        let mut loaded = load(missing.clone()).await?;
        let news: Vec<(Key, Value)> = missing.into_iter().map(|key| (key.clone(), loaded.remove(&key))).collect();
        if let (Some(far), Some(epoch)) = (&self.far, epoch) {
            far.fill(epoch, &news, V::LIFETIME).await;
        }
        values.extend(news);
        Ok(values)
    }

    /// Forgets these, here at once, and in Redis as soon as it can be: when this is awaited, that has happened or was
    /// tried. It happens too if nobody awaits it.
    fn evict(&self, keys: &[Key]) -> impl Future<Output = ()> + use<> {
        deferred::note(keys);
        // First: whoever begins to look once these are dropped here does not find them there.
        let is_told = !sabotage::is_on(Sabotage::NoEvictions);
        let writing = self.far.as_ref().filter(|_| is_told).and_then(|far| Far::evict(far, keys));
        self.near.evict(keys);
        if !keys.is_empty() {
            // Not before: whoever takes the mark now sees nothing of what was there before.
            self.evictions.fetch_add(1, Ordering::Release);
        }
        async move {
            if let Some(writing) = writing {
                // It does not panic, and that it was cancelled means that the process stops.
                let _ = writing.await;
            }
        }
    }
}

/// Views on their way from the store, as they are kept.
type Loading = Pin<Box<dyn Future<Output = Result<HashMap<Key, Arc<[u8]>>, StoreError>> + Send>>;

fn restored<V: View>(value: &[u8]) -> Option<V> {
    serde_json::from_slice(value).ok().and_then(V::restored)
}

fn kept<V: View>(view: &V) -> Result<(Key, Arc<[u8]>), StoreError> {
    let bytes = serde_json::to_vec(&view.kept()).map_err(|error| StoreError::corrupt(V::KIND, error))?;
    Ok((V::key(&view.id()), bytes.into()))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
