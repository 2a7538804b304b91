//! Looking profiles up: one's own, or those of many users for other contexts.

use kernel_application::{Actor, Denied};
use kernel_domain::{PhoneNumber, StoreError};
use user_domain::{ImageSize, Role, UserId, UserState, Username};

use crate::{OWN_PROFILE, ProfileRecord, Users};

/// Somebody's profile, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileView {
    /// Who.
    pub id: UserId,
    /// The name they sign in with.
    pub username: Username,
    /// Their number.
    pub phone_number: Option<PhoneNumber>,
    /// What they are, and what is known of them because of it.
    pub role: Role,
    /// The name they go by.
    pub full_name: Option<String>,
    /// Where the medium thumbnail of their picture can be fetched.
    pub image_url: Option<String>,
    /// Whether the account can be used.
    pub state: UserState,
}

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
        let id = UserId::new(actor.user_id().ok_or(FindProfileError::UnknownUser)?);
        self.profiles(&[id]).await?.pop().ok_or(FindProfileError::UnknownUser)
    }

    /// The profiles of these users, for other contexts: they have asked for their own caller's rights.
    pub async fn profiles(&self, users: &[UserId]) -> Result<Vec<ProfileView>, StoreError> {
        let records = self.queries.profiles(users).await?;
        Ok(records.into_iter().map(|it| self.shown(it)).collect())
    }

    fn shown(&self, record: ProfileRecord) -> ProfileView {
        let ProfileRecord { id, username, phone_number, role, full_name, image, state } = record;
        let image_url = image.map(|it| self.images.url(&it, ImageSize::Medium));
        ProfileView { id, username, phone_number, role, full_name, image_url, state }
    }
}
