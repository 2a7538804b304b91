//! Fresh identifiers and random numbers, as a port.

use uuid::Uuid;

/// Makes what nobody else has made. Backed by the operating system's random generator.
pub trait Ids: Send + Sync {
    /// A `UUIDv7` (RFC 9562): later ones sort after earlier ones, so that keys stay together on disk.
    fn uuid(&self) -> Uuid;

    /// A UUID of 122 random bits, which nobody can guess.
    fn secret(&self) -> Uuid;

    /// A uniformly distributed number in `0..bound`. A `bound` of zero gives zero.
    fn below(&self, bound: u64) -> u64;
}
