//! A throttle that all instances share, and that each can do without.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{Rate, Throttle, Verdict};
use kernel_domain::StoreError;

use crate::MemoryThrottle;
use crate::breaker::Breaker;

/// Counts in both places: what passes has passed here and in the shared store, or here alone while that is down.
///
/// So the instances together let pass what the rate says while they can hear of each other, and none
/// ever lets pass more than that, whatever happens to the shared store: when it goes, and when it comes back
/// having forgotten everything. Who has had his share here is refused without asking further.
pub struct ResilientThrottle {
    shared: Arc<dyn Throttle>,
    local: MemoryThrottle,
    breaker: Breaker,
}

impl ResilientThrottle {
    /// Asks `shared` as long as it answers; `local` counts along.
    pub fn new(shared: Arc<dyn Throttle>, local: MemoryThrottle) -> Self {
        Self { shared, local, breaker: Breaker::of("shared counters") }
    }

    /// Whether the shared store is left alone because it did not answer.
    pub fn is_on_its_own(&self) -> bool {
        self.breaker.is_open()
    }
}

#[async_trait]
impl Throttle for ResilientThrottle {
    /// Never fails.
    async fn hit(&self, scope: &str, caller: &str, rate: Rate) -> Result<Verdict, StoreError> {
        let (own, counted_at) = self.local.count(scope, caller, rate);
        if !own.allowed || !self.breaker.admits() {
            return Ok(own);
        }
        match self.shared.hit(scope, caller, rate).await {
            Ok(verdict) => {
                self.breaker.succeeded();
                if !verdict.allowed {
                    self.local.take_back(scope, caller, counted_at);
                }
                Ok(verdict)
            }
            Err(error) => {
                self.breaker.failed(&error);
                Ok(own)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const RATE: Rate = Rate { limit: 10, window: Duration::from_mins(1) };

    /// Counts until it breaks, and has forgotten everything when it works again.
    #[derive(Default)]
    struct Shared {
        counts: MemoryThrottle,
        is_broken: AtomicBool,
        asked: AtomicU32,
    }

    #[async_trait]
    impl Throttle for Shared {
        async fn hit(&self, scope: &str, caller: &str, rate: Rate) -> Result<Verdict, StoreError> {
            self.asked.fetch_add(1, Relaxed);
            if self.is_broken.load(Relaxed) {
                return Err(StoreError::unavailable("gone"));
            }
            self.counts.hit(scope, caller, rate).await
        }
    }

    impl ResilientThrottle {
        fn over(shared: &Arc<Shared>) -> Self {
            Self::new(shared.clone(), MemoryThrottle::default())
        }

        async fn passed_of(&self, requests: u32) -> u32 {
            let mut passed = 0;
            for _ in 0..requests {
                passed += u32::from(self.hit("burst", "ann", RATE).await.unwrap().allowed);
            }
            passed
        }
    }

    #[tokio::test(start_paused = true)]
    async fn instances_share_the_rate_while_the_store_answers() {
        let shared = Arc::default();
        let (one, other) = (ResilientThrottle::over(&shared), ResilientThrottle::over(&shared));
        assert_eq!(one.passed_of(7).await + other.passed_of(7).await, 10);
        assert_eq!(one.passed_of(7).await + other.passed_of(7).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn no_instance_exceeds_the_rate_when_the_store_goes_and_comes_back_empty() {
        let shared = Arc::new(Shared::default());
        let (one, other) = (ResilientThrottle::over(&shared), ResilientThrottle::over(&shared));
        assert_eq!((one.passed_of(4).await, other.passed_of(100).await), (4, 6));

        shared.is_broken.store(true, Relaxed);
        assert_eq!((one.passed_of(3).await, other.passed_of(100).await), (3, 4));

        shared.is_broken.store(false, Relaxed);
        shared.counts.forget_everything();
        advance(Duration::from_secs(2)).await;
        assert_eq!((one.passed_of(100).await, other.passed_of(100).await), (3, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_store_refuses_does_not_count_here_either() {
        let shared = Arc::new(Shared::default());
        let throttle = ResilientThrottle::over(&shared);
        for _ in 0..10 {
            shared.counts.count("burst", "ann", RATE);
        }
        assert_eq!(throttle.passed_of(100).await, 0);
        shared.is_broken.store(true, Relaxed);
        assert_eq!(throttle.passed_of(100).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_had_his_share_here_costs_the_store_nothing() {
        let shared = Arc::new(Shared::default());
        assert_eq!(ResilientThrottle::over(&shared).passed_of(1000).await, 10);
        assert_eq!(shared.asked.load(Relaxed), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_store_is_asked_once_a_second() {
        let shared = Arc::new(Shared { is_broken: true.into(), ..Shared::default() });
        let throttle = ResilientThrottle::over(&shared);
        for caller in 0..1000 {
            throttle.hit("burst", &caller.to_string(), RATE).await.unwrap();
            advance(Duration::from_millis(10)).await;
        }
        assert_eq!(shared.asked.load(Relaxed), 5 + 9);
    }
}
