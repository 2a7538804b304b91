//! How long large lists are: counting one costs as much as it is long, and everybody who leafs through it asks.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use kernel_domain::StoreError;
use moka::sync::Cache;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a count is believed. Whoever leafs through a list that long does not see what is a little later.
const BELIEVED: Duration = Duration::from_secs(2);

/// Lists that are known to be long at once: each filter and each viewer makes another. Beyond that, those go that are
/// seldom asked for, and are counted as if they were short.
const MOST_LISTS: u64 = 1_000;

/// Remembers the counts of long lists. Short ones are counted afresh each time, and never waited for.
#[derive(Clone)]
pub(crate) struct Counts {
    /// From how many rows on a list is long.
    long_from: i64,
    /// What was counted last, for each list that was long then. Whoever counts it holds it, so that the others wait
    /// for the outcome instead of counting as well.
    long: Cache<String, Arc<Mutex<Counted>>>,
}

#[derive(Clone, Copy)]
struct Counted {
    rows: i64,
    at: Instant,
}

impl Counts {
    pub(crate) fn new(long_from: u32) -> Self {
        Self { long_from: long_from.into(), long: Cache::new(MOST_LISTS) }
    }

    /// How many rows the list of this name has beyond this filter, which says who looks if that makes a difference.
    /// `count` counts them.
    pub(crate) async fn of(
        &self,
        list: &str,
        filter: &impl Debug,
        count: impl Future<Output = Result<i64, StoreError>>,
    ) -> Result<i64, StoreError> {
        let list = format!("{list} {filter:?}");
        let Some(known) = self.long.get(&list) else {
            let rows = count.await?;
            if rows >= self.long_from {
                self.long.insert(list, Arc::new(Mutex::new(Counted { rows, at: Instant::now() })));
            }
            return Ok(rows);
        };
        let mut known = known.lock().await;
        if known.at.elapsed() < BELIEVED {
            return Ok(known.rows);
        }
        let rows = count.await?;
        *known = Counted { rows, at: Instant::now() };
        if rows < self.long_from {
            // Those who waited are told what was counted while they did; nobody after them.
            self.long.invalidate(&list);
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use super::*;

    /// A table that knows how often it was counted.
    #[derive(Default)]
    struct Table {
        rows: AtomicI64,
        counted: AtomicUsize,
    }

    impl Table {
        fn of(rows: i64) -> Self {
            Self { rows: rows.into(), ..Self::default() }
        }

        async fn count(&self) -> Result<i64, StoreError> {
            self.counted.fetch_add(1, Ordering::Relaxed);
            // Time for the others to come and wait.
            tokio::task::yield_now().await;
            Ok(self.rows.load(Ordering::Relaxed))
        }

        fn counted(&self) -> usize {
            self.counted.load(Ordering::Relaxed)
        }

        fn becomes(&self, rows: i64) {
            self.rows.store(rows, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_list_is_counted_afresh_each_time() {
        let (counts, table) = (Counts::new(100), Table::of(98));

        for rows in [98, 99] {
            table.becomes(rows);
            assert_eq!(counts.of("items", &(), table.count()).await.unwrap(), rows);
        }
        assert_eq!(table.counted(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_list_is_counted_once_and_again_when_that_is_not_believed_any_more() {
        let (counts, table) = (Counts::new(100), Table::of(100));

        assert_eq!(counts.of("items", &(), table.count()).await.unwrap(), 100);
        table.becomes(101);
        tokio::time::advance(Duration::from_millis(1_999)).await;
        assert_eq!(counts.of("items", &(), table.count()).await.unwrap(), 100);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(counts.of("items", &(), table.count()).await.unwrap(), 101);
        assert_eq!(table.counted(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_who_ask_at_once_for_a_long_list_one_counts() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        counts.of("items", &(), table.count()).await.unwrap();
        tokio::time::advance(BELIEVED).await;

        let asked = (0..10).map(|_| counts.of("items", &(), table.count()));
        futures_util::future::try_join_all(asked).await.unwrap();

        assert_eq!(table.counted(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_became_short_is_counted_afresh_from_then_on() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        counts.of("items", &(), table.count()).await.unwrap();
        tokio::time::advance(BELIEVED).await;

        for rows in [5, 6] {
            table.becomes(rows);
            assert_eq!(counts.of("items", &(), table.count()).await.unwrap(), rows);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn other_lists_and_other_filters_are_counted_for_themselves() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        counts.of("items", &Some("MOVING"), table.count()).await.unwrap();

        counts.of("items", &Some("LOST"), table.count()).await.unwrap();
        counts.of("batches", &Some("MOVING"), table.count()).await.unwrap();

        assert_eq!(table.counted(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_that_failed_or_was_given_up_leaves_it_to_the_next() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        counts.of("items", &(), table.count()).await.unwrap();
        tokio::time::advance(BELIEVED).await;

        let failed = async { Err(StoreError::unavailable("it is down")) };
        assert!(counts.of("items", &(), failed).await.is_err());
        let endless = counts.of("items", &(), std::future::pending());
        assert!(tokio::time::timeout(Duration::from_secs(1), endless).await.is_err());
        table.becomes(200);
        assert_eq!(counts.of("items", &(), table.count()).await.unwrap(), 200);
    }
}
