//! `/auth/public-keys/`

use std::sync::Arc;

use auth_application::{Auth, PublicKey};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use crate::json::Json;
use crate::problem::Problem;
use crate::tags::Tag;
use crate::throttle::{AnonBurst, Throttled};

pub(crate) struct PublicKeysApi {
    pub(super) auth: Arc<Auth>,
}

#[OpenApi(prefix_path = "/auth/public-keys", tag = "Tag::Auth")]
#[expect(clippy::unused_async, reason = "operations are asynchronous whether they wait or not")]
impl PublicKeysApi {
    /// List the keys that sign access tokens
    ///
    /// With them another service verifies our tokens by itself.
    #[oai(path = "/", method = "get", operation_id = "list_public_keys")]
    async fn list(&self, _admitted: Throttled<AnonBurst>) -> Result<Json<PublicKeysBody>, Problem> {
        let keys = self.auth.access_tokens.public_keys();
        Ok(Json(PublicKeysBody { keys: keys.into_iter().map(Into::into).collect() }))
    }
}

/// The keys whose tokens are believed.
#[derive(Object, Serialize)]
#[oai(rename = "PublicKeys", example)]
struct PublicKeysBody {
    keys: Vec<PublicKeyBody>,
}

/// A key whose tokens are believed.
#[derive(Object, Serialize)]
#[oai(rename = "PublicKey", example)]
struct PublicKeyBody {
    /// The id by which tokens name the key.
    id: u32,
    /// `ed25519`.
    algorithm: String,
    /// The key, in hexadecimal digits.
    public_key: String,
}

impl Example for PublicKeysBody {
    fn example() -> Self {
        Self { keys: vec![PublicKeyBody::example()] }
    }
}

impl Example for PublicKeyBody {
    fn example() -> Self {
        Self {
            id: 1,
            algorithm: "ed25519".to_owned(),
            public_key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".to_owned(),
        }
    }
}

impl From<PublicKey> for PublicKeyBody {
    fn from(PublicKey { id, algorithm, hex }: PublicKey) -> Self {
        Self { id, algorithm: algorithm.to_owned(), public_key: hex }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::is_written_as_it_is_described;

    #[test]
    fn answers_are_written_as_they_are_described() {
        is_written_as_it_is_described(&PublicKeysBody::example());
    }
}
