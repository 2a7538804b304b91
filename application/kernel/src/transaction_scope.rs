//! Units of work that are kept together, whichever contexts they belong to, as a port.

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;
use kernel_domain::StoreError;

/// Work that ends with whether what it did is to be kept.
pub type ScopedWork<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// Makes one transaction of several units of work. Whoever begins them need not know.
#[async_trait]
pub trait TransactionScope: Send + Sync {
    /// Does `work`. Everything that the units of work in it commit is kept if it says so, or none of it; after an error
    /// nothing was kept. Use cases say it by `all_or_nothing`.
    async fn enclose(&self, work: ScopedWork<'_>) -> Result<(), StoreError>;
}

impl dyn TransactionScope {
    /// Does `work`, one step after the other: if it fails, none of what its units of work committed is kept.
    pub async fn all_or_nothing<T, E>(&self, work: impl Future<Output = Result<T, E>> + Send) -> Result<T, E>
    where
        T: Send,
        E: From<StoreError> + Send,
    {
        let mut outcome = Err(E::from(StoreError::unavailable("the work was not done")));
        let enclosed = async {
            outcome = work.await;
            outcome.is_ok()
        };
        let kept = self.enclose(Box::pin(enclosed)).await;
        let done = outcome?;
        kept?;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Notes what it was told to keep, and keeps it or fails.
    struct Noting {
        keeps: AtomicBool,
        is_broken: bool,
    }

    #[async_trait]
    impl TransactionScope for Noting {
        async fn enclose(&self, work: ScopedWork<'_>) -> Result<(), StoreError> {
            self.keeps.store(work.await, Ordering::Relaxed);
            if self.is_broken { Err(StoreError::unavailable("gone")) } else { Ok(()) }
        }
    }

    async fn tried(is_broken: bool, work: Result<u8, StoreError>) -> (Result<u8, StoreError>, bool) {
        let scope = Noting { keeps: false.into(), is_broken };
        let outcome = (&scope as &dyn TransactionScope).all_or_nothing(async { work }).await;
        (outcome, scope.keeps.into_inner())
    }

    #[tokio::test]
    async fn work_that_fails_keeps_nothing_and_says_why() {
        assert!(matches!(tried(false, Ok(7)).await, (Ok(7), true)));

        let refused = || Err(StoreError::Conflict("it".to_owned()));
        for is_broken in [false, true] {
            assert!(matches!(tried(is_broken, refused()).await, (Err(StoreError::Conflict(_)), false)));
        }
    }

    #[tokio::test]
    async fn work_that_was_not_kept_was_not_done() {
        assert!(matches!(tried(true, Ok(7)).await, (Err(StoreError::Unavailable { .. }), true)));
    }
}
