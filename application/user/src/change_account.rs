//! A superuser changes flags, address and groups of somebody.

use kernel_application::{Actor, Denied, record};
use kernel_domain::StoreError;
use user_domain::{AccountChange, CannotChangeUser, UserId};

use crate::{ADMINISTER_USERS, UserView, Users};

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum ChangeAccountError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no user {0}")]
    UnknownUser(UserId),
    #[error(transparent)]
    Refused(#[from] CannotChangeUser),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Users {
    /// Changes somebody's account, and shows it. An access token tells of the rights at its making, so that one
    /// from before is good for what it says until it expires; an account that is switched off is off at once, and
    /// whoever hears of it ends its sessions.
    pub async fn change_account(
        &self,
        actor: &Actor,
        id: UserId,
        change: AccountChange,
    ) -> Result<UserView, ChangeAccountError> {
        actor.require(ADMINISTER_USERS)?;

        let mut work = self.store.begin().await?;
        let mut user = work.users().find(id).await?.ok_or(ChangeAccountError::UnknownUser(id))?;
        let now = self.clock.now();
        let switched = user.change_account(change, now)?;
        work.users().save(&user).await?;
        if let Some(switched) = switched {
            work.outbox().append(&[record(&switched, &actor.correlation_id, &*self.ids, now)]).await?;
        }
        work.commit().await?;
        self.queries.user(id).await?.ok_or(ChangeAccountError::UnknownUser(id))
    }
}
