//! `/auth/sessions/`

use std::sync::Arc;

use auth_application::{Auth, EndSessionError, FindSessionsError, OwnSession};
use auth_domain::SessionId;
use kernel_application::PageRequest;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use uuid::Uuid;

use super::OwnSessions;
use crate::caller::Allowed;
use crate::json::Json;
use crate::no_content::NoContent;
use crate::page::{Here, PageBody};
use crate::path::Path;
use crate::problem::Problem;
use crate::query::Query;
use crate::tags::Tag;
use crate::throttle::{Throttled, UserDefault};
use crate::timestamp::Timestamp;

pub(crate) struct SessionsApi {
    pub(super) auth: Arc<Auth>,
}

#[OpenApi(prefix_path = "/auth/sessions", tag = "Tag::Auth")]
impl SessionsApi {
    /// List one's own sessions
    ///
    /// Those used last come first.
    #[oai(path = "/", method = "get", operation_id = "list_sessions")]
    async fn list(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<OwnSessions>,
        query: Query<PageRequest>,
        here: Here,
    ) -> Result<Json<PageBody<SessionBody>>, Problem> {
        let page = self.auth.sessions(&actor, query.0).await?;
        Ok(Json(PageBody::at(&here, page)))
    }

    /// End all other sessions
    ///
    /// All but the one that asks.
    #[oai(path = "/", method = "delete", operation_id = "end_other_sessions")]
    async fn end_others(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<OwnSessions>,
    ) -> Result<NoContent, Problem> {
        self.auth.end_other_sessions(&actor).await?;
        Ok(NoContent)
    }

    /// End a session
    #[oai(path = "/:id", method = "delete", operation_id = "end_session")]
    async fn end(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<OwnSessions>,
        id: Path<Uuid>,
    ) -> Result<NoContent, Problem> {
        self.auth.end_session(&actor, SessionId::new(id.0)).await?;
        Ok(NoContent)
    }
}

/// Where somebody is signed in.
#[derive(Object, Serialize)]
#[oai(rename = "Session", example)]
struct SessionBody {
    id: Uuid,
    /// What the program there calls itself.
    #[oai(nullable)]
    user_agent: Option<String>,
    /// From which address it signed in.
    #[oai(nullable)]
    address: Option<String>,
    created_at: Timestamp,
    last_used_at: Timestamp,
    /// Whether it is the one that asks.
    current: bool,
}

impl Example for SessionBody {
    fn example() -> Self {
        Self {
            id: Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_0000_0000_0003),
            user_agent: Some("Mozilla/5.0 (Linux; Android 16)".to_owned()),
            address: Some("192.0.2.1".to_owned()),
            created_at: Timestamp::example(),
            last_used_at: Timestamp::example(),
            current: true,
        }
    }
}

impl From<OwnSession> for SessionBody {
    fn from(OwnSession { session, is_current }: OwnSession) -> Self {
        Self {
            id: session.id.as_uuid(),
            user_agent: session.user_agent,
            address: session.address,
            created_at: session.opened_at.into(),
            last_used_at: session.last_used_at.into(),
            current: is_current,
        }
    }
}

impl From<FindSessionsError> for Problem {
    fn from(error: FindSessionsError) -> Self {
        match error {
            FindSessionsError::Denied(denied) => denied.into(),
            FindSessionsError::PastTheEnd => Self::no_such_page(),
            FindSessionsError::Store(error) => error.into(),
        }
    }
}

impl From<EndSessionError> for Problem {
    fn from(error: EndSessionError) -> Self {
        match error {
            EndSessionError::Denied(denied) => denied.into(),
            EndSessionError::Unknown(_) => Self::not_found(),
            EndSessionError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::is_written_as_it_is_described;

    #[test]
    fn answers_are_written_as_they_are_described() {
        is_written_as_it_is_described(&SessionBody::example());
        is_written_as_it_is_described(&SessionBody { user_agent: None, address: None, ..SessionBody::example() });
    }
}
