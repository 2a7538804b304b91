//! The real clock, the real randomness, and real waiting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use kernel_application::{Clock, Ids, Pauses};
use uuid::Uuid;

/// The machine's clock, in whole microseconds.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the real time")]
        Utc::now().trunc_subsecs(6)
    }
}

/// The runtime's timer. It counts: each pause is that of somebody who lost a race and tries again.
#[derive(Default)]
pub(crate) struct SystemPauses {
    so_far: AtomicU64,
}

impl SystemPauses {
    /// How many there were.
    pub(crate) fn so_far(&self) -> u64 {
        self.so_far.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Pauses for SystemPauses {
    async fn pause(&self, time: Duration) {
        self.so_far.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(time).await;
    }
}

/// The operating system's randomness.
pub(crate) struct SystemIds;

impl Ids for SystemIds {
    fn uuid(&self) -> Uuid {
        #[expect(clippy::disallowed_methods, reason = "the one place that makes real ids")]
        Uuid::now_v7()
    }

    fn secret(&self) -> Uuid {
        #[expect(clippy::disallowed_methods, reason = "the one place that makes real ids")]
        Uuid::new_v4()
    }

    fn below(&self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Numbers past the last full stretch of `bound` would make small results likelier: draw again.
        let biased_from = u64::MAX - (u64::MAX % bound + 1) % bound;
        loop {
            let mut bytes = [0; 8];
            #[expect(clippy::expect_used, reason = "without randomness nothing we make would be unique")]
            getrandom::fill(&mut bytes).expect("the operating system has randomness");
            let drawn = u64::from_le_bytes(bytes);
            if drawn <= biased_from {
                return drawn % bound;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_has_whole_microseconds() {
        assert_eq!(SystemClock.now().timestamp_subsec_nanos() % 1_000, 0);
    }

    #[test]
    fn drawn_numbers_stay_below_their_bound() {
        for bound in [1, 2, 3, 10_000_000_000, u64::MAX] {
            assert!((0..100).all(|_| SystemIds.below(bound) < bound), "{bound}");
        }
        assert_eq!(SystemIds.below(0), 0);
    }

    #[test]
    fn ids_sort_by_the_time_of_their_making() {
        let ids: Vec<_> = (0..1000).map(|_| SystemIds.uuid()).collect();

        assert!(ids.is_sorted());
    }
}
