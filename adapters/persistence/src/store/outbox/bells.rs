//! What wakes the relays of this process: an event that was committed, and not only the time.

use std::sync::Arc;

use tokio::sync::Notify;

/// The bells to ring once a transaction is committed: one for each subscriber that has something to wait for in it.
#[derive(Default)]
pub(in super::super) struct Bells(Vec<Arc<Notify>>);

impl Bells {
    /// Rings these, too.
    pub(in super::super) fn extend(&mut self, others: impl IntoIterator<Item = Arc<Notify>>) {
        for other in others {
            if !self.0.iter().any(|it| Arc::ptr_eq(it, &other)) {
                self.0.push(other);
            }
        }
    }

    /// Wakes whoever waits, or who waits next.
    pub(in super::super) fn ring(self) {
        for bell in self.0 {
            bell.notify_one();
        }
    }
}

impl IntoIterator for Bells {
    type Item = Arc<Notify>;
    type IntoIter = std::vec::IntoIter<Arc<Notify>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
