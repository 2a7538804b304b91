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

#[cfg(test)]
mod tests {
    use auth_domain::SessionId;
    use kernel_application::testing::{anyone, nobody, noon};
    use uuid::Uuid;

    use super::*;
    use crate::testing::World;

    fn seen(id: Uuid) -> SessionView {
        let id = SessionId::new(id);
        SessionView { id, user_agent: None, address: None, opened_at: noon(), last_used_at: noon() }
    }

    #[tokio::test]
    async fn the_session_that_asks_is_told_from_the_others() {
        let Identity::User { user_id, session_id } = anyone().identity else { panic!("a user") };
        let mut world = World::default();
        let page = Page::numbered(vec![seen(Uuid::from_u128(9)), seen(session_id)], 1, 2, 10);
        let own = move |it: &AccountId, _: &_, _: &_| *it == AccountId::new(user_id);
        world.queries.expect_sessions().withf(own).returning(move |_, _, _| Ok(Some(page.clone())));
        let (auth, _) = world.commits();

        let found = auth.sessions(&anyone(), PageRequest::default()).await.expect("two sessions");

        assert_eq!(found.count(), Some(2));
        assert_eq!(found.entries.iter().map(|it| it.is_current).collect::<Vec<_>>(), [false, true]);
    }

    #[tokio::test]
    async fn whoever_may_not_look_or_looks_past_the_end_sees_nothing() {
        let mut world = World::default();
        world.queries.expect_sessions().returning(|_, _, _| Ok(None));
        let (auth, _) = world.commits();

        let refused = auth.sessions(&nobody(), PageRequest::default()).await;
        assert!(matches!(refused, Err(FindSessionsError::Denied(_))));
        let past_the_end = auth.sessions(&anyone(), PageRequest::default()).await;
        assert!(matches!(past_the_end, Err(FindSessionsError::PastTheEnd)));
    }
}
