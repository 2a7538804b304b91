//! Signs and reads access tokens as JWTs (HS256), with the claims that clients of the original know.

use std::sync::Arc;

use auth_application::{
    AccessTokens, AccountType, Claims, IssueError, PublicKey, RequestFacts, TokenRefused, VerifiedToken,
};
use auth_domain::{AccountId, SessionId};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::rights::{Decisions, InvalidPolicies, Policies, StatedRights, stated_by};
use crate::{JwtKeys, MAX_CHARS};

/// What an access token says it is; a refresh token of the original says otherwise.
const ACCESS: &str = "access";

/// The tokens of one set of keys. Nobody can narrow them, and nobody but us can tell them from others.
///
/// They are not remembered, unlike Biscuits: checking one takes about as long as finding it would. What they allow is.
pub struct Jwts {
    keys: JwtKeys,
    decisions: Arc<Decisions>,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    token_type: String,
    exp: i64,
    /// The session, in 32 hexadecimal digits.
    jti: String,
    /// The account, in 32 hexadecimal digits.
    user_id: String,
    user_type: String,
    is_staff: bool,
    is_superuser: bool,
    groups: Vec<String>,
}

impl Jwts {
    /// Signs with, and believes, these keys.
    pub fn signed_by(keys: JwtKeys) -> Result<Self, InvalidPolicies> {
        Ok(Self { keys, decisions: Decisions::by(Policies::parse()?) })
    }

    /// Checks the form and the signature; `None` if either is not ours.
    fn read(&self, token: &str) -> Option<Claims> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = self.keys.verifying(&kid)?;
        let Payload { token_type, exp, jti, user_id, user_type, is_staff, is_superuser, groups } =
            jsonwebtoken::decode(token, key, &validation()).ok()?.claims;
        if token_type != ACCESS {
            return None;
        }
        Some(Claims {
            account_id: AccountId::new(Uuid::parse_str(&user_id).ok()?),
            session_id: SessionId::new(Uuid::parse_str(&jti).ok()?),
            account_type: [AccountType::Staff, AccountType::Driver].into_iter().find(|it| it.name() == user_type)?,
            is_staff,
            is_superuser,
            groups,
            expires_at: DateTime::from_timestamp(exp, 0)?,
        })
    }
}

/// One algorithm, whatever the header says. The time is asked of our clock, not of the library's.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    validation
}

impl AccessTokens for Jwts {
    fn issue(&self, claims: &Claims) -> Result<String, IssueError> {
        let (kid, key) = self.keys.signing();
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        let payload = Payload {
            token_type: ACCESS.to_owned(),
            exp: claims.expires_at.timestamp(),
            jti: claims.session_id.as_uuid().simple().to_string(),
            user_id: claims.account_id.as_uuid().simple().to_string(),
            user_type: claims.account_type.name().to_owned(),
            is_staff: claims.is_staff,
            is_superuser: claims.is_superuser,
            groups: claims.groups.clone(),
        };
        jsonwebtoken::encode(&header, &payload, key).map_err(|error| IssueError(error.into()))
    }

    fn verify(&self, token: &str, _: &RequestFacts, now: DateTime<Utc>) -> Result<VerifiedToken, TokenRefused> {
        if token.len() > MAX_CHARS {
            return Err(TokenRefused::Invalid);
        }
        let claims = self.read(token).filter(|it| now < it.expires_at).ok_or(TokenRefused::Invalid)?;
        let rights = StatedRights { facts: stated_by(&claims).into(), decisions: self.decisions.clone() };
        let Claims { account_id, session_id, .. } = claims;
        Ok(VerifiedToken { account_id, session_id, rights: Arc::new(rights) })
    }

    /// None: the key that tells our tokens from others also makes them.
    fn public_keys(&self) -> Vec<PublicKey> {
        Vec::new()
    }
}

#[cfg(test)]
#[path = "jwts_tests.rs"]
mod tests;
