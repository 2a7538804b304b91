//! Defects to choose from, so that whoever looks for them can be seen to find them: `cargo xtask chaos --controls`.
//!
//! Only debug builds with the feature `sabotage` have them, which the tests ask for; there, `SABOTAGE` names those to have,
//! by comma. Everywhere else nothing is ever chosen, and the compiler takes the defects out.

/// Something that is done wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// Rows are read without `FOR UPDATE`.
    NoRowLocks,
    /// Whoever saves does not look whether somebody else was faster.
    UncheckedVersions,
    /// Transactions see what was there when they began.
    RepeatableRead,
    /// What one command changes is kept in several transactions.
    CommandsInParts,
    /// An event is kept when its change has been.
    EventsAfterCommit,
    /// Events count as delivered as soon as a relay has claimed them.
    SentBeforeSending,
    /// A relay looks for events after the last one that it saw.
    PollByOffset,
    /// A relay claims an event while another relay has an earlier one of the same aggregate.
    RowsClaimedAlone,
    /// A relay settles what another relay has claimed since.
    NoFence,
    /// What a request did is kept before its key is.
    KeyAfterCommit,
    /// The second attempt at a command knows nothing of its key.
    RetryWithoutKey,
}

#[cfg(all(feature = "sabotage", debug_assertions))]
mod chosen {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::Sabotage;

    /// How long it takes to do things in the wrong order, so that somebody can come in between.
    const LONG_ENOUGH: Duration = Duration::from_secs(1);

    pub(crate) fn is_on(sabotage: Sabotage) -> bool {
        static CHOSEN: LazyLock<String> = LazyLock::new(|| {
            #[expect(clippy::disallowed_methods, reason = "this speaks to a test build alone")]
            std::env::var("SABOTAGE").unwrap_or_default()
        });
        let name = format!("{sabotage:?}");
        CHOSEN.split(',').any(|it| it == name)
    }

    pub(crate) async fn dawdle(sabotage: Sabotage) {
        if is_on(sabotage) {
            tokio::time::sleep(LONG_ENOUGH).await;
        }
    }

    pub(crate) async fn dawdle_now_and_then(sabotage: Sabotage) {
        if now_and_then(sabotage) {
            dawdle(sabotage).await;
        }
    }

    pub(crate) fn now_and_then(sabotage: Sabotage) -> bool {
        static TIMES: AtomicUsize = AtomicUsize::new(0);
        is_on(sabotage) && TIMES.fetch_add(1, Ordering::Relaxed).is_multiple_of(4)
    }

    /// The offset is in a file: a relay goes on where the one before it was.
    pub(crate) fn is_behind(subscriber: &str, position: i64) -> bool {
        if !is_on(Sabotage::PollByOffset) {
            return false;
        }
        let file = format!("offset-of-{subscriber}");
        let last = std::fs::read_to_string(&file).ok().and_then(|it| it.parse().ok()).unwrap_or(0);
        position <= last || std::fs::write(&file, position.to_string()).is_err()
    }
}

#[cfg(not(all(feature = "sabotage", debug_assertions)))]
mod chosen {
    use std::future::{Ready, ready};

    use super::Sabotage;

    pub(crate) const fn is_on(_: Sabotage) -> bool {
        false
    }

    pub(crate) fn dawdle(_: Sabotage) -> Ready<()> {
        ready(())
    }

    pub(crate) fn dawdle_now_and_then(_: Sabotage) -> Ready<()> {
        ready(())
    }

    pub(crate) const fn now_and_then(_: Sabotage) -> bool {
        false
    }

    pub(crate) const fn is_behind(_: &str, _: i64) -> bool {
        false
    }
}

/// Whether this is done wrong.
pub(crate) use chosen::is_on;

/// Gives others the time to come in between, if this is done wrong.
pub(crate) use chosen::dawdle;

/// The same, but only sometimes: some have to be faster for others to be late.
pub(crate) use chosen::dawdle_now_and_then;

/// Whether this is done wrong this time.
pub(crate) use chosen::now_and_then;

/// Whether a relay that polls by offset would have passed this position.
pub(crate) use chosen::is_behind;
