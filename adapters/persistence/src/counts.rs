//! How long large lists are: counting one costs as much as it is long, and everybody who leafs through it asks.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use kernel_domain::StoreError;
use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a count is believed. Whoever leafs through a list that long does not see what is a little later.
const BELIEVED: Duration = Duration::from_secs(2);

/// From then on a count that is asked for is renewed beside the request: as long as somebody asks, nobody waits.
const RENEWED_AFTER: Duration = Duration::from_millis(1500);

/// Lists that are known to be long at once: each filter and each viewer makes another. Beyond that, those go that are
/// seldom asked for, and are counted as if they were short.
const MOST_LISTS: usize = 1_000;

/// Remembers the counts of long lists. Short ones are counted afresh each time, and never waited for.
#[derive(Clone)]
pub(crate) struct Counts {
    /// From how many rows on a list is long.
    long_from: i64,
    /// What was counted last, for each list that was long then. Whoever counts it holds it, so that the others wait
    /// for the outcome instead of counting as well.
    long: Arc<Cache<String, Known>>,
}

type Known = Arc<Mutex<Counted>>;

struct Counted {
    rows: i64,
    /// When counting began: the database tells how many there were then.
    at: Instant,
    is_being_renewed: bool,
}

impl Counted {
    fn new(rows: i64, at: Instant) -> Self {
        Self { rows, at, is_being_renewed: false }
    }
}

impl Counts {
    pub(crate) fn new(long_from: u32) -> Self {
        Self { long_from: long_from.into(), long: Arc::new(Cache::new(MOST_LISTS)) }
    }

    /// How many rows the list of this name has beyond this filter, which says who looks if that makes a difference.
    /// `count` counts them for the request, and `anew` when the request is over.
    pub(crate) async fn of<A>(
        &self,
        list: &str,
        filter: &impl Debug,
        count: impl Future<Output = Result<i64, StoreError>>,
        anew: impl FnOnce() -> A,
    ) -> Result<i64, StoreError>
    where
        A: Future<Output = Result<i64, StoreError>> + Send + 'static,
    {
        let list = format!("{list} {filter:?}");
        let Some(known) = self.long.get(&list) else {
            let began = Instant::now();
            let rows = count.await?;
            if rows >= self.long_from {
                self.long.insert(list, Arc::new(Mutex::new(Counted::new(rows, began))));
            }
            return Ok(rows);
        };
        let mut counted = known.lock().await;
        let age = counted.at.elapsed();
        if age < BELIEVED {
            if age >= RENEWED_AFTER && !counted.is_being_renewed {
                counted.is_being_renewed = true;
                tokio::spawn(self.clone().renew(list, known.clone(), anew()));
            }
            return Ok(counted.rows);
        }
        let began = Instant::now();
        let rows = count.await?;
        *counted = Counted::new(rows, began);
        self.forget_if_short(&list, rows);
        Ok(rows)
    }

    /// Counts a list that is still believed to be as long as it was.
    async fn renew(self, list: String, known: Known, count: impl Future<Output = Result<i64, StoreError>>) {
        let began = Instant::now();
        let outcome = count.await;
        let mut counted = known.lock().await;
        counted.is_being_renewed = false;
        match outcome {
            // Whoever could not wait any longer may have counted it since.
            Ok(rows) if counted.at < began => {
                *counted = Counted::new(rows, began);
                self.forget_if_short(&list, rows);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, list, "a long list could not be counted anew");
            }
        }
    }

    /// Those who waited are told what was counted while they did; nobody after them.
    fn forget_if_short(&self, list: &str, rows: i64) {
        if rows < self.long_from {
            self.long.remove(list);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use super::*;

    /// A table that knows how often it was counted.
    #[derive(Default)]
    struct Table {
        rows: AtomicI64,
        counted: AtomicUsize,
    }

    impl Table {
        fn of(rows: i64) -> Arc<Self> {
            Arc::new(Self { rows: rows.into(), ..Self::default() })
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

    /// Asks how many items there are.
    async fn asked(counts: &Counts, table: &Arc<Table>) -> Result<i64, StoreError> {
        counts.of("items", &(), table.count(), again(table)).await
    }

    fn again(table: &Arc<Table>) -> impl FnOnce() -> BoxFuture<'static, Result<i64, StoreError>> {
        let table = table.clone();
        || Box::pin(async move { table.count().await })
    }

    /// Lets everything happen that is to happen now.
    async fn everything_at_rest() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_list_is_counted_afresh_each_time() {
        let (counts, table) = (Counts::new(100), Table::of(98));

        for rows in [98, 99] {
            table.becomes(rows);
            assert_eq!(asked(&counts, &table).await.unwrap(), rows);
        }
        assert_eq!(table.counted(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_list_is_counted_once_and_again_when_that_is_not_believed_any_more() {
        let (counts, table) = (Counts::new(100), Table::of(100));

        assert_eq!(asked(&counts, &table).await.unwrap(), 100);
        table.becomes(101);
        tokio::time::advance(Duration::from_millis(1_499)).await;
        assert_eq!(asked(&counts, &table).await.unwrap(), 100);
        tokio::time::advance(Duration::from_millis(501)).await;
        assert_eq!(asked(&counts, &table).await.unwrap(), 101);
        assert_eq!(table.counted(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_all_the_time_never_waits_and_is_told_nothing_old() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        asked(&counts, &table).await.unwrap();

        for rows in 101..110 {
            table.becomes(rows);
            tokio::time::advance(RENEWED_AFTER).await;
            let nobody_waits = std::future::pending();
            let told = counts.of("items", &(), nobody_waits, again(&table)).await.unwrap();
            assert_eq!(told, rows - 1, "it is still believed");
            everything_at_rest().await;
            assert_eq!(asked(&counts, &table).await.unwrap(), rows, "it was counted meanwhile");
        }
        assert_eq!(table.counted(), 10, "once each time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_fails_leaves_it_to_the_next() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        asked(&counts, &table).await.unwrap();
        tokio::time::advance(RENEWED_AFTER).await;
        table.becomes(200);

        let fails = || async { Err(StoreError::unavailable("it is down")) };
        assert_eq!(counts.of("items", &(), table.count(), fails).await.unwrap(), 100);
        everything_at_rest().await;
        assert_eq!(asked(&counts, &table).await.unwrap(), 100);
        everything_at_rest().await;
        assert_eq!(asked(&counts, &table).await.unwrap(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_is_short_when_it_is_renewed_is_counted_afresh_from_then_on() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        asked(&counts, &table).await.unwrap();
        tokio::time::advance(RENEWED_AFTER).await;
        table.becomes(5);
        asked(&counts, &table).await.unwrap();
        everything_at_rest().await;

        for rows in [6, 7] {
            table.becomes(rows);
            assert_eq!(asked(&counts, &table).await.unwrap(), rows);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_who_ask_at_once_for_a_long_list_one_counts() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        asked(&counts, &table).await.unwrap();
        tokio::time::advance(BELIEVED).await;

        let asked = (0..10).map(|_| asked(&counts, &table));
        futures_util::future::try_join_all(asked).await.unwrap();

        assert_eq!(table.counted(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_became_short_is_counted_afresh_from_then_on() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        asked(&counts, &table).await.unwrap();
        tokio::time::advance(BELIEVED).await;

        for rows in [5, 6] {
            table.becomes(rows);
            assert_eq!(asked(&counts, &table).await.unwrap(), rows);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn other_lists_and_other_filters_are_counted_for_themselves() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        counts.of("items", &Some("MOVING"), table.count(), again(&table)).await.unwrap();

        counts.of("items", &Some("LOST"), table.count(), again(&table)).await.unwrap();
        counts.of("batches", &Some("MOVING"), table.count(), again(&table)).await.unwrap();

        assert_eq!(table.counted(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_that_failed_or_was_given_up_leaves_it_to_the_next() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        asked(&counts, &table).await.unwrap();
        tokio::time::advance(BELIEVED).await;

        let failed = async { Err(StoreError::unavailable("it is down")) };
        assert!(counts.of("items", &(), failed, again(&table)).await.is_err());
        let endless = counts.of("items", &(), std::future::pending(), again(&table));
        assert!(tokio::time::timeout(Duration::from_secs(1), endless).await.is_err());
        table.becomes(200);
        assert_eq!(asked(&counts, &table).await.unwrap(), 200);
    }
}
