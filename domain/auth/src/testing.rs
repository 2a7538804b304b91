//! Sensible defaults; a test names only what it is about.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    AccountId, ApiKeyHash, ApiKeyId, ApiKeyName, ChallengeId, Device, NewApiKey, NewChallenge, OneTimeToken,
    PhoneNumber, PhoneVerification, Purpose, RefreshTokenHash, Scope, Session, SessionId, TokenHash,
};

static MADE: AtomicU64 = AtomicU64::new(1);

fn next() -> u64 {
    MADE.fetch_add(1, Ordering::Relaxed)
}

fn an_id() -> Uuid {
    Uuid::from_u128(u128::from(next()))
}

/// Noon on the second of January 2026.
pub fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_355_200)
}

/// An account like no other.
pub fn an_account() -> AccountId {
    AccountId::new(an_id())
}

/// A phone number like no other, of a Korean mobile.
///
/// # Panics
/// Never: eight digits follow the country and the prefix.
#[expect(clippy::expect_used, reason = "the digits are ours")]
pub fn a_phone_number() -> PhoneNumber {
    PhoneNumber::parse(&format!("+82105{:07}", next())).expect("a phone number")
}

/// A session that was opened at noon.
pub fn a_session() -> Session {
    session_of(an_account())
}

/// A session of this account that was opened at noon.
pub fn session_of(account: AccountId) -> Session {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&next().to_be_bytes());
    let device = Device::seen(Some("tests"), Some("192.0.2.1"));
    Session::open(SessionId::new(an_id()), account, RefreshTokenHash::new(hash), device, noon())
}

/// The hash that [`a_challenge`] has for this token.
pub fn hash_of(token: &str) -> TokenHash {
    let mut hash = [0; 32];
    for (at, byte) in token.bytes().enumerate() {
        hash[at % 32] = byte;
    }
    TokenHash::new(hash)
}

/// The token `123456`, to be sent for this purpose.
pub fn a_challenge(purpose: Purpose) -> NewChallenge {
    NewChallenge {
        id: ChallengeId::new(an_id()),
        purpose,
        account_id: None,
        token: OneTimeToken::typed("123456"),
        token_hash: hash_of("123456"),
    }
}

/// A number for which nothing was ever requested.
pub fn an_unproved_number() -> PhoneVerification {
    PhoneVerification::of(a_phone_number(), Vec::new())
}

/// A key for shipping that does not expire.
///
/// # Panics
/// Never: the name is ours.
#[expect(clippy::expect_used, reason = "the name is ours")]
pub fn a_new_api_key() -> NewApiKey {
    let number = next();
    let mut hash = [1; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    NewApiKey {
        id: ApiKeyId::new(an_id()),
        name: ApiKeyName::parse("scanner").expect("a name"),
        prefix: format!("mk_{number:08}"),
        hash: ApiKeyHash::new(hash),
        scopes: Scope::usual(),
        created_by: None,
        expires_at: None,
    }
}
