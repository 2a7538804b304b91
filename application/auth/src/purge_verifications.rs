//! The log of verifications is forgotten after a while: it tells who owned which number, and when they signed in.

use chrono::TimeDelta;
use kernel_domain::StoreError;

use crate::Auth;

/// For how long it is kept: long enough for somebody who finds a stranger in their account to be told how they got in.
const KEPT: TimeDelta = TimeDelta::days(90);

/// Entries that are deleted by one unit of work: none holds others up for long.
const AT_ONCE: u32 = 1_000;

/// Units of work in one go; what is left then is left for the next one.
const ROUNDS: u32 = 100;

impl Auth {
    /// Deletes what was requested too long ago; how many entries.
    pub async fn delete_old_verifications(&self) -> Result<u64, StoreError> {
        let before = self.clock.now() - KEPT;
        let mut deleted = 0;
        for _ in 0..ROUNDS {
            let mut work = self.store.begin().await?;
            let round = work.verifications().purge(before, AT_ONCE).await?;
            work.commit().await?;
            deleted += round;
            if round < u64::from(AT_ONCE) {
                break;
            }
        }
        Ok(deleted)
    }
}
