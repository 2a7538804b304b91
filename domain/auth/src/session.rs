//! A session: one sign-in on one device.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{AccountId, SessionId};

/// The SHA-256 of a refresh token: the token itself is kept by its holder only. `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RefreshTokenHash([u8; 32]);

impl RefreshTokenHash {
    /// Takes a digest.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for RefreshTokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshTokenHash(…)")
    }
}

/// One sign-in on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    id: SessionId,
    account_id: AccountId,
    refresh_token: RefreshTokenHash,
    opened_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl Session {
    /// How long a session lasts unless it is ended (NIST SP 800-63B, 4.1.3: at most 30 days).
    pub const LIFETIME: TimeDelta = TimeDelta::days(30);

    /// Opens a session for the holder of a refresh token.
    pub fn open(id: SessionId, account_id: AccountId, refresh_token: RefreshTokenHash, now: DateTime<Utc>) -> Self {
        Self { id, account_id, refresh_token, opened_at: now, expires_at: now + Self::LIFETIME }
    }

    /// Its identifier.
    pub fn id(&self) -> SessionId {
        self.id
    }
}

/// Everything a store must keep to bring a session back, unjudged: rules guard transitions, never history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Session`")]
pub struct SessionSnapshot {
    pub id: SessionId,
    pub account_id: AccountId,
    pub refresh_token: RefreshTokenHash,
    pub opened_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl Session {
    /// What a store keeps.
    pub fn snapshot(&self) -> SessionSnapshot {
        let Self { id, account_id, refresh_token, opened_at, expires_at } = self.clone();
        SessionSnapshot { id, account_id, refresh_token, opened_at, expires_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{an_account, noon};
    use uuid::Uuid;

    #[test]
    fn a_session_lasts_thirty_days() {
        let session = Session::open(SessionId::new(Uuid::nil()), an_account(), RefreshTokenHash::new([7; 32]), noon());

        assert_eq!(session.snapshot().expires_at, noon() + TimeDelta::days(30));
    }

    #[test]
    fn a_log_does_not_show_the_token() {
        assert_eq!(format!("{:?}", RefreshTokenHash::new([7; 32])), "RefreshTokenHash(…)");
    }
}
