//! The outbox: events on their way in, and on their way out.

mod appended;
mod deliveries;
mod relayed;

pub(super) use appended::append;
pub(super) use deliveries::Queue;

/// The state of a delivery that is still to be made.
const OPEN: &str = "OPEN";
