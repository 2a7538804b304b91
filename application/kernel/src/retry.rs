//! Bad luck with the store is met by trying again, a few times.

use std::time::Duration;

use kernel_domain::StoreError;

use crate::{Ids, Pauses};

/// How often a use case is tried again. Who loses four times in a row competes with too many: the caller should know.
pub const MAX_RETRIES: usize = 3;

/// The shortest pause: whoever was faster needs about as long to commit.
const SHORTEST_MS: u64 = 5;

/// The longest one. Each is drawn, so that those who collided do not do so again.
const LONGEST_MS: u64 = 50;

/// An error that may be no more than bad luck.
pub trait MayPass {
    /// Whether nothing was kept, and the same may well succeed when tried again.
    fn may_pass(&self) -> bool;
}

impl MayPass for StoreError {
    fn may_pass(&self) -> bool {
        match self {
            Self::Conflict(_) | Self::Contended(_) => true,
            Self::Duplicate { .. } | Self::Corrupt { .. } | Self::Unavailable(_) => false,
        }
    }
}

/// Makes attempts until one succeeds, fails for good, or was the last.
///
/// An attempt has to begin at the beginning: with what it read last time it would lose again.
pub async fn retried<T, E, F>(pauses: &dyn Pauses, ids: &dyn Ids, attempt: impl Fn() -> F) -> Result<T, E>
where
    E: MayPass,
    F: Future<Output = Result<T, E>>,
{
    for _ in 0..MAX_RETRIES {
        match attempt().await {
            Err(error) if error.may_pass() => {}
            outcome => return outcome,
        }
        let drawn = ids.below(LONGEST_MS - SHORTEST_MS + 1);
        pauses.pause(Duration::from_millis(SHORTEST_MS + drawn)).await;
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use uuid::Uuid;

    use super::*;

    #[derive(Default)]
    struct Noted(Mutex<Vec<u64>>);

    #[async_trait]
    impl Pauses for Noted {
        async fn pause(&self, time: Duration) {
            self.0.lock().expect("a lock").push(u64::try_from(time.as_millis()).expect("a short time"));
        }
    }

    struct Largest;

    impl Ids for Largest {
        fn uuid(&self) -> Uuid {
            Uuid::nil()
        }

        fn secret(&self) -> Uuid {
            Uuid::nil()
        }

        fn below(&self, bound: u64) -> u64 {
            bound - 1
        }
    }

    /// How often it was tried, the pauses, and how it ended.
    async fn tried(
        outcome: impl Fn(usize) -> Result<(), StoreError> + Sync,
    ) -> (usize, Vec<u64>, Result<(), StoreError>) {
        let (pauses, attempts) = (Noted::default(), AtomicUsize::new(0));
        let outcome = &outcome;
        let attempts = &attempts;
        let ended =
            retried(&pauses, &Largest, || async move { outcome(attempts.fetch_add(1, Ordering::Relaxed)) }).await;
        let waited = pauses.0.lock().expect("a lock").clone();
        (attempts.load(Ordering::Relaxed), waited, ended)
    }

    fn contended() -> Result<(), StoreError> {
        Err(StoreError::Contended("deadlock".into()))
    }

    #[tokio::test]
    async fn what_succeeds_is_done_once() {
        assert!(matches!(tried(|_| Ok(())).await, (1, waited, Ok(())) if waited.is_empty()));
    }

    #[tokio::test]
    async fn bad_luck_passes_after_a_pause() {
        let (attempts, waited, ended) = tried(|at| if at == 0 { contended() } else { Ok(()) }).await;

        assert!(ended.is_ok());
        assert_eq!((attempts, waited), (2, vec![50]));
    }

    #[tokio::test]
    async fn trying_again_ends() {
        let (attempts, waited, ended) = tried(|_| contended()).await;

        assert!(matches!(ended, Err(StoreError::Contended(_))));
        assert_eq!((attempts, waited.len()), (1 + MAX_RETRIES, MAX_RETRIES));
    }

    #[tokio::test]
    async fn what_would_fail_again_is_not_tried_again() {
        for error in [
            || StoreError::Duplicate { key: "alias" },
            || StoreError::corrupt("item", "a bug"),
            || StoreError::unavailable("it is down, or nobody knows whether it was kept"),
        ] {
            assert_eq!(tried(|_| Err(error())).await.0, 1);
        }
    }
}
