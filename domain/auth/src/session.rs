//! A session: one sign-in on one device.

use std::fmt;
use std::net::IpAddr;

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

/// Addresses that somebody may have many of at once: 256 of version 4, or what a provider gives to one site of version 6.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Network(String);

impl Network {
    /// The network of an address: a /24, or a /48 of version 6.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}::/48")
            }
        })
    }

    /// How it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// From where somebody signed in, for their own list of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Device {
    /// What their program calls itself, at most [`Self::USER_AGENT_CHARS`] of it.
    user_agent: Option<String>,
    /// Their address.
    address: Option<String>,
}

impl Device {
    /// Characters of a user agent that are kept.
    pub const USER_AGENT_CHARS: usize = 255;

    /// What a request said of where it comes from. A name that is too long is cut.
    pub fn seen(user_agent: Option<&str>, address: Option<&str>) -> Self {
        let kept = |it: &str| it.chars().filter(|it| !it.is_control()).take(Self::USER_AGENT_CHARS).collect();
        Self { user_agent: user_agent.map(kept), address: address.map(str::to_owned) }
    }

    /// What their program calls itself.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// Their address.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// The network that their address is in, if they have one.
    pub fn network(&self) -> Option<Network> {
        self.address()?.parse().ok().map(Network::of)
    }
}

/// One sign-in on one device. It goes on as long as its refresh token is exchanged for the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    id: SessionId,
    account_id: AccountId,
    /// The one that may be exchanged. Each may be exchanged once.
    refresh_token: RefreshTokenHash,
    device: Device,
    opened_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

/// The session cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotRenew {
    /// It was ended.
    #[error("the session has ended")]
    Ended,
    /// It is too old.
    #[error("the session has expired")]
    Expired,
}

impl Session {
    /// How long a session lasts unless it is ended (NIST SP 800-63B, 4.1.3: at most 30 days).
    pub const LIFETIME: TimeDelta = TimeDelta::days(30);

    /// Opens a session for the holder of a refresh token.
    pub fn open(
        id: SessionId,
        account_id: AccountId,
        refresh_token: RefreshTokenHash,
        device: Device,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            account_id,
            refresh_token,
            device,
            opened_at: now,
            last_used_at: now,
            expires_at: now + Self::LIFETIME,
            ended_at: None,
        }
    }

    /// Its identifier.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Whose it is.
    pub fn account_id(&self) -> AccountId {
        self.account_id
    }

    /// When it is over, however often it is renewed.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Exchanges the refresh token for the next one.
    pub fn renew(&mut self, next: RefreshTokenHash, now: DateTime<Utc>) -> Result<(), CannotRenew> {
        if self.ended_at.is_some() {
            return Err(CannotRenew::Ended);
        }
        if now >= self.expires_at {
            return Err(CannotRenew::Expired);
        }
        self.refresh_token = next;
        self.last_used_at = now;
        Ok(())
    }

    /// Ends it. What has ended stays as it is.
    pub fn end(&mut self, now: DateTime<Utc>) {
        self.ended_at.get_or_insert(now);
    }
}

/// Everything a store must keep to bring a session back, unjudged: rules guard transitions, never history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Session`")]
pub struct SessionSnapshot {
    pub id: SessionId,
    pub account_id: AccountId,
    pub refresh_token: RefreshTokenHash,
    pub device: Device,
    pub opened_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl Session {
    /// What a store keeps.
    pub fn snapshot(&self) -> SessionSnapshot {
        let Self { id, account_id, refresh_token, device, opened_at, last_used_at, expires_at, ended_at } =
            self.clone();
        SessionSnapshot { id, account_id, refresh_token, device, opened_at, last_used_at, expires_at, ended_at }
    }
}

impl From<SessionSnapshot> for Session {
    fn from(kept: SessionSnapshot) -> Self {
        let SessionSnapshot { id, account_id, refresh_token, device, opened_at, last_used_at, expires_at, ended_at } =
            kept;
        Self { id, account_id, refresh_token, device, opened_at, last_used_at, expires_at, ended_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{a_session, noon};

    #[test]
    fn a_session_lasts_thirty_days_however_often_it_is_renewed() {
        let mut session = a_session();
        let next = RefreshTokenHash::new([8; 32]);

        for day in 1..30 {
            assert_eq!(session.renew(next, noon() + TimeDelta::days(day)), Ok(()));
        }

        assert_eq!(session.renew(next, noon() + TimeDelta::days(30)), Err(CannotRenew::Expired));
        assert_eq!(session.snapshot().last_used_at, noon() + TimeDelta::days(29));
    }

    #[test]
    fn a_session_that_ended_does_not_go_on() {
        let mut session = a_session();
        session.end(noon());
        let before = session.clone();

        assert_eq!(session.renew(RefreshTokenHash::new([8; 32]), noon()), Err(CannotRenew::Ended));

        session.end(noon() + TimeDelta::hours(1));
        assert_eq!(session, before, "it ended once");
    }

    #[test]
    fn a_device_is_described_in_few_characters() {
        let device = Device::seen(Some(&"x\u{7}".repeat(400)), None);

        assert_eq!(device.user_agent(), Some("x".repeat(255).as_str()), "and none of them controls a terminal");
    }

    #[test]
    fn neighbours_are_in_one_network() {
        let network = |address: &str| Device::seen(None, Some(address)).network();
        for (one, other, are_neighbours) in [
            ("192.0.2.1", "192.0.2.255", true),
            ("192.0.2.1", "::ffff:192.0.2.9", true),
            ("192.0.2.1", "192.0.3.1", false),
            ("2001:db8:1:2::1", "2001:db8:1:ffff::9", true),
            ("2001:db8:1::1", "2001:db8:2::1", false),
        ] {
            assert_eq!(network(one) == network(other), are_neighbours, "{one} and {other}");
        }
        assert_eq!(network("nowhere"), None);
        assert_eq!(Device::default().network(), None);
    }

    #[test]
    fn a_network_is_written_with_its_prefix() {
        for (address, network) in [("192.0.2.9", "192.0.2.0/24"), ("2001:db8:1:2::9", "2001:db8:1::/48")] {
            assert_eq!(Network::of(address.parse().expect("an address")).as_str(), network);
        }
    }

    #[test]
    fn a_store_gets_the_hash_and_a_log_does_not() {
        let hash = RefreshTokenHash::new([7; 32]);

        assert_eq!(hash.as_bytes(), &[7; 32]);
        assert_eq!(format!("{hash:?}"), "RefreshTokenHash(…)");
    }
}
