//! Somebody looks where they are signed in.

use auth_domain::AccountId;
use kernel_application::{Actor, Denied, Identity, Page, PageRequest};
use kernel_domain::StoreError;

use crate::{Auth, OWN_SESSIONS, SessionView};

/// One of one's own sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSession {
    /// The session.
    pub session: SessionView,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum FindSessionsError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("the page is past the end of the list")]
    PastTheEnd,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// A page of the sessions of whoever asks.
    pub async fn sessions(&self, actor: &Actor, page: PageRequest) -> Result<Page<OwnSession>, FindSessionsError> {
        actor.require(OWN_SESSIONS)?;
        let (account, current) = match actor.identity {
            Identity::User { user_id, session_id } => (AccountId::new(user_id), session_id),
            Identity::ApiKey { .. } => return Err(Denied::Forbidden(OWN_SESSIONS).into()),
        };
        let sessions = self.queries.sessions(account, self.clock.now(), page).await?;
        let sessions = sessions.ok_or(FindSessionsError::PastTheEnd)?;
        let (sessions, page) = sessions.taken();
        let own = |session: SessionView| OwnSession { is_current: session.id.as_uuid() == current, session };
        Ok(page.with(sessions.into_iter().map(own).collect()))
    }
}
