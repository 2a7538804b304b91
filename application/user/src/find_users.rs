//! The staff looks at users.

use kernel_application::{Actor, Denied, Page, PageRequest};
use kernel_domain::StoreError;
use user_domain::UserId;

use crate::{MANAGE_USERS, UserFilter, UserView, Users};

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum FindUserError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no user {0}")]
    UnknownUser(UserId),
    #[error("the page is past the end of the list")]
    PastTheEnd,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Users {
    /// The user with this id.
    pub async fn user(&self, actor: &Actor, id: UserId) -> Result<UserView, FindUserError> {
        actor.require(MANAGE_USERS)?;
        self.queries.user(id).await?.ok_or(FindUserError::UnknownUser(id))
    }

    /// A page of users. A number is found however it is spelt.
    pub async fn users(
        &self,
        actor: &Actor,
        mut filter: UserFilter,
        page: PageRequest,
    ) -> Result<Page<UserView>, FindUserError> {
        actor.require(MANAGE_USERS)?;
        filter.phone_number = filter.phone_number.map(|it| self.international_form.of(&it));
        self.queries.users(&filter, page).await?.ok_or(FindUserError::PastTheEnd)
    }
}
