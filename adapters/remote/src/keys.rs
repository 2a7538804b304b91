//! How processes of one system know each other: by a key that comes of the secret that all of them have.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kernel_application::KeyedHash;
use subtle::{Choice, ConstantTimeEq as _};

/// What the key is for: it has nothing in common with anything else that comes of the secret.
const PURPOSE: &str = "contexts: key of a process";

/// The key that a process shows.
pub fn own_key(hash: &dyn KeyedHash) -> String {
    written(hash.digest(PURPOSE, b""))
}

/// The keys that a process believes. `Debug` is left out: they have no place in a log.
pub struct KnownKeys(Vec<String>);

impl KnownKeys {
    /// Those that come of a secret in use or of one before it: while a secret is changed, some processes have the new one
    /// already.
    pub fn of(hash: &dyn KeyedHash) -> Self {
        Self(hash.digests(PURPOSE, b"").into_iter().map(written).collect())
    }

    /// Whether this is one of them, in as much time for any key of that length.
    pub fn has(&self, shown: &str) -> bool {
        let is_one = self.0.iter().map(|it| it.as_bytes().ct_eq(shown.as_bytes()));
        is_one.fold(Choice::from(0), |found, it| found | it).into()
    }
}

fn written(digest: [u8; 32]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest)
}

#[cfg(test)]
mod tests {
    use kernel_application::KeyedHash;

    use super::*;

    /// Hashes with numbers as keys, the one in use first.
    struct Numbers(&'static [u8]);

    impl KeyedHash for Numbers {
        fn digest(&self, _: &'static str, _: &[u8]) -> [u8; 32] {
            [self.0[0]; 32]
        }

        fn digests(&self, _: &'static str, _: &[u8]) -> Vec<[u8; 32]> {
            self.0.iter().map(|it| [*it; 32]).collect()
        }
    }

    #[test]
    fn a_process_with_the_same_secret_is_known_and_no_other() {
        let known = KnownKeys::of(&Numbers(&[1]));

        assert!(known.has(&own_key(&Numbers(&[1]))));
        assert!(!known.has(&own_key(&Numbers(&[2]))));
        assert!(!known.has("") && !known.has(&own_key(&Numbers(&[1]))[1..]));
    }

    #[test]
    fn while_a_secret_is_changed_the_one_before_it_is_known() {
        let known = KnownKeys::of(&Numbers(&[2, 1]));

        assert!(known.has(&own_key(&Numbers(&[1]))) && known.has(&own_key(&Numbers(&[2, 1]))));
        assert!(!known.has(&own_key(&Numbers(&[3]))));
    }
}
