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
