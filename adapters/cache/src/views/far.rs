//! What all instances keep together, and what to do while it does not answer.
//!
//! What cannot be read is missing, and what cannot be kept is not. Only an eviction cannot be let go: whoever finds the
//! old value there would show it for as long as it lives. So each eviction is written down here until it is written
//! there, one try a second, and meanwhile its key is not read from there. When there are more than can be remembered,
//! nothing is read from there until a new epoch has begun: then nothing of what was kept before is found any more,
//! by any instance. One key too many costs every instance a cold start; a wrong answer costs more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kernel_domain::StoreError;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::{Key, TOMBSTONE, Value, kept_for};
use crate::breaker::Breaker;

/// Evictions that are remembered: a second's worth of more changes than the database takes, in some 1 MB.
const UNWRITTEN_AT_MOST: usize = 10_000;

/// Evictions that are made up for at once: in much less than an answer may take.
const EVICTIONS_AT_ONCE: usize = 500;

/// How often the others are tried again: as often as the breaker lets anybody try.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Everything that is kept belongs to an epoch, and is found in no other. No epoch ever comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Epoch(pub(crate) u64);

/// Where views are kept for all instances.
#[async_trait]
pub(crate) trait SharedViews: Send + Sync {
    /// What is kept of these now, in their order. The epoch was the current one at some time while this went on.
    async fn read(&self, keys: &[Key]) -> Result<(Epoch, Vec<Kept>), StoreError>;

    /// Keeps each of these for so long, if nothing is kept of it in this epoch, not even a tombstone.
    async fn fill(&self, epoch: Epoch, views: &[(Key, Value, Duration)]) -> Result<(), StoreError>;

    /// Replaces what is kept of these by tombstones for so long. The epoch in which they lie was still the current one
    /// after this was asked.
    async fn evict(&self, keys: &[Key], tombstone: Duration) -> Result<(), StoreError>;

    /// Begins a new epoch.
    async fn begin_epoch(&self) -> Result<(), StoreError>;
}

/// What is kept of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Nothing that can be used: neither a view, nor that there is none.
    Nothing,
    /// This.
    Value(Value),
}

/// The shared views, as far as they can be had.
pub(super) struct Far {
    shared: Arc<dyn SharedViews>,
    breaker: Breaker,
    unwritten: Mutex<Unwritten>,
}

/// Evictions that are not known to be written.
#[derive(Default)]
struct Unwritten {
    /// When each was made, by their count: one that is made again while it is written has to be written again.
    keys: HashMap<Key, u64>,
    /// When there were too many, the last of them: then everything is to be evicted.
    everything: Option<u64>,
    count: u64,
    is_retried: bool,
}

/// Evictions to be written together.
enum Batch {
    Keys(Vec<(Key, u64)>),
    Everything(u64),
}

impl Far {
    /// Whether nobody reads there, since it did not answer.
    pub(super) fn is_left_alone(&self) -> bool {
        self.breaker.is_open()
    }

    pub(super) fn new(shared: Arc<dyn SharedViews>) -> Self {
        Self { shared, breaker: Breaker::of("shared views"), unwritten: Mutex::default() }
    }

    /// What is kept of these, without what is not known, and the epoch to fill in what is missing.
    pub(super) async fn read(&self, keys: &[Key]) -> Option<(Epoch, HashMap<Key, Value>)> {
        let keys = self.unwritten().readable(keys);
        if keys.is_empty() || !self.breaker.admits() {
            return None;
        }
        let (epoch, values) = self.judged(self.shared.read(&keys).await)?;
        let values = keys.into_iter().zip(values).filter_map(|(key, kept)| match kept {
            Kept::Nothing => None,
            Kept::Value(value) => Some((key, value)),
        });
        Some((epoch, values.collect()))
    }

    /// Keeps these for the others, if possible. `epoch` is the one that was read before the store was asked: had
    /// another begun since, they would be kept where nobody looks.
    pub(super) async fn fill(&self, epoch: Epoch, views: &[(Key, Value)], lifetime: Duration) {
        if self.breaker.admits() {
            let views: Vec<_> =
                views.iter().map(|(key, value)| (key.clone(), value.clone(), kept_for(value, lifetime))).collect();
            self.judged(self.shared.fill(epoch, &views).await);
        }
    }

    /// Evicts these, now or as soon as it can be, whether somebody waits for the first try or not. Outside of a
    /// runtime, where a process only stops, it is remembered and no more.
    pub(super) fn evict(far: &Arc<Self>, keys: &[Key]) -> Option<JoinHandle<()>> {
        if keys.is_empty() {
            return None;
        }
        let batch = far.unwritten().note(keys);
        let far = far.clone();
        let runtime = Handle::try_current().ok()?;
        Some(runtime.spawn(async move {
            if !far.write(batch).await {
                Self::keep_trying(&far);
            }
        }))
    }

    /// Ends when everything is written, or when the process has no use for it any more: there is no other end, for
    /// what is left unwritten is wrong, and what can be left is bounded.
    fn keep_trying(far: &Arc<Self>) {
        if std::mem::replace(&mut far.unwritten().is_retried, true) {
            return;
        }
        let far = Arc::downgrade(far);
        tokio::spawn(async move {
            loop {
                sleep(RETRY_PAUSE).await;
                let Some(far) = far.upgrade() else { return };
                loop {
                    let batch = far.unwritten().next_batch();
                    let Some(batch) = batch else { return };
                    if !far.write(batch).await {
                        break;
                    }
                }
            }
        });
    }

    async fn write(&self, batch: Batch) -> bool {
        if !self.breaker.admits() {
            return false;
        }
        let written = match &batch {
            Batch::Keys(keys) => {
                let keys: Vec<_> = keys.iter().map(|(key, _)| key.clone()).collect();
                self.shared.evict(&keys, TOMBSTONE).await
            }
            Batch::Everything(_) => self.shared.begin_epoch().await,
        };
        let is_written = self.judged(written).is_some();
        if is_written {
            self.unwritten().strike_out(batch);
        }
        is_written
    }

    fn judged<T>(&self, answer: Result<T, StoreError>) -> Option<T> {
        match answer {
            Ok(answer) => {
                self.breaker.succeeded();
                Some(answer)
            }
            Err(error) => {
                self.breaker.failed(&error);
                None
            }
        }
    }

    fn unwritten(&self) -> MutexGuard<'_, Unwritten> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unwritten {
    fn readable(&self, keys: &[Key]) -> Vec<Key> {
        if self.everything.is_some() {
            return Vec::new();
        }
        keys.iter().filter(|key| !self.keys.contains_key(*key)).cloned().collect()
    }

    fn note(&mut self, keys: &[Key]) -> Batch {
        self.count += 1;
        if self.everything.is_some() || self.keys.len() + keys.len() > UNWRITTEN_AT_MOST {
            if self.everything.is_none() {
                tracing::warn!("too many evictions to make up for: all shared views will be evicted");
            }
            self.keys.clear();
            self.everything = Some(self.count);
            return Batch::Everything(self.count);
        }
        self.keys.extend(keys.iter().map(|key| (key.clone(), self.count)));
        Batch::Keys(keys.iter().map(|key| (key.clone(), self.count)).collect())
    }

    /// What to try again. After nothing is left, nobody tries any more.
    fn next_batch(&mut self) -> Option<Batch> {
        if let Some(count) = self.everything {
            return Some(Batch::Everything(count));
        }
        let keys: Vec<_> = self.keys.iter().take(EVICTIONS_AT_ONCE).map(|(key, count)| (key.clone(), *count)).collect();
        self.is_retried = !keys.is_empty();
        self.is_retried.then_some(Batch::Keys(keys))
    }

    fn strike_out(&mut self, batch: Batch) {
        match batch {
            Batch::Everything(count) => {
                self.everything.take_if(|last| *last == count);
            }
            Batch::Keys(keys) => {
                for (key, count) in keys {
                    if self.keys.get(&key) == Some(&count) {
                        self.keys.remove(&key);
                    }
                }
            }
        }
    }
}
