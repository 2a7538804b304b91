//! Bulk commands: bounded, all or nothing, and every fault told with its place.

/// The most entries that one bulk command takes.
pub const MAX_ENTRIES: usize = 1000;

/// What is wrong with one entry of a bulk command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault<E> {
    /// The entry's place in the command, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub reason: E,
}
