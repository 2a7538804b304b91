//! The outbox: events on their way in, and on their way out.

mod appended;
mod deliveries;
mod relayed;
mod sealed;

pub(crate) use appended::Outlet;
pub(super) use deliveries::Queue;

/// The state of a delivery that is still to be made.
const OPEN: &str = "OPEN";
/// The state of a delivery that was made.
const DELIVERED: &str = "DELIVERED";
