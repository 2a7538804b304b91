//! What one process holds, and who is on the way to the store for more.
//!
//! An eviction must not only drop what is held: somebody may have asked the store before the change, and be about to
//! hold the old value. So each load is written down until it is back, an eviction strikes it out, and what comes back
//! from a load that is not written down any more is given to those who wait for it – they asked before the change was
//! announced – and not held. Who asks after the eviction starts a load of his own.

use std::any::Any;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use kernel_domain::StoreError;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Key, Value, View, kept_for, restored};

/// What one view costs besides its text: the entry, and what finds it.
const OVERHEAD: usize = 200;

/// Views to expect at least. For so few the cache has two shards, and only what fits into one of them is held: the largest
/// view, a list of a hundred centers where a thousand people work, does.
const VIEWS_AT_LEAST: usize = 64;

/// So many bytes at most, each view for so long at most.
pub(super) struct Near {
    held: Cache<Key, Arc<Held>, Weight>,
    /// At most as many as requests that are being served want.
    loads: Mutex<HashMap<Key, RunningLoad>>,
    longest: Duration,
}

struct Held {
    value: Value,
    /// The view that this is, read when it is first wanted. It weighs about as much as its text.
    view: OnceLock<Box<dyn Any + Send + Sync>>,
    /// None if that is too far away to be told.
    until: Option<Instant>,
}

/// Bytes that a view takes.
#[derive(Clone)]
struct Weight;

impl Weighter<Key, Arc<Held>> for Weight {
    fn weight(&self, key: &Key, held: &Arc<Held>) -> u64 {
        let bytes = OVERHEAD + key.as_str().len() + held.value.as_ref().map_or(0, |it| 2 * it.len());
        bytes as u64
    }
}

/// What becomes of those who look for something together.
pub(super) struct Joined {
    /// What has come since.
    pub(super) found: HashMap<Key, Value>,
    /// The loads that will bring the rest, one's own among them.
    pub(super) loads: Vec<RunningLoad>,
    /// What nobody is on the way for yet.
    pub(super) own: Option<OwnLoad>,
}

type Outcome = Result<Arc<HashMap<Key, Value>>, Arc<StoreError>>;

impl Near {
    pub(super) fn new(bytes: u64, longest: Duration) -> Self {
        let held = Cache::with_weighter(VIEWS_AT_LEAST, bytes, Weight);
        Self { held, loads: Mutex::default(), longest }
    }

    /// The view that is held under the key with this text, or that there is no such thing.
    #[expect(clippy::option_option, reason = "that there is none can be held, too")]
    pub(super) fn view<V: View>(&self, key: &str, now: Instant) -> Option<Option<V>> {
        let held = self.fresh(key, now)?;
        let Some(value) = &held.value else { return Some(None) };
        let view = held.view.get_or_init(|| Box::new(restored::<V>(value)));
        view.downcast_ref::<Option<V>>()?.clone().map(Some)
    }

    fn fresh(&self, key: &str, now: Instant) -> Option<Arc<Held>> {
        self.held.get(key).filter(|it| it.until.is_none_or(|until| now < until))
    }

    /// Waits with those who are on the way for some of these, and sets out for the others.
    pub(super) fn join(near: &Arc<Self>, keys: &[Key]) -> Joined {
        let (outcome, load) = watch::channel(None);
        let load = RunningLoad(load);
        let mut own = OwnLoad { near: near.clone(), keys: Vec::new(), load: load.clone(), outcome };
        let mut joined = Joined { found: HashMap::new(), loads: Vec::new(), own: None };
        let now = Instant::now();
        let mut loads = near.loads();
        for key in keys {
            if let Some(running) = loads.get(key) {
                if !joined.loads.iter().any(|it| it.is(running)) {
                    joined.loads.push(running.clone());
                }
            } else if let Some(held) = near.fresh(key.as_str(), now) {
                joined.found.insert(key.clone(), held.value.clone());
            } else {
                loads.insert(key.clone(), load.clone());
                own.keys.push(key.clone());
            }
        }
        drop(loads);
        if !own.keys.is_empty() {
            joined.loads.retain(|it| !it.is(&load));
            joined.loads.push(load);
            joined.own = Some(own);
        }
        joined
    }

    /// Drops these, and strikes out whoever is on the way for them.
    pub(super) fn evict(&self, keys: &[Key]) {
        let mut loads = self.loads();
        for key in keys {
            loads.remove(key);
            self.held.remove(key);
        }
    }

    fn loads(&self) -> MutexGuard<'_, HashMap<Key, RunningLoad>> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody is on the way to the store.
#[derive(Clone)]
pub(super) struct RunningLoad(watch::Receiver<Option<Outcome>>);

impl RunningLoad {
    /// What it brings. Loads have a deadline, so this does not last.
    pub(super) async fn outcome(mut self) -> Result<Arc<HashMap<Key, Value>>, StoreError> {
        let outcome = self.0.wait_for(Option::is_some).await.ok().and_then(|it| it.clone());
        outcome.ok_or_else(|| StoreError::unavailable("the load was broken off"))?.map_err(again)
    }

    fn is(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}

/// Being on the way to the store for these, on behalf of whoever else wants them.
pub(super) struct OwnLoad {
    near: Arc<Near>,
    keys: Vec<Key>,
    load: RunningLoad,
    outcome: watch::Sender<Option<Outcome>>,
}

impl OwnLoad {
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Tells everybody, and holds what nobody has changed meanwhile.
    pub(super) fn finish(self, loaded: Result<HashMap<Key, Value>, StoreError>, lifetime: Duration) {
        if let Ok(values) = &loaded {
            let now = Instant::now();
            let mut loads = self.near.loads();
            for (key, value) in values {
                if loads.get(key).is_some_and(|it| it.is(&self.load)) {
                    loads.remove(key);
                    let until = now.checked_add(kept_for(value, lifetime).min(self.near.longest));
                    let held = Held { value: value.clone(), view: OnceLock::new(), until };
                    self.near.held.insert(key.clone(), Arc::new(held));
                }
            }
        }
        self.outcome.send_replace(Some(loaded.map(Arc::new).map_err(Arc::new)));
    }
}

/// Whatever became of it, nobody waits for it any more.
impl Drop for OwnLoad {
    fn drop(&mut self) {
        let mut loads = self.near.loads();
        for key in &self.keys {
            if loads.get(key).is_some_and(|it| it.is(&self.load)) {
                loads.remove(key);
            }
        }
    }
}

/// The same fault, for each who waited.
fn again(fault: Arc<StoreError>) -> StoreError {
    match &*fault {
        StoreError::Duplicate { key } => StoreError::Duplicate { key },
        StoreError::Conflict(what) => StoreError::Conflict(what.clone()),
        StoreError::Contended(_) => StoreError::Contended(Box::new(SharedCause(fault))),
        StoreError::Corrupt { what, .. } => StoreError::corrupt(what, SharedCause(fault.clone())),
        StoreError::Unavailable(_) => StoreError::unavailable(SharedCause(fault)),
    }
}

/// What caused a fault that several met.
#[derive(Debug)]
struct SharedCause(Arc<StoreError>);

impl fmt::Display for SharedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.source() {
            Some(cause) => write!(f, "{cause}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Error for SharedCause {}
