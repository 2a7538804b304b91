//! How often views were at hand, for whoever watches.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// How often views of one kind were asked for, and where they were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewUses {
    /// The kind, and the version of its form.
    pub kind: &'static str,
    /// Found in this process.
    pub here: u64,
    /// Found in Redis.
    pub shared: u64,
    /// Read from the store.
    pub missed: u64,
}

#[derive(Default)]
struct Count {
    here: AtomicU64,
    shared: AtomicU64,
    missed: AtomicU64,
}

/// Counts for all kinds. There are a handful of them.
#[derive(Default)]
pub(super) struct Uses(RwLock<BTreeMap<&'static str, Arc<Count>>>);

impl Uses {
    pub(super) fn found_here(&self, kind: &'static str, views: usize) {
        add(&self.of(kind).here, views);
    }

    pub(super) fn found_shared(&self, kind: &'static str, views: usize) {
        add(&self.of(kind).shared, views);
    }

    pub(super) fn missed(&self, kind: &'static str, views: usize) {
        add(&self.of(kind).missed, views);
    }

    pub(super) fn all(&self) -> Vec<ViewUses> {
        let kinds = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let total = |of: &AtomicU64| of.load(Ordering::Relaxed);
        kinds
            .iter()
            .map(|(kind, it)| ViewUses {
                kind,
                here: total(&it.here),
                shared: total(&it.shared),
                missed: total(&it.missed),
            })
            .collect()
    }

    fn of(&self, kind: &'static str) -> Arc<Count> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(kind) {
            return Arc::clone(known);
        }
        Arc::clone(self.0.write().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default())
    }
}

fn add(total: &AtomicU64, views: usize) {
    if views > 0 {
        total.fetch_add(views as u64, Ordering::Relaxed);
    }
}
