//! Stops asking who does not answer, and asks once in a while whether he does again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel_domain::StoreError;
use tokio::time::Instant;

/// One failure may be an accident, so many in a row are not.
const FAILURES: u32 = 5;

/// Whoever asks on behalf of the others waits for a timeout: no more than one in a second does.
const PROBE_PAUSE: Duration = Duration::from_secs(1);

/// Open (nobody is asked) after so many failures in a row, closed again by the first success.
///
/// It does not remember who is out to probe, so a probe that is never heard of again holds up nothing.
pub(crate) struct Breaker {
    /// What is asked, for the log, in the plural.
    what: &'static str,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    /// When to ask again, while it is open.
    probe_at: Option<Instant>,
}

impl Breaker {
    pub(crate) fn of(what: &'static str) -> Self {
        Self { what, state: Mutex::default() }
    }

    /// Whether to ask now. While it is open, one question per pause may go out.
    pub(crate) fn admits(&self) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        match state.probe_at {
            None => true,
            Some(probe_at) if now < probe_at => false,
            Some(_) => {
                state.probe_at = Some(now + PROBE_PAUSE);
                true
            }
        }
    }

    /// Whether nobody is asked, but for a question in a while.
    pub(crate) fn is_open(&self) -> bool {
        self.state().probe_at.is_some()
    }

    /// Who was asked has answered.
    pub(crate) fn succeeded(&self) {
        let mut state = self.state();
        state.failures = 0;
        if state.probe_at.take().is_some() {
            tracing::info!("the {} answer again", self.what);
        }
    }

    /// Who was asked has not answered. Only the failure that opens the breaker is worth a line in the log.
    pub(crate) fn failed(&self, error: &StoreError) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES && state.probe_at.is_none() {
            state.probe_at = Some(Instant::now() + PROBE_PAUSE);
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            tracing::warn!(cause, "the {} do not answer: each instance goes on by itself", self.what);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    impl Breaker {
        fn fails(&self, times: u32) {
            for _ in 0..times {
                self.failed(&StoreError::unavailable("gone"));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn five_failures_in_a_row_open_it() {
        let breaker = Breaker::of("tests");
        breaker.fails(4);
        assert!(breaker.admits());
        breaker.succeeded();
        breaker.fails(4);
        assert!(breaker.admits());
        breaker.fails(1);
        assert!(!breaker.admits() && breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn one_question_goes_out_per_second_while_it_is_open() {
        let breaker = Breaker::of("tests");
        breaker.fails(5);
        for _ in 0..3 {
            advance(PROBE_PAUSE).await;
            let admitted = (0..1000).filter(|_| breaker.admits()).count();
            assert_eq!(admitted, 1);
            breaker.fails(1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_success_closes_it() {
        let breaker = Breaker::of("tests");
        breaker.fails(5);
        advance(PROBE_PAUSE).await;
        assert!(breaker.admits());
        breaker.succeeded();
        assert!((0..1000).all(|_| breaker.admits()));
    }
}
