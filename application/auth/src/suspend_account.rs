//! An account was switched off, or on again: who was signed in by then is out for good.

use auth_domain::AccountId;
use chrono::{DateTime, Utc};
use kernel_domain::StoreError;

use crate::Auth;

impl Auth {
    /// Ends every session of an account that was opened by then (OWASP ASVS 5, 7.4.2). Whoever signed in since stays in,
    /// and doing it twice changes nothing.
    ///
    /// To be told when an account is switched on, too: a sign-in that was under way when it was switched off may have
    /// opened a session right after.
    pub async fn end_sessions_of(&self, account: AccountId, opened_by: DateTime<Utc>) -> Result<(), StoreError> {
        let now = self.clock.now();

        let mut work = self.store.begin().await?;
        let ended = work.sessions().end_opened(account, opened_by, now).await?;
        work.commit().await?;
        self.ended.note(ended, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::testing::{an_account, noon, session_of};
    use chrono::TimeDelta;

    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn who_was_signed_in_is_out_at_once() {
        let account = an_account();
        let id = session_of(account).id();
        let switched = noon() - TimeDelta::hours(1);
        let mut world = World::default();
        let until_then =
            move |it: &AccountId, opened_by: &DateTime<Utc>, _: &_| (*it, *opened_by) == (account, switched);
        world.work.sessions.expect_end_opened().times(1).withf(until_then).returning(move |_, _, _| Ok(vec![id]));
        let (auth, committed) = world.commits();

        auth.end_sessions_of(account, switched).await.expect("they end");

        assert!(committed.happened());
        assert!(auth.ended.has(id, account));
        assert!(!auth.ended.has_account(account), "it may be on again");
    }
}
