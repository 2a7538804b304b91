//! What only this application can compute, as ports: keyed hashes, and texts that nobody else can read.

use kernel_domain::BoxError;

/// Hashes with a key that is in no database, so that nobody who reads one can try out what was hashed.
pub trait KeyedHash: Send + Sync {
    /// The digest of `message`. Different purposes have nothing in common, whatever the message.
    fn digest(&self, purpose: &'static str, message: &[u8]) -> [u8; 32];

    /// The digests of `message` by every key that is or was in use, today's first: to find again what is kept as a
    /// digest for longer than a key is used.
    fn digests(&self, purpose: &'static str, message: &[u8]) -> Vec<[u8; 32]>;
}

/// Keeps what has to be read again, but by nobody else.
pub trait Sealing: Send + Sync {
    /// Seals `plain` to what it belongs to: opened for anything else, it is worthless.
    fn seal(&self, plain: &[u8], belongs_to: &[u8]) -> Vec<u8>;

    /// What was sealed. An error if it was changed, belongs elsewhere, or has another key.
    fn open(&self, sealed: &[u8], belongs_to: &[u8]) -> Result<Vec<u8>, BoxError>;
}
