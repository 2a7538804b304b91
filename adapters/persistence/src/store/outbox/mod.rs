//! The outbox: events on their way in, and on their way out.

mod appended;
mod backlog;
mod bells;
mod deliveries;
mod handled;
mod relayed;
mod sealed;
mod settled;

pub(crate) use appended::Outlet;
pub(super) use backlog::backlog;
pub(super) use bells::Bells;
pub(super) use deliveries::Queue;

/// The state of a delivery that is still to be made.
const OPEN: &str = "OPEN";
/// The state of a delivery that was made.
const DELIVERED: &str = "DELIVERED";
/// The state of a delivery that nobody tries any more.
const PARKED: &str = "PARKED";
