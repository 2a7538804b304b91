//! How long to wait after a failure: longer each time, with an end, and not in step with other relays.

use std::time::Duration;

use chrono::TimeDelta;
use kernel_application::Ids;

/// The first and the longest pause between two attempts to deliver an event: ten of them take about ten minutes.
const FIRST_ATTEMPT: Duration = Duration::from_secs(1);
const LAST_ATTEMPT: Duration = Duration::from_mins(2);

/// The first and the longest pause of a relay that reaches nobody. It ends soon after they are back.
const FIRST_MISS: Duration = Duration::from_millis(250);
const LAST_MISS: Duration = Duration::from_secs(5);

/// The pause of an event that was tried so often.
pub(crate) fn after_attempts(attempts: u32, ids: &dyn Ids) -> TimeDelta {
    let pause = doubled(FIRST_ATTEMPT, attempts, LAST_ATTEMPT);
    TimeDelta::from_std(pause + jitter(pause, ids)).unwrap_or(TimeDelta::MAX)
}

/// The pause of a relay that reached nobody so often in a row.
pub(crate) fn after_misses(misses: u32, ids: &dyn Ids) -> Duration {
    let pause = doubled(FIRST_MISS, misses, LAST_MISS);
    pause + jitter(pause, ids)
}

/// `first`, twice that, four times that … for the first, second, third … time, but no more than `last`.
fn doubled(first: Duration, times: u32, last: Duration) -> Duration {
    let factor = 1_u32.checked_shl(times.saturating_sub(1)).unwrap_or(u32::MAX);
    first.checked_mul(factor).map_or(last, |it| it.min(last))
}

/// Up to half as much again.
fn jitter(pause: Duration, ids: &dyn Ids) -> Duration {
    let half = u64::try_from(pause.as_millis() / 2).unwrap_or(u64::MAX);
    Duration::from_millis(ids.below(half))
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::CountingIds;

    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let ids = CountingIds::default();
        let attempts: Vec<_> = (1..=40).map(|it| after_attempts(it, &ids).to_std().expect("a pause")).collect();
        let misses: Vec<_> = (1..=40).map(|it| after_misses(it, &ids)).collect();

        for (pauses, first, last) in [(attempts, FIRST_ATTEMPT, LAST_ATTEMPT), (misses, FIRST_MISS, LAST_MISS)] {
            assert!(pauses[0] >= first && pauses[0] <= first * 3 / 2, "{pauses:?}");
            assert!(pauses[1] >= first * 2, "{pauses:?}");
            assert!(pauses.iter().all(|it| *it <= last * 3 / 2), "{pauses:?}");
            assert!(pauses[39] >= last, "{pauses:?}");
        }
    }

    #[test]
    fn a_pause_is_stretched_by_up_to_half_so_that_relays_fall_out_of_step() {
        let ids = CountingIds::default();
        for misses in 1..=10 {
            let pause = doubled(FIRST_MISS, misses, LAST_MISS);
            let drawn: Vec<_> = (0..pause.as_millis() / 2).map(|_| after_misses(misses, &ids)).collect();

            assert_eq!(drawn.iter().min(), Some(&pause));
            assert_eq!(drawn.iter().max().map(|it| *it + Duration::from_millis(1)), Some(pause * 3 / 2));
        }
    }

    #[test]
    fn ten_attempts_take_about_ten_minutes() {
        let ids = CountingIds::default();

        let all: TimeDelta = (1..10).map(|it| after_attempts(it, &ids)).sum();

        assert!((6..=12).contains(&all.num_minutes()), "{all}");
    }
}
