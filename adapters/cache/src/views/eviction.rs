//! What a change makes untrue, from the moment that the change may be there.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Key, View, ViewCache};

/// Evicts what was added: when it is told to, or else when it is dropped, for whoever drops it does not know whether
/// the change was made.
pub(crate) struct Eviction {
    views: ViewCache,
    pub(super) changed: Changed,
}

impl Eviction {
    pub(crate) fn from(views: &ViewCache) -> Self {
        Self { views: views.clone(), changed: Changed::default() }
    }

    pub(crate) fn add<V: View>(&self, id: &V::Id) {
        self.changed.extend(&[V::key(id)]);
    }

    /// Evicts it before the change is made, and again afterwards: whoever dies in between has left nothing old in Redis
    /// that would be found there. Until the change is made, the truth is what was there before.
    pub(crate) async fn ahead(&self) {
        let evicted = self.views.evict(&self.changed.all());
        evicted.await;
    }

    pub(crate) async fn now(self) {
        let evicted = self.views.evict(&self.changed.take());
        evicted.await;
    }
}

impl Drop for Eviction {
    fn drop(&mut self) {
        drop(self.views.evict(&self.changed.take()));
    }
}

/// The keys of what was changed; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Changed(Arc<Mutex<HashSet<Key>>>);

impl Changed {
    pub(super) fn contains(&self, key: &str) -> bool {
        self.keys().contains(key)
    }

    pub(super) fn extend(&self, keys: &[Key]) {
        self.keys().extend(keys.iter().cloned());
    }

    fn all(&self) -> Vec<Key> {
        self.keys().iter().cloned().collect()
    }

    fn take(&self) -> Vec<Key> {
        self.keys().drain().collect()
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
