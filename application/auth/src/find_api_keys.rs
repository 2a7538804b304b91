//! A superuser looks which machines have keys.

use kernel_application::{Actor, Denied, Page, PageRequest};
use kernel_domain::StoreError;

use crate::{ApiKeyView, Auth, MANAGE_API_KEYS};

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum FindApiKeysError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("the page is past the end of the list")]
    PastTheEnd,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// A page of keys.
    pub async fn api_keys(&self, actor: &Actor, page: PageRequest) -> Result<Page<ApiKeyView>, FindApiKeysError> {
        actor.require(MANAGE_API_KEYS)?;
        self.queries.api_keys(page).await?.ok_or(FindApiKeysError::PastTheEnd)
    }
}
