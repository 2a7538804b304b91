//! The log of verifications is forgotten after a while: it tells who owned which number, and when they signed in.

use chrono::TimeDelta;
use kernel_domain::StoreError;

use crate::Auth;

/// For how long it is kept: long enough for somebody who finds a stranger in their account to be told how they got in.
const KEPT: TimeDelta = TimeDelta::days(90);

impl Auth {
    /// Deletes some of what was requested too long ago, in one unit of work; how many entries.
    pub async fn delete_old_verifications(&self, at_once: u32) -> Result<u64, StoreError> {
        let before = self.clock.now() - KEPT;
        let mut work = self.store.begin().await?;
        let deleted = work.verifications().purge(before, at_once).await?;
        work.commit().await?;
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::noon;

    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn what_was_requested_more_than_ninety_days_ago_is_forgotten() {
        let mut world = World::default();
        let purge = world.work.verifications.expect_purge().times(1);
        let purge = purge.withf(|before, limit| *before == noon() - TimeDelta::days(90) && *limit == 500);
        purge.returning(|_, _| Ok(7));
        let (auth, committed) = world.commits();

        assert_eq!(auth.delete_old_verifications(500).await.expect("they are deleted"), 7);
        assert!(committed.happened());
    }
}
