//! Signs and reads access tokens.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use auth_application::{AccessTokens, Claims, IssueError, RequestFacts, TokenRefused, VerifiedToken};
use auth_domain::{AccountId, SessionId};
use biscuit_auth::builder::BiscuitBuilder;
use biscuit_auth::macros::{biscuit, fact};
use biscuit_auth::{AuthorizerBuilder, Biscuit, UnverifiedBiscuit, error};
use chrono::{DateTime, Utc};
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::RootKeys;
use crate::rights::{ReadToken, TokenRights, policies};

/// Characters in the longest token that is looked at: what a header can hold.
const MAX_CHARS: usize = 4096;
/// Blocks in the longest token that is looked at. Each costs a signature check.
const MAX_BLOCKS: usize = 8;
/// Tokens that are remembered as verified: reading one costs more than a database row.
const REMEMBERED: u64 = 10_000;

/// The tokens of one set of root keys.
pub struct Biscuits {
    keys: RootKeys,
    policies: AuthorizerBuilder,
    verified: Cache<[u8; 32], Remembered>,
}

#[derive(Clone)]
struct Remembered {
    account_id: AccountId,
    session_id: SessionId,
    expires_at: DateTime<Utc>,
    token: Arc<ReadToken>,
}

impl Biscuits {
    /// Signs with, and believes, these keys.
    ///
    /// # Errors
    /// If the policies do not parse, which a test rules out.
    pub fn signed_by(keys: RootKeys) -> Result<Self, error::Token> {
        Ok(Self { keys, policies: policies()?, verified: Cache::new(REMEMBERED) })
    }

    fn sign(&self, claims: &Claims) -> Result<String, error::Token> {
        let (user, session) = (claims.account_id.to_string(), claims.session_id.to_string());
        let user_type = claims.account_type.name();
        let expires_at = SystemTime::from(claims.expires_at);
        let mut token: BiscuitBuilder = biscuit!(
            r#"user({user}); session({session}); user_type({user_type}); expires_at({expires_at});
               check if time($now), $now < {expires_at};"#
        );
        if claims.is_staff {
            token = token.fact(fact!("staff_flag(true)"))?;
        }
        if claims.is_superuser {
            token = token.fact(fact!("superuser_flag(true)"))?;
        }
        for group in claims.groups.iter().map(String::as_str) {
            token = token.fact(fact!("group({group})"))?;
        }
        let (id, key) = self.keys.signing();
        token.root_key_id(id).build(key)?.to_base64()
    }

    /// Checks the form and the signatures.
    fn read(&self, token: &str) -> Result<Remembered, TokenRefused> {
        let unverified = UnverifiedBiscuit::from_base64(token).map_err(|_| TokenRefused::Invalid)?;
        let foreign = unverified.external_public_keys().iter().any(Option::is_some);
        if foreign || unverified.block_count() > MAX_BLOCKS {
            return Err(TokenRefused::Invalid);
        }
        let biscuit = unverified.verify(&self.keys).map_err(|_| TokenRefused::Invalid)?;
        self.holder(biscuit).map_err(|error| match error {
            error::Token::RunLimit(_) => TokenRefused::Undecided(error.into()),
            _ => TokenRefused::Invalid,
        })
    }

    /// Reads who holds the token from the block that we signed.
    fn holder(&self, biscuit: Biscuit) -> Result<Remembered, error::Token> {
        let mut facts = self.policies.clone().build(&biscuit)?;
        let (user, session, expires_at): (String, String, SystemTime) = facts
            .query_exactly_one("data($user, $session, $until) <- user($user), session($session), expires_at($until)")?;
        let uuid = |text: &str| Uuid::parse_str(text).map_err(|_| error::Token::InternalError);
        Ok(Remembered {
            account_id: AccountId::new(uuid(&user)?),
            session_id: SessionId::new(uuid(&session)?),
            expires_at: expires_at.into(),
            token: Arc::new(ReadToken { biscuit, policies: self.policies.clone(), decided: Mutex::default() }),
        })
    }
}

impl AccessTokens for Biscuits {
    fn issue(&self, claims: &Claims) -> Result<String, IssueError> {
        self.sign(claims).map_err(|error| IssueError(error.into()))
    }

    fn verify(&self, token: &str, request: &RequestFacts, now: DateTime<Utc>) -> Result<VerifiedToken, TokenRefused> {
        if token.len() > MAX_CHARS {
            return Err(TokenRefused::Invalid);
        }
        // The whole token, not its first block: one that was narrowed shares that block.
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let remembered = if let Some(remembered) = self.verified.get(&digest) {
            remembered
        } else {
            let read = self.read(token)?;
            self.verified.insert(digest, read.clone());
            read
        };
        if now >= remembered.expires_at {
            self.verified.invalidate(&digest);
            return Err(TokenRefused::Invalid);
        }
        let rights = TokenRights { token: remembered.token, request: request.clone(), now };
        Ok(VerifiedToken {
            account_id: remembered.account_id,
            session_id: remembered.session_id,
            rights: Arc::new(rights),
        })
    }
}

#[cfg(test)]
#[path = "biscuits_tests.rs"]
mod tests;
