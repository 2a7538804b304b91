//! A store and a Redis that a test holds in its hands.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kernel_domain::StoreError;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::{Instant, advance};

use super::{Epoch, GLANCE, Kept, Key, SharedViews, Value, View, ViewCache};

/// Something to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) id: u32,
    pub(crate) text: String,
}

impl View for Note {
    const KIND: &'static str = "note:1";
    const LIFETIME: Duration = Duration::from_hours(24);
    type Id = u32;
    type Kept = (u32, String);

    fn id(&self) -> u32 {
        self.id
    }

    fn kept(&self) -> (u32, String) {
        (self.id, self.text.clone())
    }

    fn restored((id, text): (u32, String)) -> Option<Self> {
        Some(Self { id, text })
    }
}

/// The truth. Whoever asks has seen it when he gets to the gate.
pub(crate) struct Store {
    notes: Mutex<HashMap<u32, String>>,
    pub(crate) is_down: AtomicBool,
    pub(crate) loads: AtomicUsize,
    pub(crate) gate: Semaphore,
}

impl Store {
    pub(crate) fn new() -> Arc<Self> {
        let gate = Semaphore::new(Semaphore::MAX_PERMITS);
        Arc::new(Self { notes: Mutex::default(), is_down: false.into(), loads: 0.into(), gate })
    }

    pub(crate) fn write(&self, id: u32, text: &str) {
        self.notes.lock().unwrap().insert(id, text.to_owned());
    }

    pub(crate) fn close_the_gate(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn open_the_gate(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn loads(&self) -> usize {
        self.loads.load(Relaxed)
    }

    /// Waits until it was asked so often. A turn of the runtime is enough for whoever is ready to ask.
    pub(crate) async fn asked(&self, times: usize) {
        const TURNS: usize = 100;
        for _ in 0..TURNS {
            if self.loads() >= times {
                return;
            }
            yield_now().await;
        }
        panic!("the store was asked {} times, not {times}", self.loads());
    }

    pub(crate) async fn load(&self, ids: Vec<u32>) -> Result<Vec<Note>, StoreError> {
        self.loads.fetch_add(1, Relaxed);
        if self.is_down.load(Relaxed) {
            return Err(StoreError::unavailable("gone"));
        }
        let notes = {
            let notes = self.notes.lock().unwrap();
            ids.iter().filter_map(|id| Some(Note { id: *id, text: notes.get(id)?.clone() })).collect()
        };
        drop(self.gate.acquire().await.unwrap());
        Ok(notes)
    }
}

/// A process: its cache, and the store that all share.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) views: ViewCache,
    pub(crate) store: Arc<Store>,
}

impl Process {
    pub(crate) fn alone() -> Self {
        Self { views: ViewCache::alone(), store: Store::new() }
    }

    pub(crate) fn beside(store: &Arc<Store>, shared: &Arc<Shared>) -> Self {
        Self { views: ViewCache::over(shared.clone()), store: store.clone() }
    }

    pub(crate) async fn try_read(&self, id: u32) -> Result<Option<String>, StoreError> {
        let store = self.store.clone();
        let load = move |ids| {
            let store = store.clone();
            async move { store.load(ids).await }
        };
        Ok(self.views.read::<Note, _>(&[id], load).await?.pop().map(|it| it.text))
    }

    pub(crate) async fn read(&self, id: u32) -> Option<String> {
        self.try_read(id).await.unwrap()
    }

    pub(crate) async fn evict(&self, id: u32) {
        self.views.evict(&[Note::key(&id)]).await;
    }

    pub(crate) async fn change(&self, id: u32, text: &str) {
        self.store.write(id, text);
        self.evict(id).await;
    }
}

/// After this, each process has to look at what all share.
pub(crate) async fn after_a_glance() {
    advance(GLANCE).await;
}

/// What is kept, be it a tombstone, until then.
struct Lasting(Kept, Instant);

/// Keeps its promises, but while it is down.
#[derive(Default)]
pub(crate) struct Shared {
    kept: Mutex<HashMap<(u64, Key), Lasting>>,
    epoch: AtomicUsize,
    pub(crate) is_down: AtomicBool,
    pub(crate) asked: AtomicUsize,
}

impl Shared {
    /// What another process keeps of it.
    pub(crate) fn views(self: &Arc<Self>) -> ViewCache {
        ViewCache::over(self.clone())
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Relaxed) as u64
    }

    /// Keeps something that no release ever wrote.
    pub(crate) fn corrupt(&self, key: Key) {
        let garbage = Kept::Value(Some(b"garbage".as_slice().into()));
        self.put(self.epoch(), key, garbage, Note::LIFETIME);
    }

    fn answers(&self) -> Result<(), StoreError> {
        self.asked.fetch_add(1, Relaxed);
        if self.is_down.load(Relaxed) { Err(StoreError::unavailable("gone")) } else { Ok(()) }
    }

    fn put(&self, epoch: u64, key: Key, kept: Kept, lifetime: Duration) {
        self.kept.lock().unwrap().insert((epoch, key), Lasting(kept, Instant::now() + lifetime));
    }

    fn get(&self, epoch: u64, key: &Key) -> Option<Kept> {
        let kept = self.kept.lock().unwrap();
        let Lasting(value, until) = kept.get(&(epoch, key.clone()))?;
        (Instant::now() < *until).then(|| value.clone())
    }
}

#[async_trait]
impl SharedViews for Shared {
    async fn read(&self, keys: &[Key]) -> Result<(Epoch, Vec<Kept>), StoreError> {
        self.answers()?;
        let epoch = self.epoch();
        let kept = keys.iter().map(|key| self.get(epoch, key).unwrap_or(Kept::Nothing));
        Ok((Epoch(epoch), kept.collect()))
    }

    async fn fill(&self, epoch: Epoch, views: &[(Key, Value, Duration)]) -> Result<(), StoreError> {
        self.answers()?;
        for (key, value, lifetime) in views {
            if self.get(epoch.0, key).is_none() {
                self.put(epoch.0, key.clone(), Kept::Value(value.clone()), *lifetime);
            }
        }
        Ok(())
    }

    async fn evict(&self, keys: &[Key], tombstone: Duration) -> Result<(), StoreError> {
        self.answers()?;
        for key in keys {
            self.put(self.epoch(), key.clone(), Kept::Nothing, tombstone);
        }
        Ok(())
    }

    async fn begin_epoch(&self) -> Result<(), StoreError> {
        self.answers()?;
        self.epoch.fetch_add(1, Relaxed);
        Ok(())
    }
}
