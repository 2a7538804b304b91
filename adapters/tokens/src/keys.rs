//! The root keys that sign access tokens.

use std::collections::BTreeMap;
use std::fmt;

use biscuit_auth::{Algorithm, KeyPair, PrivateKey, PublicKey, RootKeyProvider, error};

/// A text that is no private key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a root key is an ed25519 private key: 64 hexadecimal digits")]
pub struct InvalidKey;

/// The key that signs, and every key whose tokens are still good. A token names its key by id, so
/// that keys can change without signing anybody out.
pub struct RootKeys {
    signing: KeyPair,
    verifying: BTreeMap<u32, PublicKey>,
}

impl RootKeys {
    /// Signs with the first key and believes all of them.
    pub fn parse<'a>(signing: &str, retired: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidKey> {
        let pair = |hex: &str| {
            let key = PrivateKey::from_bytes_hex(hex, Algorithm::Ed25519).map_err(|_| InvalidKey)?;
            Ok(KeyPair::from(&key))
        };
        let signing = pair(signing)?;
        let mut verifying = BTreeMap::from([(key_id(&signing.public()), signing.public())]);
        for hex in retired {
            let public = pair(hex)?.public();
            verifying.insert(key_id(&public), public);
        }
        Ok(Self { signing, verifying })
    }

    /// A fresh private key, in the form that [`parse`](Self::parse) takes.
    pub fn generate() -> String {
        KeyPair::new().private().to_bytes_hex()
    }

    pub(crate) fn signing(&self) -> (u32, &KeyPair) {
        (key_id(&self.signing.public()), &self.signing)
    }
}

/// The first four bytes of the public key.
fn key_id(key: &PublicKey) -> u32 {
    let bytes = key.to_bytes();
    bytes.iter().take(4).fold(0, |id, byte| id << 8 | u32::from(*byte))
}

impl RootKeyProvider for &RootKeys {
    fn choose(&self, key_id: Option<u32>) -> Result<PublicKey, error::Format> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_can_be_parsed() {
        assert!(RootKeys::parse(&RootKeys::generate(), []).is_ok());
    }

    #[test]
    fn nonsense_is_no_key_and_a_log_shows_none() {
        assert_eq!(RootKeys::parse("123123123123", []).err(), Some(InvalidKey));

        let key = RootKeys::generate();
        let keys = RootKeys::parse(&key, []).expect("a key");
        assert!(!format!("{keys:?}").contains(&key));
    }
}
