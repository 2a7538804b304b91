//! Many clients over few objects at once: what they ask for, what they are answered, and whether that can be true.
//!
//! What each client asks for follows from a seed; how they meet does not. The journey of that name has them meet in peace, and
//! `cargo xtask chaos` has things break meanwhile: both hold what was answered against the events, and against what is left.

mod choice;
mod commands;
mod counts;
mod deliveries;
mod faults;
mod history;
mod left;
mod names;
mod order;
mod renamed;
mod statuses;
#[cfg(test)]
mod tests;

pub use choice::Choice;
pub use commands::{Command, World};
pub use deliveries::Deliveries;
pub use faults::faults;
pub use history::{Entry, History};
pub use left::{Event, ItemLeft, Left, TransportLeft};
pub use names::old_names;
pub use order::disorder;
