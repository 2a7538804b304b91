//! How long large lists are: counting one costs as much as it is long, and everybody who leafs through it asks.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use kernel_domain::StoreError;
use quick_cache::sync::Cache;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

/// How long a count is believed. Whoever leafs through a list that long does not see what is a little later.
const BELIEVED: Duration = Duration::from_secs(2);

/// From then on a count that is asked for is renewed beside the request: as long as somebody asks, nobody waits.
const RENEWED_AFTER: Duration = Duration::from_millis(1500);

/// Lists that are known to be long at once: each filter and each viewer makes another. Beyond that, those go that are
/// seldom asked for, and are counted as if they were short.
const MOST_LISTS: usize = 1_000;

/// How long a list is, as far as that is known before a page of it is read.
pub(crate) enum Length {
    /// That many rows: it was counted a moment ago.
    Known(u64),
    /// It is to be counted now.
    Unknown(Counting),
}

impl Length {
    /// Of a list whose count nobody remembers.
    pub(crate) fn exact() -> Self {
        Self::Unknown(Counting(None))
    }
}

/// A list that is about to be counted. If it was long the last time, the others who want its length wait for the
/// outcome, or until this is dropped.
pub(crate) struct Counting(Option<Remembering>);

struct Remembering {
    counts: Counts,
    list: String,
    began: Instant,
    /// What was known of a list that was long.
    known: Option<OwnedMutexGuard<Counted>>,
}

impl Counting {
    /// It has that many rows.
    pub(crate) fn ended(self, rows: u64) {
        let Some(Remembering { counts, list, began, known }) = self.0 else { return };
        match known {
            Some(mut counted) => {
                *counted = Counted::new(rows, began);
                counts.forget_if_short(&list, rows);
            }
            None if counts.is_long(rows) => {
                counts.long.insert(list, Arc::new(Mutex::new(Counted::new(rows, began))));
            }
            None => {}
        }
    }

    /// Whether it is counted before a page of it is read that skips as many rows, and not by the statement that reads
    /// the page. A list that was long may have somebody wait for its length, who is not to wait for a page. And only a
    /// long list has rows behind so many others: to count it costs less than to skip them.
    pub(crate) fn comes_first(&self, skipped: u64) -> bool {
        self.0.as_ref().is_some_and(|it| it.known.is_some() || it.counts.is_long(skipped))
    }
}

/// Remembers the counts of long lists. Short ones are counted afresh each time, and never waited for.
#[derive(Clone)]
pub(crate) struct Counts {
    /// From how many rows on a list is long.
    long_from: u64,
    /// What was counted last, for each list that was long then. Whoever counts it holds it, so that the others wait
    /// for the outcome instead of counting as well.
    long: Arc<Cache<String, Known>>,
}

type Known = Arc<Mutex<Counted>>;

struct Counted {
    rows: u64,
    /// When counting began: the database tells how many there were then.
    at: Instant,
    is_being_renewed: bool,
}

impl Counted {
    fn new(rows: u64, at: Instant) -> Self {
        Self { rows, at, is_being_renewed: false }
    }
}

impl Counts {
    pub(crate) fn new(long_from: u32) -> Self {
        Self { long_from: long_from.into(), long: Arc::new(Cache::new(MOST_LISTS)) }
    }

    /// How many rows the list of this name has beyond this filter, which says who looks if that makes a difference.
    /// `anew` counts them beside the request.
    pub(crate) async fn of<A>(&self, list: &str, filter: &impl Debug, anew: impl FnOnce() -> A) -> Length
    where
        A: Future<Output = Result<u64, StoreError>> + Send + 'static,
    {
        let list = format!("{list} {filter:?}");
        let known = match self.long.get(&list) {
            Some(known) => {
                let mut counted = known.clone().lock_owned().await;
                let age = counted.at.elapsed();
                if age < BELIEVED {
                    if age >= RENEWED_AFTER && !counted.is_being_renewed {
                        counted.is_being_renewed = true;
                        tokio::spawn(self.clone().renew(list, known, anew()));
                    }
                    return Length::Known(counted.rows);
                }
                Some(counted)
            }
            None => None,
        };
        Length::Unknown(Counting(Some(Remembering { counts: self.clone(), list, began: Instant::now(), known })))
    }

    /// Counts a list that is still believed to be as long as it was.
    async fn renew(self, list: String, known: Known, count: impl Future<Output = Result<u64, StoreError>>) {
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

    fn is_long(&self, rows: u64) -> bool {
        rows >= self.long_from
    }

    /// Those who waited are told what was counted while they did; nobody after them.
    fn forget_if_short(&self, list: &str, rows: u64) {
        if !self.is_long(rows) {
            self.long.remove(list);
        }
    }
}

/// What a database says that it counted.
pub(crate) fn counted(rows: i64) -> Result<u64, StoreError> {
    u64::try_from(rows).map_err(|error| StoreError::corrupt("count", error))
}

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use super::*;

    /// A table that knows how often it was counted.
    #[derive(Default)]
    struct Table {
        rows: AtomicU64,
        counted: AtomicUsize,
    }

    impl Table {
        fn of(rows: u64) -> Arc<Self> {
            Arc::new(Self { rows: rows.into(), ..Self::default() })
        }

        async fn count(&self) -> u64 {
            self.counted.fetch_add(1, Ordering::Relaxed);
            // Time for the others to come and wait.
            tokio::task::yield_now().await;
            self.rows.load(Ordering::Relaxed)
        }

        fn counted(&self) -> usize {
            self.counted.load(Ordering::Relaxed)
        }

        fn becomes(&self, rows: u64) {
            self.rows.store(rows, Ordering::Relaxed);
        }
    }

    /// Asks how many items there are, and counts them if that is not known.
    async fn asked(counts: &Counts, table: &Arc<Table>) -> u64 {
        read(counts.of("items", &(), again(table)).await, table).await
    }

    async fn read(length: Length, table: &Arc<Table>) -> u64 {
        match length {
            Length::Known(rows) => rows,
            Length::Unknown(counting) => {
                let rows = table.count().await;
                counting.ended(rows);
                rows
            }
        }
    }

    fn again(table: &Arc<Table>) -> impl FnOnce() -> BoxFuture<'static, Result<u64, StoreError>> {
        let table = table.clone();
        || Box::pin(async move { Ok(table.count().await) })
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
            assert_eq!(asked(&counts, &table).await, rows);
        }
        assert_eq!(table.counted(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_list_is_counted_once_and_again_when_that_is_not_believed_any_more() {
        let (counts, table) = (Counts::new(100), Table::of(100));

        assert_eq!(asked(&counts, &table).await, 100);
        table.becomes(101);
        tokio::time::advance(Duration::from_millis(1_499)).await;
        assert_eq!(asked(&counts, &table).await, 100);
        tokio::time::advance(Duration::from_millis(501)).await;
        assert_eq!(asked(&counts, &table).await, 101);
        assert_eq!(table.counted(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_all_the_time_never_waits_and_is_told_nothing_old() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        asked(&counts, &table).await;

        for rows in 101..110 {
            table.becomes(rows);
            tokio::time::advance(RENEWED_AFTER).await;
            let Length::Known(told) = counts.of("items", &(), again(&table)).await else { panic!("somebody waits") };
            assert_eq!(told, rows - 1, "it is still believed");
            everything_at_rest().await;
            assert_eq!(asked(&counts, &table).await, rows, "it was counted meanwhile");
        }
        assert_eq!(table.counted(), 10, "once each time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_fails_leaves_it_to_the_next() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        asked(&counts, &table).await;
        tokio::time::advance(RENEWED_AFTER).await;
        table.becomes(200);

        let fails = || async { Err(StoreError::unavailable("it is down")) };
        assert_eq!(read(counts.of("items", &(), fails).await, &table).await, 100);
        everything_at_rest().await;
        assert_eq!(asked(&counts, &table).await, 100);
        everything_at_rest().await;
        assert_eq!(asked(&counts, &table).await, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_is_short_when_it_is_renewed_is_counted_afresh_from_then_on() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        asked(&counts, &table).await;
        tokio::time::advance(RENEWED_AFTER).await;
        table.becomes(5);
        asked(&counts, &table).await;
        everything_at_rest().await;

        for rows in [6, 7] {
            table.becomes(rows);
            assert_eq!(asked(&counts, &table).await, rows);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_who_ask_at_once_for_a_long_list_one_counts() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        asked(&counts, &table).await;
        tokio::time::advance(BELIEVED).await;

        let asked = (0..10).map(|_| asked(&counts, &table));
        futures_util::future::join_all(asked).await;

        assert_eq!(table.counted(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_became_short_is_counted_afresh_from_then_on() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        asked(&counts, &table).await;
        tokio::time::advance(BELIEVED).await;

        for rows in [5, 6] {
            table.becomes(rows);
            assert_eq!(asked(&counts, &table).await, rows);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn other_lists_and_other_filters_are_counted_for_themselves() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        read(counts.of("items", &Some("MOVING"), again(&table)).await, &table).await;

        read(counts.of("items", &Some("LOST"), again(&table)).await, &table).await;
        read(counts.of("batches", &Some("MOVING"), again(&table)).await, &table).await;

        assert_eq!(table.counted(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_is_counted_first_if_somebody_may_wait_for_that_or_only_a_long_one_goes_so_far() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        let Length::Unknown(counting) = counts.of("items", &(), again(&table)).await else { panic!("nobody counted") };
        assert!(!counting.comes_first(99), "it may be short");
        assert!(counting.comes_first(100));

        counting.ended(100);
        tokio::time::advance(BELIEVED).await;
        let Length::Unknown(counting) = counts.of("items", &(), again(&table)).await else { panic!("it is believed") };
        assert!(counting.comes_first(0), "it was long");
        let Length::Unknown(exact) = Length::exact() else { panic!("nobody counted") };
        assert!(!exact.comes_first(100), "nobody waits for it, and nobody remembers it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_that_failed_or_was_given_up_leaves_it_to_the_next() {
        let (counts, table) = (Counts::new(100), Table::of(100));
        asked(&counts, &table).await;
        tokio::time::advance(BELIEVED).await;

        let Length::Unknown(counting) = counts.of("items", &(), again(&table)).await else { panic!("it is believed") };
        let waits = counts.of("items", &(), again(&table));
        assert!(tokio::time::timeout(Duration::from_secs(1), waits).await.is_err());
        drop(counting);
        table.becomes(200);
        assert_eq!(asked(&counts, &table).await, 200);
    }
}
