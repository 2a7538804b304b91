//! Evictions by units of work that are kept only together with others.
//!
//! A request that acts once, or a scope, commits its units of work inside a transaction of its own, so what a unit of
//! work evicts when it commits may be brought back before the change is really there. Hence everything that was evicted
//! inside is evicted again when it is over. Until then it reads what it has changed from the store, which is the only
//! one to know; and nothing that it reads is kept, for what a transaction sees is nobody else's matter.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel_application::{Idempotency, Once, RequestKey, ScopedWork, TransactionScope, Work};
use kernel_domain::StoreError;
use tokio::task_local;

use super::eviction::{Changed, Eviction};
use super::{Key, ViewCache};

task_local! {
    static CHANGED: Changed;
}

/// Whether what is read now may be what a transaction sees and nobody else.
pub(crate) fn is_inside() -> bool {
    CHANGED.try_with(|_| ()).is_ok()
}

pub(super) fn is_changed_here(key: &str) -> bool {
    CHANGED.try_with(|changed| changed.contains(key)).unwrap_or(false)
}

pub(super) fn note(keys: &[Key]) {
    // Outside there is nothing to note.
    let _ = CHANGED.try_with(|changed| changed.extend(keys));
}

/// Evicts again what was evicted inside, after it was kept.
pub(crate) struct DeferredEvictions<I: ?Sized> {
    pub(crate) inner: Arc<I>,
    pub(crate) views: ViewCache,
}

impl<I: ?Sized> DeferredEvictions<I> {
    async fn after<F: Future>(&self, inner: F) -> F::Output {
        let again = Eviction::from(&self.views);
        let outcome = CHANGED.scope(again.changed.clone(), inner).await;
        // After an error, too: it does not always tell that nothing was kept.
        again.now().await;
        outcome
    }
}

#[async_trait]
impl TransactionScope for DeferredEvictions<dyn TransactionScope> {
    async fn enclose(&self, work: ScopedWork<'_>) -> Result<(), StoreError> {
        if is_inside() {
            // It is kept with everything else, and not before.
            return self.inner.enclose(work).await;
        }
        self.after(self.inner.enclose(work)).await
    }
}

#[async_trait]
impl Idempotency for DeferredEvictions<dyn Idempotency> {
    async fn once(
        &self,
        request: RequestKey,
        fingerprint: [u8; 32],
        now: DateTime<Utc>,
        work: Work<'_>,
    ) -> Result<Once, StoreError> {
        self.after(self.inner.once(request, fingerprint, now, work)).await
    }

    async fn forget(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.inner.forget(before, limit).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::time::Duration;

    use kernel_application::KeptAnswer;
    use kernel_application::testing::noon;
    use tokio::time::timeout;

    use super::super::testing::{Process, Shared, Store};
    use super::*;

    /// Keeps what the work wrote after the work is done, as a transaction does, and tells so or fails.
    struct Transaction {
        store: Arc<Store>,
        is_answer_lost: AtomicBool,
        never_ends: AtomicBool,
    }

    #[async_trait]
    impl Idempotency for Transaction {
        async fn once(&self, _: RequestKey, _: [u8; 32], _: DateTime<Utc>, work: Work<'_>) -> Result<Once, StoreError> {
            work.await;
            self.store.write(1, "new");
            if self.never_ends.load(Relaxed) {
                std::future::pending::<()>().await;
            }
            if self.is_answer_lost.load(Relaxed) { Err(StoreError::unavailable("gone")) } else { Ok(Once::Done) }
        }

        async fn forget(&self, _: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
            Ok(limit.into())
        }
    }

    #[async_trait]
    impl TransactionScope for Transaction {
        async fn enclose(&self, work: ScopedWork<'_>) -> Result<(), StoreError> {
            if work.await {
                self.store.write(1, "new");
            }
            Ok(())
        }
    }

    struct World {
        one: Process,
        other: Process,
        transaction: Arc<Transaction>,
    }

    impl World {
        fn new() -> Self {
            let (store, shared) = (Store::new(), Arc::<Shared>::default());
            store.write(1, "old");
            let transaction =
                Transaction { store: store.clone(), is_answer_lost: false.into(), never_ends: false.into() };
            Self {
                one: Process::beside(&store, &shared),
                other: Process::beside(&store, &shared),
                transaction: Arc::new(transaction),
            }
        }

        /// A request changes something, and meanwhile everybody reads what was there before.
        async fn changes(&self) -> Result<Once, StoreError> {
            let work = async {
                assert_eq!(self.one.read(1).await.as_deref(), Some("old"));
                self.one.evict(1).await;
                let bystander = self.one.clone();
                let seen = tokio::spawn(async move { bystander.read(1).await }).await.unwrap();
                assert_eq!(seen.as_deref(), Some("old"));
                let loads = self.one.store.loads();
                assert_eq!(self.one.read(1).await.as_deref(), Some("old"));
                assert_eq!(self.one.store.loads(), loads + 1, "what a request changed it reads from the store");
                assert_eq!(self.other.read(1).await.as_deref(), Some("old"));
                Some(KeptAnswer(Vec::new()))
            };
            let request = RequestKey { scope: "scope".into(), key: "key".into() };
            let idempotency = self.one.views.idempotency(self.transaction.clone());
            idempotency.once(request, [0; 32], noon(), Box::pin(work)).await
        }

        async fn shows(&self, text: &str) {
            assert_eq!(self.one.read(1).await.as_deref(), Some(text));
            tokio::time::advance(super::super::GLANCE).await;
            assert_eq!(self.other.read(1).await.as_deref(), Some(text));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_request_evicted_is_evicted_again_when_it_was_kept() {
        let world = World::new();
        assert!(matches!(world.changes().await, Ok(Once::Done)));
        world.shows("new").await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_evicted_again_when_nobody_knows_whether_it_was_kept() {
        let world = World::new();
        world.transaction.is_answer_lost.store(true, Relaxed);
        assert!(world.changes().await.is_err());
        world.shows("new").await;

        let world = World::new();
        world.transaction.never_ends.store(true, Relaxed);
        assert!(timeout(Duration::from_millis(1), world.changes()).await.is_err());
        tokio::task::yield_now().await;
        world.shows("new").await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_scope_evicted_is_evicted_again_when_it_was_kept() {
        let world = World::new();
        let scope = world.one.views.transaction_scope(world.transaction.clone());
        let work = async {
            world.one.evict(1).await;
            let bystander = world.one.clone();
            let seen = tokio::spawn(async move { bystander.read(1).await }).await.unwrap();
            assert_eq!(seen.as_deref(), Some("old"), "which is kept here again");
            true
        };

        scope.enclose(Box::pin(work)).await.unwrap();

        world.shows("new").await;
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_that_a_request_reads_is_kept() {
        let world = World::new();
        let work = async {
            assert_eq!(world.one.read(1).await.as_deref(), Some("old"));
            None
        };
        let request = RequestKey { scope: "scope".into(), key: "key".into() };
        let idempotency = world.one.views.idempotency(world.transaction.clone());
        idempotency.once(request, [0; 32], noon(), Box::pin(work)).await.unwrap();
        assert_eq!(world.one.read(1).await.as_deref(), Some("new"));
    }

    #[tokio::test]
    async fn forgetting_is_passed_on() {
        let world = World::new();
        let idempotency = world.one.views.idempotency(world.transaction.clone());
        assert_eq!(idempotency.forget(noon(), 7).await.unwrap(), 7);
    }
}
