//! An account was closed: whatever auth knows of its owner goes.

use auth_domain::AccountId;
use chrono::{DateTime, Utc};
use kernel_domain::StoreError;

use crate::Auth;

impl Auth {
    /// Ends every session of an account, and forgets its password and the numbers it proved until it was closed: its
    /// number may be somebody else's since. Doing it twice changes nothing.
    pub async fn forget_account(&self, account: AccountId, closed_at: DateTime<Utc>) -> Result<(), StoreError> {
        let now = self.clock.now();

        let mut work = self.store.begin().await?;
        let sessions = work.sessions().end_all(account, None, now).await?;
        work.credentials().remove(account).await?;
        work.verifications().forget(account, closed_at).await?;
        work.commit().await?;
        self.ended.note(sessions, now);
        self.ended.note_account(account);
        Ok(())
    }
}
