//! `/auth/api-keys/`

use std::sync::Arc;

use auth_application::{
    ApiKeyView, Auth, CreateApiKey, CreateApiKeyError, CreatedApiKey, FindApiKeysError, RevokeApiKeyError,
};
use auth_domain::{ApiKeyId, ApiKeyName, Scope};
use kernel_application::PageRequest;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::ManageApiKeys;
use crate::body::{Body, Payload};
use crate::caller::Allowed;
use crate::created::Created;
use crate::fields::{Fields, Input};
use crate::json::Json;
use crate::no_content::NoContent;
use crate::page::{Here, PageBody};
use crate::path::Path;
use crate::problem::Problem;
use crate::query::Query;
use crate::tags::Tag;
use crate::throttle::{Throttled, UserDefault};
use crate::timestamp::Timestamp;

pub(crate) struct ApiKeysApi {
    pub(super) auth: Arc<Auth>,
}

#[OpenApi(prefix_path = "/auth/api-keys", tag = "Tag::Auth")]
impl ApiKeysApi {
    /// List the API keys
    ///
    /// Those that are not revoked, the newest first.
    #[oai(path = "/", method = "get", operation_id = "list_api_keys")]
    async fn list(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<ManageApiKeys>,
        query: Query<PageRequest>,
        here: Here,
    ) -> Result<Json<PageBody<ApiKeyBody>>, Problem> {
        let page = self.auth.api_keys(&actor, query.0).await?;
        Ok(Json(PageBody::at(&here, page)))
    }

    /// Make an API key
    ///
    /// The key is shown now, and never again.
    #[oai(path = "/", method = "post", operation_id = "create_api_key")]
    async fn create(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<ManageApiKeys>,
        body: Body<NewApiKeyBody>,
    ) -> Result<Created<CreatedApiKeyBody>, Problem> {
        let NewApiKeyBody(command) = body.0;
        Ok(Created(self.auth.create_api_key(&actor, command).await?.into()))
    }

    /// Revoke an API key
    ///
    /// It opens nothing any more, everywhere within a second. That cannot be undone.
    #[oai(path = "/:id", method = "delete", operation_id = "revoke_api_key")]
    async fn revoke(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<ManageApiKeys>,
        id: Path<Uuid>,
    ) -> Result<NoContent, Problem> {
        self.auth.revoke_api_key(&actor, ApiKeyId::new(id.0)).await?;
        Ok(NoContent)
    }
}

struct NewApiKeyBody(CreateApiKey);

impl Input for NewApiKeyBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.text("name", "What the key is called.").max(ApiKeyName::MAX_CHARS);
        let name = name.parse(ApiKeyName::parse).required();
        let expires_at = fields.timestamp("expires_at", "Until when it is good; for ever without.");
        let expires_at = expires_at.nullable().optional();
        let about = "What it is good for; to see and change shipping without.";
        let scopes = fields.choices("scopes", about, &Scope::ALL, Scope::name).max(Scope::ALL.len()).optional();
        let scopes = scopes?.map_or_else(Scope::usual, |it| it.into_iter().collect());
        Some(Self(CreateApiKey { name: name?, scopes, expires_at: expires_at? }))
    }
}

impl Payload for NewApiKeyBody {
    const NAME: &'static str = "NewApiKey";

    fn example() -> Value {
        json!({ "name": "scanner at gate 3", "scopes": ["shipping:read"], "expires_at": "2027-01-01T00:00:00Z" })
    }
}

/// An API key, as it may be shown.
#[derive(Object, Serialize)]
#[oai(rename = "ApiKey", example)]
struct ApiKeyBody {
    id: Uuid,
    name: String,
    /// The part of the key before the dot, to tell keys apart.
    prefix: String,
    /// What it is good for.
    scopes: Vec<String>,
    /// Until when it is good.
    #[oai(nullable)]
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
    /// When it was last shown, give or take a few seconds.
    #[oai(nullable)]
    last_used_at: Option<Timestamp>,
}

/// An API key that was just made.
#[derive(Object, Serialize)]
#[oai(rename = "CreatedApiKey", example)]
struct CreatedApiKeyBody {
    id: Uuid,
    name: String,
    /// The part of the key before the dot, to tell keys apart.
    prefix: String,
    /// The key itself: goes into `Authorization: Api-Key …`.
    key: String,
    /// What it is good for.
    scopes: Vec<String>,
    /// Until when it is good.
    #[oai(nullable)]
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl Example for ApiKeyBody {
    fn example() -> Self {
        Self {
            id: Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_0000_0000_0004),
            name: "scanner at gate 3".to_owned(),
            prefix: "mk_8Yc2fQ1x".to_owned(),
            scopes: vec![Scope::ReadShipping.name().to_owned()],
            expires_at: None,
            created_at: Timestamp::example(),
            last_used_at: Some(Timestamp::example()),
        }
    }
}

impl Example for CreatedApiKeyBody {
    fn example() -> Self {
        let ApiKeyBody { id, name, prefix, scopes, expires_at, created_at, .. } = ApiKeyBody::example();
        let key = format!("{prefix}.q83vEjRWeJCrze8SNFZ4kA…");
        Self { id, name, prefix, key, scopes, expires_at, created_at }
    }
}

impl From<ApiKeyView> for ApiKeyBody {
    fn from(key: ApiKeyView) -> Self {
        Self {
            id: key.id.as_uuid(),
            name: key.name.as_str().to_owned(),
            prefix: key.prefix,
            scopes: key.scopes.iter().map(|it| it.name().to_owned()).collect(),
            expires_at: key.expires_at.map(Into::into),
            created_at: key.created_at.into(),
            last_used_at: key.last_used_at.map(Into::into),
        }
    }
}

impl From<CreatedApiKey> for CreatedApiKeyBody {
    fn from(CreatedApiKey { view, key }: CreatedApiKey) -> Self {
        let ApiKeyBody { id, name, prefix, scopes, expires_at, created_at, .. } = view.into();
        Self { id, name, prefix, key: key.expose().to_owned(), scopes, expires_at, created_at }
    }
}

impl From<FindApiKeysError> for Problem {
    fn from(error: FindApiKeysError) -> Self {
        match error {
            FindApiKeysError::Denied(denied) => denied.into(),
            FindApiKeysError::PastTheEnd => Self::no_such_page(),
            FindApiKeysError::Store(error) => error.into(),
        }
    }
}

impl From<CreateApiKeyError> for Problem {
    fn from(error: CreateApiKeyError) -> Self {
        match error {
            CreateApiKeyError::Denied(denied) => denied.into(),
            CreateApiKeyError::Refused(refusal) => Self::refused(refusal.into()),
            CreateApiKeyError::Store(error) => error.into(),
        }
    }
}

impl From<RevokeApiKeyError> for Problem {
    fn from(error: RevokeApiKeyError) -> Self {
        match error {
            RevokeApiKeyError::Denied(denied) => denied.into(),
            RevokeApiKeyError::Unknown(_) => Self::not_found(),
            RevokeApiKeyError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::is_written_as_it_is_described;

    #[test]
    fn answers_are_written_as_they_are_described() {
        for time in [None, Some(Timestamp::example())] {
            let key = ApiKeyBody { expires_at: time, last_used_at: time, ..ApiKeyBody::example() };
            is_written_as_it_is_described(&key);
            is_written_as_it_is_described(&CreatedApiKeyBody { expires_at: time, ..CreatedApiKeyBody::example() });
        }
    }
}
