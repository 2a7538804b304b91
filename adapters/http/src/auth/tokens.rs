//! `/auth/token/`

use std::sync::Arc;

use auth_application::{Auth, PurgeSessionsError, RefreshToken, RenewSessionError, TokenPair, TokenRefused};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use serde_json::{Value, json};

use super::PurgeSessions;
use super::rules::{self, REFRESH, TOKEN};
use crate::body::{Body, Payload};
use crate::caller::Allowed;
use crate::fields::{Fields, Input};
use crate::json::Json;
use crate::problem::Problem;
use crate::tags::Tag;
use crate::throttle::{AnonDefault, Throttled, UserDefault};

pub(crate) struct TokensApi {
    pub(super) auth: Arc<Auth>,
}

#[OpenApi(prefix_path = "/auth/token", tag = "Tag::Auth")]
#[expect(clippy::unused_async, reason = "operations are asynchronous whether they wait or not")]
impl TokensApi {
    /// Exchange a refresh token for the next pair
    ///
    /// It is good once: shown again, it ends its session.
    #[oai(path = "/refresh", method = "post", operation_id = "renew_session")]
    async fn refresh(
        &self,
        _admitted: Throttled<AnonDefault>,
        body: Body<RefreshBody>,
    ) -> Result<Json<TokensBody>, Problem> {
        let RefreshBody(token) = body.0;
        Ok(Json(self.auth.renew_session(&token).await?.into()))
    }

    /// Ask whether an access token is good
    #[oai(path = "/verify", method = "post", operation_id = "verify_token")]
    async fn verify(
        &self,
        _admitted: Throttled<AnonDefault>,
        body: Body<AccessBody>,
    ) -> Result<Json<GoodBody>, Problem> {
        let AccessBody(token) = body.0;
        self.auth.verify_token(&token).map_err(not_good)?;
        Ok(Json(GoodBody {}))
    }

    /// Have expired sessions deleted
    #[oai(path = "/heartbeat", method = "post", operation_id = "purge_sessions")]
    async fn heartbeat(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<PurgeSessions>,
    ) -> Result<Json<PurgedBody>, Problem> {
        Ok(Json(PurgedBody { delete_count: self.auth.purge_sessions(&actor).await? }))
    }
}

/// A refresh token.
pub(super) struct RefreshBody(pub(super) RefreshToken);

impl Input for RefreshBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self(RefreshToken::new(fields.secret(REFRESH, "The refresh token.").required()?)))
    }
}

impl Payload for RefreshBody {
    const NAME: &'static str = "RefreshToken";

    fn example() -> Value {
        json!({ REFRESH: TokensBody::example().refresh })
    }
}

struct AccessBody(String);

impl Input for AccessBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self(fields.secret(TOKEN, "The access token.").required()?))
    }
}

impl Payload for AccessBody {
    const NAME: &'static str = "AccessToken";

    fn example() -> Value {
        json!({ TOKEN: TokensBody::example().access })
    }
}

/// The tokens of a session.
#[derive(Object, Serialize)]
#[oai(rename = "Tokens", example)]
pub(super) struct TokensBody {
    /// Goes into `Authorization: Bearer …`; good for a quarter of an hour.
    pub(super) access: String,
    /// Gets the next pair of tokens.
    pub(super) refresh: String,
}

impl Example for TokensBody {
    fn example() -> Self {
        Self {
            access: "En0KEwoEMTIzNBgDIgkKBwgKEgMYgAg…".to_owned(), refresh: "q83vEjRWeJCrze8SNFZ4kA…".to_owned()
        }
    }
}

impl From<TokenPair> for TokensBody {
    fn from(TokenPair { access, refresh }: TokenPair) -> Self {
        Self { access, refresh: refresh.expose().to_owned() }
    }
}

/// The token is good.
#[derive(Object, Serialize)]
#[oai(rename = "GoodToken", example)]
struct GoodBody {}

impl Example for GoodBody {
    fn example() -> Self {
        Self {}
    }
}

/// How many sessions were deleted.
#[derive(Object, Serialize)]
#[oai(rename = "PurgedSessions", example)]
struct PurgedBody {
    delete_count: u64,
}

impl Example for PurgedBody {
    fn example() -> Self {
        Self { delete_count: 42 }
    }
}

impl From<RenewSessionError> for Problem {
    fn from(error: RenewSessionError) -> Self {
        match error {
            // Whoever stole it is not told that it was good once.
            RenewSessionError::Invalid
            | RenewSessionError::Reused
            | RenewSessionError::Refused(_)
            | RenewSessionError::Inactive => Self::unauthorized(rules::token_not_valid()),
            RenewSessionError::Issue(error) => Self::internal(error),
            RenewSessionError::Store(error) => error.into(),
        }
    }
}

fn not_good(refused: TokenRefused) -> Problem {
    match refused {
        TokenRefused::Invalid => Problem::unauthorized(rules::token_not_valid()),
        TokenRefused::Undecided(_) => Problem::unavailable(refused),
    }
}

impl From<PurgeSessionsError> for Problem {
    fn from(error: PurgeSessionsError) -> Self {
        match error {
            PurgeSessionsError::Denied(denied) => denied.into(),
            PurgeSessionsError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::is_written_as_it_is_described;

    #[test]
    fn answers_are_written_as_they_are_described() {
        is_written_as_it_is_described(&TokensBody::example());
        is_written_as_it_is_described(&GoodBody::example());
        is_written_as_it_is_described(&PurgedBody::example());
    }
}
