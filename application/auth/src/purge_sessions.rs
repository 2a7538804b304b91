//! Sessions that nobody can use any more are deleted.

use chrono::TimeDelta;
use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;

use crate::{Auth, PURGE_SESSIONS};

/// Sessions that are deleted by one unit of work: none holds others up for long.
const AT_ONCE: u32 = 1_000;

/// Units of work for whoever asks; what is left then is left for the next one.
const ROUNDS: u32 = 100;

/// A session that ended is kept for so long that every instance has heard of it.
const AFTER_ITS_END: TimeDelta = TimeDelta::hours(1);

/// Why nothing was deleted.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum PurgeSessionsError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Deletes sessions that expired or ended, for whoever may ask for it; how many.
    pub async fn purge_sessions(&self, actor: &Actor) -> Result<u64, PurgeSessionsError> {
        actor.require(PURGE_SESSIONS)?;
        let mut deleted = 0;
        for _ in 0..ROUNDS {
            let round = self.delete_old_sessions(AT_ONCE).await?;
            deleted += round;
            if round < u64::from(AT_ONCE) {
                break;
            }
        }
        Ok(deleted)
    }

    /// Deletes some sessions that expired or ended, in one unit of work; how many.
    pub async fn delete_old_sessions(&self, at_once: u32) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let mut work = self.store.begin().await?;
        let deleted = work.sessions().purge(now, now - AFTER_ITS_END, at_once).await?;
        work.commit().await?;
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::{anyone, nobody, noon};

    use super::*;
    use crate::testing::{MockedWork, World};

    /// A unit of work that finds so many sessions to delete.
    fn deletes(work: &mut MockedWork, sessions: u64) {
        let purge = work.sessions.expect_purge().times(1).withf(|expired_by, ended_by, limit| {
            *expired_by == noon() && *ended_by == noon() - TimeDelta::hours(1) && *limit == AT_ONCE
        });
        purge.returning(move |_, _, _| Ok(sessions));
    }

    #[tokio::test]
    async fn sessions_are_deleted_a_round_at_a_time_until_one_is_not_full() {
        let mut world = World::default();
        deletes(&mut world.work, u64::from(AT_ONCE));
        deletes(&mut world.second_work, 7);
        let (auth, committed) = world.commits();

        assert_eq!(auth.purge_sessions(&anyone()).await.expect("they are deleted"), u64::from(AT_ONCE) + 7);
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn who_may_not_deletes_nothing() {
        let (auth, committed) = World::default().commits();

        assert!(matches!(auth.purge_sessions(&nobody()).await, Err(PurgeSessionsError::Denied(_))));
        assert!(!committed.happened());
    }
}
