//! Signs and reads access tokens as Biscuits.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use auth_application::{AccessTokens, Claims, IssueError, PublicKey, RequestFacts, TokenRefused, VerifiedToken};
use auth_domain::{AccountId, SessionId};
use biscuit_auth::builder::BiscuitBuilder;
use biscuit_auth::macros::biscuit;
use biscuit_auth::{Authorizer, Biscuit, UnverifiedBiscuit, error};
use chrono::{DateTime, Utc};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::rights::{InvalidPolicies, Policies, ReadToken, TokenRights, stated_by};
use crate::{MAX_CHARS, RootKeys, narrowing};

/// Blocks in the longest token that is looked at. Each costs a signature check.
const MAX_BLOCKS: usize = 8;
/// Tokens that are remembered as verified: reading one costs more than a database row.
const REMEMBERED: usize = 10_000;

/// The tokens of one set of root keys.
pub struct Biscuits {
    keys: RootKeys,
    policies: Policies,
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
    pub fn signed_by(keys: RootKeys) -> Result<Self, InvalidPolicies> {
        Ok(Self { keys, policies: Policies::parse()?, verified: Cache::new(REMEMBERED) })
    }

    fn sign(&self, claims: &Claims) -> Result<String, error::Token> {
        let expires_at = SystemTime::from(claims.expires_at);
        let token = biscuit!("expires_at({expires_at}); check if time($now), $now < {expires_at};");
        let token = stated_by(claims).iter().try_fold(token, BiscuitBuilder::fact)?;
        let (id, key) = self.keys.signing();
        token.root_key_id(id).build(key)?.to_base64()
    }

    /// Checks the form, the signatures and what a holder added.
    fn read(&self, token: &str) -> Result<Remembered, TokenRefused> {
        let unverified = UnverifiedBiscuit::from_base64(token).map_err(|_| TokenRefused::Invalid)?;
        let foreign = unverified.external_public_keys().iter().any(Option::is_some);
        // What is not signed, like the key's id, can be written in several ways: one is enough.
        let canonical = unverified.to_base64().is_ok_and(|it| it == token);
        if foreign || !canonical || unverified.block_count() > MAX_BLOCKS {
            return Err(TokenRefused::Invalid);
        }
        let biscuit = unverified.verify(&self.keys).map_err(|_| TokenRefused::Invalid)?;
        let facts = self.policies.reading(&biscuit).map_err(|_| TokenRefused::Invalid)?;
        if !narrowing::is_cheap(&facts) {
            return Err(TokenRefused::Invalid);
        }
        self.holder(biscuit, facts).map_err(|error| match error {
            error::Token::RunLimit(_) => TokenRefused::Undecided(error.into()),
            _ => TokenRefused::Invalid,
        })
    }

    /// Reads who holds the token from the block that we signed.
    fn holder(&self, biscuit: Biscuit, mut facts: Authorizer) -> Result<Remembered, error::Token> {
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
            self.verified.remove(&digest);
            return Err(TokenRefused::Invalid);
        }
        let rights = TokenRights { token: remembered.token, request: request.clone(), now };
        Ok(VerifiedToken {
            account_id: remembered.account_id,
            session_id: remembered.session_id,
            rights: Arc::new(rights),
        })
    }

    fn public_keys(&self) -> Vec<PublicKey> {
        self.keys.public()
    }
}

#[cfg(test)]
#[path = "biscuits_tests.rs"]
mod tests;
