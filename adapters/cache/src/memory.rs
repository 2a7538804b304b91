//! A throttle for one process: for each caller a log of the requests that passed.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kernel_application::{Rate, Throttle, Verdict};
use kernel_domain::StoreError;
use tokio::time::Instant;

/// Looking for callers to forget takes a millisecond in a table of this size, and holds up whoever needs that table.
const CALLERS_OF_A_TABLE: usize = 1600;

/// With so many of them 100 000 callers are remembered, in some 25 MB if each asked once.
const TABLES: usize = 64;

/// How often callers who stay away are looked for, so that a quiet process gives back what a rush took.
const SWEEP_PAUSE: Duration = Duration::from_mins(1);

/// Counts exactly, on a clock that nobody sets.
///
/// It remembers so many callers and no more. When another one comes, those go who have been away longest.
/// Turning newcomers away instead would let anybody with enough addresses lock everybody else out; forgetting
/// gives him no more requests than those addresses have anyway.
pub struct MemoryThrottle {
    tables: Box<[Mutex<Table>]>,
    hasher: RandomState,
}

impl MemoryThrottle {
    fn new(tables: usize, callers_of_each: usize) -> Self {
        let table = || Table { logs: HashMap::new(), capacity: callers_of_each, swept_at: Instant::now() };
        let tables = (0..tables).map(|_| Mutex::new(table())).collect();
        Self { tables, hasher: RandomState::new() }
    }

    /// Counts a request, if it may pass, as of the time that is returned.
    pub(crate) fn count(&self, scope: &str, caller: &str, rate: Rate) -> (Verdict, Instant) {
        let key = key(scope, caller);
        let mut table = self.table(&key);
        let now = Instant::now();
        (table.log(key, now).hit(rate, now), now)
    }

    /// Counts a request of that time no longer.
    pub(crate) fn take_back(&self, scope: &str, caller: &str, counted_at: Instant) {
        let key = key(scope, caller);
        if let Some(log) = self.table(&key).logs.get_mut(&key) {
            log.take_back(counted_at);
        }
    }

    /// The table of this caller. Whoever panicked with it in his hands left it whole: no change has a half.
    fn table(&self, key: &Key) -> MutexGuard<'_, Table> {
        let index = self.hasher.hash_one(key) % self.tables.len() as u64;
        self.tables[usize::try_from(index).unwrap_or(0)].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryThrottle {
    fn default() -> Self {
        Self::new(TABLES, CALLERS_OF_A_TABLE)
    }
}

#[async_trait]
impl Throttle for MemoryThrottle {
    async fn hit(&self, scope: &str, caller: &str, rate: Rate) -> Result<Verdict, StoreError> {
        Ok(self.count(scope, caller, rate).0)
    }
}

type Key = (Box<str>, Box<str>);

fn key(scope: &str, caller: &str) -> Key {
    (scope.into(), caller.into())
}

struct Table {
    logs: HashMap<Key, Log>,
    capacity: usize,
    swept_at: Instant,
}

impl Table {
    fn log(&mut self, key: Key, now: Instant) -> &mut Log {
        if now.duration_since(self.swept_at) >= SWEEP_PAUSE {
            self.sweep(now);
        }
        if self.logs.len() >= self.capacity && !self.logs.contains_key(&key) {
            self.sweep(now);
            self.evict();
        }
        self.logs.entry(key).or_default()
    }

    fn sweep(&mut self, now: Instant) {
        self.swept_at = now;
        self.logs.retain(|_, log| log.counts(now));
    }

    /// Makes room for many at once: who goes is found by looking at everybody, which is too much for each newcomer.
    fn evict(&mut self) {
        let kept = self.capacity - (self.capacity / 8).max(1);
        let mut ages: Vec<_> = self.logs.values().map(Log::last).collect();
        if let Some(excess) = ages.len().checked_sub(kept + 1) {
            let (_, &mut newest_to_go, _) = ages.select_nth_unstable(excess);
            self.logs.retain(|_, log| log.last() > newest_to_go);
        }
    }
}

/// When requests passed, the oldest first.
#[derive(Default)]
struct Log {
    hits: VecDeque<Instant>,
    window: Duration,
}

impl Log {
    fn hit(&mut self, rate: Rate, now: Instant) -> Verdict {
        self.window = rate.window;
        while self.hits.front().is_some_and(|oldest| now.duration_since(*oldest) >= rate.window) {
            self.hits.pop_front();
        }
        let limit = usize::try_from(rate.limit).unwrap_or(usize::MAX);
        let allowed = self.hits.len() < limit;
        if allowed {
            self.hits.push_back(now);
        }
        // All that are above a limit, which was higher before, have to go, and then one more.
        let next_to_make_room = self.hits.len().saturating_sub(limit);
        let age = self.hits.get(next_to_make_room).map_or(Duration::ZERO, |hit| now.duration_since(*hit));
        Verdict {
            allowed,
            remaining: u32::try_from(limit.saturating_sub(self.hits.len())).unwrap_or(u32::MAX),
            reset_after: rate.window.saturating_sub(age),
        }
    }

    fn take_back(&mut self, counted_at: Instant) {
        if let Some(index) = self.hits.iter().rposition(|hit| *hit == counted_at) {
            self.hits.remove(index);
        }
    }

    fn last(&self) -> Option<Instant> {
        self.hits.back().copied()
    }

    fn counts(&self, now: Instant) -> bool {
        self.last().is_some_and(|last| now.duration_since(last) < self.window)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn a_minute(limit: u32) -> Rate {
        Rate { limit, window: Duration::from_mins(1) }
    }

    impl MemoryThrottle {
        fn allows(&self, caller: &str, rate: Rate) -> bool {
            self.count("burst", caller, rate).0.allowed
        }

        fn remembered(&self) -> usize {
            self.tables.iter().map(|table| table.lock().unwrap().logs.len()).sum()
        }

        pub(crate) fn forget_everything(&self) {
            for table in &self.tables {
                table.lock().unwrap().logs.clear();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_counts_for_one_window_to_the_nanosecond() {
        let throttle = MemoryThrottle::default();
        assert!(throttle.allows("ann", a_minute(1)));
        advance(Duration::from_nanos(59_999_999_999)).await;
        assert!(!throttle.allows("ann", a_minute(1)));
        advance(Duration::from_nanos(1)).await;
        assert!(throttle.allows("ann", a_minute(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_ends_with_the_request_that_makes_room() {
        let throttle = MemoryThrottle::default();
        for _ in 0..3 {
            assert!(throttle.allows("ann", a_minute(3)));
            advance(10 * SECOND).await;
        }
        let wait = |limit| throttle.count("burst", "ann", a_minute(limit)).0.reset_after;
        assert_eq!(wait(3), 30 * SECOND);
        assert_eq!(wait(1), 50 * SECOND, "of three, two must go before a limit of one lets the next pass");
        assert_eq!(wait(0), 60 * SECOND, "nobody ever passes, which is never sooner than a window");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_back_leaves_its_place_to_another() {
        let throttle = MemoryThrottle::default();
        let (_, counted_at) = throttle.count("burst", "ann", a_minute(2));
        advance(SECOND).await;
        assert!(throttle.allows("ann", a_minute(2)));
        throttle.take_back("burst", "ann", counted_at);
        throttle.take_back("burst", "ann", counted_at);
        throttle.take_back("burst", "bob", counted_at);
        let (verdict, _) = throttle.count("burst", "ann", a_minute(2));
        assert!(verdict.allowed);
        assert_eq!((verdict.remaining, verdict.reset_after), (0, 60 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn who_stays_away_is_forgotten() {
        let throttle = MemoryThrottle::new(1, 100);
        for caller in ["ann", "bob", "cyd"] {
            throttle.allows(caller, a_minute(1));
        }
        advance(a_minute(1).window).await;
        throttle.allows("dan", a_minute(1));
        assert_eq!(throttle.remembered(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rush_of_newcomers_costs_those_who_have_been_away_longest() {
        let throttle = MemoryThrottle::new(1, 16);
        for caller in 0..16 {
            assert!(throttle.allows(&caller.to_string(), a_minute(1)));
            advance(SECOND / 10).await;
        }
        for caller in 16..1000 {
            assert!(throttle.allows(&caller.to_string(), a_minute(1)), "a newcomer is never turned away");
            advance(SECOND / 1000).await;
            assert!(throttle.remembered() <= 16);
        }
        assert!(!throttle.allows("999", a_minute(1)), "who was here just now is remembered");
        assert!(throttle.allows("0", a_minute(1)), "who was here first is not");
    }

    #[tokio::test(start_paused = true)]
    async fn known_callers_make_nobody_go() {
        let throttle = MemoryThrottle::new(1, 2);
        for caller in ["ann", "bob", "bob", "ann", "bob"] {
            throttle.allows(caller, a_minute(2));
            advance(SECOND).await;
        }
        assert_eq!(throttle.remembered(), 2);
        assert!(!throttle.allows("ann", a_minute(2)));
    }
}
