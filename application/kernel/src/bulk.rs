//! Bulk commands: bounded.

/// The most entries that one bulk command takes.
pub const MAX_ENTRIES: usize = 1000;
