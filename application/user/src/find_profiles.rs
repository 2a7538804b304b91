//! Looking profiles up: one's own, or those of many users for other contexts.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use user_domain::UserId;

use crate::{OWN_PROFILE, ProfileView, Users};

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum FindProfileError {
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Whoever asks is no user, or none any more.
    #[error("there is no such user")]
    UnknownUser,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Users {
    /// The profile of whoever asks.
    pub async fn own_profile(&self, actor: &Actor) -> Result<ProfileView, FindProfileError> {
        actor.require(OWN_PROFILE)?;
        let id = UserId::new(actor.user_id.ok_or(FindProfileError::UnknownUser)?);
        self.queries.profiles(&[id]).await?.pop().ok_or(FindProfileError::UnknownUser)
    }

    /// The profiles of these users, for other contexts: they have asked for their own caller's rights.
    pub async fn profiles(&self, users: &[UserId]) -> Result<Vec<ProfileView>, StoreError> {
        self.queries.profiles(users).await
    }
}
