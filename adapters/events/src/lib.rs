//! Takes events from the outbox to whoever wants them.

mod inbox;
mod log;
mod relay;
mod wire;

pub use inbox::{Inbox, InboxPublisher, Message};
pub use log::LogPublisher;
pub use relay::{Relay, RelaySettings};
pub use wire::entry;
