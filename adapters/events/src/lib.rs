//! Takes events from the outbox to whoever wants them.

mod inbox;
mod log;
mod once;
mod pauses;
mod relay;
mod rounds;
mod wire;

pub use inbox::{Inbox, InboxPublisher, Message};
pub use log::LogPublisher;
pub use once::OncePublisher;
pub use relay::{Relay, RelaySettings};
pub use wire::wire_entry;
