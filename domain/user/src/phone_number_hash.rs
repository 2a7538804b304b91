//! What is left of the number of somebody who was banned.

use std::fmt;

/// The keyed hash of a phone number: enough to recognise the number, not enough to find it. `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PhoneNumberHash([u8; 32]);

impl PhoneNumberHash {
    /// Takes a digest.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest, for stores.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PhoneNumberHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumberHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_gets_the_hash_and_a_log_does_not() {
        let hash = PhoneNumberHash::new([7; 32]);

        assert_eq!(hash.as_bytes(), &[7; 32]);
        assert_eq!(format!("{hash:?}"), "PhoneNumberHash(…)");
    }
}
