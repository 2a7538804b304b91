//! Watches MySQL meanwhile: how long transactions are open, and which errors it told of.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// No transaction is open for longer than a request may take, and those that wait for it.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(200);
const ANSWER_DEADLINE: Duration = Duration::from_secs(2);

const OLDEST: &str = "SELECT CAST(COALESCE(MAX(open.timer_wait DIV 1000000000), 0) AS UNSIGNED) \
    FROM performance_schema.events_transactions_current open \
    JOIN performance_schema.threads session ON session.thread_id = open.thread_id \
    WHERE open.state = 'ACTIVE' AND session.processlist_db = 'majestic'";

/// What MySQL says to those who lost a race, by the numbers of its errors.
const ERRORS: &str = "SELECT error_number, CAST(SUM(sum_error_raised) AS UNSIGNED) \
    FROM performance_schema.events_errors_summary_global_by_error \
    WHERE error_number IN (1048, 1062, 1205, 1213, 3572) GROUP BY error_number";

/// Two waited for each other, and this one was given up (`ER_LOCK_DEADLOCK`).
pub(crate) const DEADLOCK: u64 = 1213;
/// A lock was waited for in vain (`ER_LOCK_WAIT_TIMEOUT`).
pub(crate) const LOCK_WAIT: u64 = 1205;
/// A lock was not waited for (`ER_LOCK_NOWAIT`).
pub(crate) const LOCKED_ROW: u64 = 3572;
/// A version that somebody else was faster to make becomes null (`ER_BAD_NULL_ERROR`).
pub(crate) const VERSION_CONFLICT: u64 = 1048;

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Transactions that were open for too long while nothing disturbed them.
    pub(crate) faults: Vec<String>,
    pub(crate) oldest: Duration,
    /// Looks at transactions, and those at which one that was open for too long would have been a fault.
    pub(crate) looks: usize,
    pub(crate) judged: usize,
    /// How often each error was told of.
    pub(crate) errors: BTreeMap<u64, u64>,
}

/// Since when nothing disturbs a transaction, and when views could not be evicted. A process that is frozen cannot end its
/// transactions, and a MySQL that was killed has them wait until it is back; nothing else excuses one that stays open.
pub(crate) struct Calm {
    transactions: Mutex<(usize, Instant)>,
    unrest: Mutex<Vec<(Instant, Instant)>>,
}

/// How long it takes until evictions that Redis did not hear are made up for.
const EVICTIONS_LAG: Duration = Duration::from_secs(3);

impl Default for Calm {
    fn default() -> Self {
        Self { transactions: Mutex::new((0, Instant::now())), unrest: Mutex::default() }
    }
}

impl Calm {
    /// Something disturbs transactions from now on.
    pub(crate) fn disturb(&self) {
        self.transactions.lock().expect("nobody panicked with it").0 += 1;
    }

    /// It is over.
    pub(crate) fn settle(&self) {
        let mut calm = self.transactions.lock().expect("nobody panicked with it");
        *calm = (calm.0.saturating_sub(1), Instant::now());
    }

    /// From `begin` until now, Redis was not there for everybody, or forgot what it had.
    pub(crate) fn was_none_for_views(&self, begin: Instant) {
        self.unrest.lock().expect("nobody panicked with it").push((begin, Instant::now() + EVICTIONS_LAG));
    }

    /// All times when views could not be evicted.
    pub(crate) fn unrest(&self) -> Vec<(Instant, Instant)> {
        self.unrest.lock().expect("nobody panicked with it").clone()
    }

    /// For how long nothing has disturbed a transaction.
    fn lasts(&self) -> Duration {
        let (disturbances, since) = *self.transactions.lock().expect("nobody panicked with it");
        if disturbances > 0 { Duration::ZERO } else { since.elapsed() }
    }
}

impl Seen {
    /// Leaves out the errors that somebody was told of who does not count.
    pub(crate) fn leave_out(&mut self, told: &BTreeMap<u64, u64>) {
        for (error, times) in told {
            self.errors.entry(*error).and_modify(|it| *it = it.saturating_sub(*times));
        }
    }
}

/// Looks until `stop` says so. A server that is gone is looked at again when it is back.
pub(crate) async fn watch(url: Option<String>, calm: &Calm, mut stop: watch::Receiver<bool>) -> Seen {
    let mut seen = Seen::default();
    let Some(url) = url else { return seen };
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut connection: Option<Conn> = None;
    // The counts of the server's present life.
    let mut counted: BTreeMap<u64, u64> = BTreeMap::new();
    loop {
        tokio::select! {
            _ = stop.wait_for(|it| *it) => return seen,
            _ = looks.tick() => {}
        }
        if connection.is_none() {
            connection = timeout(ANSWER_DEADLINE, Conn::from_url(&url)).await.ok().and_then(Result::ok);
            counted.clear();
        }
        let Some(open) = &mut connection else { continue };
        match timeout(ANSWER_DEADLINE, look(open)).await {
            Ok(Ok((age, errors))) => {
                // What began before the disturbance ended may still suffer from it.
                seen.looks += 1;
                seen.judged += usize::from(calm.lasts() > LONGEST_TRANSACTION);
                if age > LONGEST_TRANSACTION && calm.lasts() > age {
                    seen.faults.push(format!("a transaction is open for {age:?}"));
                }
                seen.oldest = seen.oldest.max(age);
                for (error, count) in errors {
                    let before = counted.insert(error, count).unwrap_or_default();
                    *seen.errors.entry(error).or_default() += count.saturating_sub(before);
                }
            }
            _ => connection = None,
        }
    }
}

async fn look(connection: &mut Conn) -> mysql_async::Result<(Duration, Vec<(u64, u64)>)> {
    let age: Option<u64> = connection.query_first(OLDEST).await?;
    Ok((Duration::from_millis(age.unwrap_or_default()), connection.query(ERRORS).await?))
}
