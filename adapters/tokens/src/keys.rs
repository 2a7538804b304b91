//! The keys that sign access tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use auth_application::PublicKey;
use biscuit_auth::{Algorithm, KeyPair, PrivateKey, RootKeyProvider, error};
use jsonwebtoken::{DecodingKey, EncodingKey};
use sha2::{Digest, Sha256};

/// Different bytes that a key has at least. One of 10^11 random keys has fewer; what somebody typed has.
const MIN_DIFFERENT: usize = 16;

/// A text that is no key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key that signs tokens is 32 random bytes, as 64 hexadecimal digits")]
pub struct InvalidKey;

/// A private key for ed25519 is any 32 bytes, and so is a key for HMAC.
fn private_key(hex: &str) -> Result<PrivateKey, InvalidKey> {
    let key = PrivateKey::from_bytes_hex(hex, Algorithm::Ed25519).map_err(|_| InvalidKey)?;
    let different = key.to_bytes().iter().collect::<BTreeSet<_>>().len();
    if different < MIN_DIFFERENT { Err(InvalidKey) } else { Ok(key) }
}

/// The key that signs Biscuits, and every key whose tokens are still good. A token names its key by id, so
/// that keys can change without signing anybody out.
pub struct RootKeys {
    signing: KeyPair,
    verifying: BTreeMap<u32, biscuit_auth::PublicKey>,
}

impl RootKeys {
    /// Signs with the first key and believes all of them.
    pub fn parse<'a>(signing: &str, retired: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidKey> {
        let pair = |hex: &str| private_key(hex).map(|key| KeyPair::from(&key));
        let signing = pair(signing)?;
        let mut verifying = BTreeMap::from([(key_id(&signing.public()), signing.public())]);
        for hex in retired {
            let public = pair(hex)?.public();
            verifying.insert(key_id(&public), public);
        }
        Ok(Self { signing, verifying })
    }

    /// A fresh private key, in the form that [`parse`](Self::parse) and [`JwtKeys::parse`] take.
    pub fn generate() -> String {
        KeyPair::new().private().to_bytes_hex()
    }

    pub(crate) fn signing(&self) -> (u32, &KeyPair) {
        (key_id(&self.signing.public()), &self.signing)
    }

    pub(crate) fn public(&self) -> Vec<PublicKey> {
        let public = |(id, key): (&u32, &biscuit_auth::PublicKey)| PublicKey {
            id: *id,
            algorithm: "ed25519",
            hex: key.to_bytes_hex(),
        };
        self.verifying.iter().map(public).collect()
    }
}

/// The first four bytes of the public key.
fn key_id(key: &biscuit_auth::PublicKey) -> u32 {
    let bytes = key.to_bytes();
    bytes.iter().take(4).fold(0, |id, byte| id << 8 | u32::from(*byte))
}

impl RootKeyProvider for &RootKeys {
    fn choose(&self, key_id: Option<u32>) -> Result<biscuit_auth::PublicKey, error::Format> {
        let known = key_id.and_then(|id| self.verifying.get(&id)).copied();
        known.ok_or(error::Format::UnknownPublicKey)
    }
}

/// Private keys have no place in a log.
impl fmt::Debug for RootKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootKeys").field("verifying", &self.verifying.keys()).finish_non_exhaustive()
    }
}

/// The key that signs JWTs, and every key whose tokens are still good. Who can tell our tokens from others can make them too.
pub struct JwtKeys {
    signing: (String, EncodingKey),
    verifying: BTreeMap<String, DecodingKey>,
}

impl JwtKeys {
    /// Signs with the first key and believes all of them.
    pub fn parse<'a>(signing: &str, retired: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidKey> {
        let signing = private_key(signing)?.to_bytes();
        let retired = retired.into_iter().map(|hex| Ok(private_key(hex)?.to_bytes())).collect::<Result<Vec<_>, _>>()?;
        let believed = std::iter::once(&signing).chain(&retired);
        let verifying = believed.map(|key| (jwt_key_id(key), DecodingKey::from_secret(key))).collect();
        Ok(Self { signing: (jwt_key_id(&signing), EncodingKey::from_secret(&signing)), verifying })
    }

    pub(crate) fn signing(&self) -> (&str, &EncodingKey) {
        (&self.signing.0, &self.signing.1)
    }

    pub(crate) fn verifying(&self, id: &str) -> Option<&DecodingKey> {
        self.verifying.get(id)
    }
}

/// Four bytes of the key's digest, which tell nothing about a random key.
fn jwt_key_id(key: &[u8]) -> String {
    let digest = Sha256::new().chain_update(b"key id").chain_update(key).finalize();
    let id = digest.iter().take(4).fold(0_u32, |id, byte| id << 8 | u32::from(*byte));
    format!("{id:08x}")
}

/// Keys have no place in a log.
impl fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKeys").field("verifying", &self.verifying.keys()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_can_be_parsed() {
        assert!(RootKeys::parse(&RootKeys::generate(), []).is_ok());
        assert!(JwtKeys::parse(&RootKeys::generate(), []).is_ok());
    }

    #[test]
    fn what_is_short_or_was_typed_is_no_key() {
        let good = RootKeys::generate();
        for bad in
            ["", "123123123123", &good[1..], &format!("{good}00"), &"0".repeat(64), &"0123456789abcdef".repeat(4)]
        {
            assert_eq!(RootKeys::parse(bad, []).err(), Some(InvalidKey), "{bad}");
            assert_eq!(RootKeys::parse(&good, [bad]).err(), Some(InvalidKey), "{bad}");
            assert_eq!(JwtKeys::parse(bad, []).err(), Some(InvalidKey), "{bad}");
            assert_eq!(JwtKeys::parse(&good, [bad]).err(), Some(InvalidKey), "{bad}");
        }
    }

    #[test]
    fn a_log_shows_no_key() {
        let (key, retired) = (RootKeys::generate(), RootKeys::generate());
        let root = RootKeys::parse(&key, [retired.as_str()]).expect("keys");
        let jwt = JwtKeys::parse(&key, [retired.as_str()]).expect("keys");

        let shown = format!("{root:?} {jwt:?}");

        assert!(!shown.contains(&key) && !shown.contains(&retired));
    }
}
