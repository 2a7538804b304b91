//! Events on a bus of Amazon `EventBridge`.
//!
//! [`BusUrl`] says which. A call carries ten entries, and each entry has a fate of its own; what the bus does with an event
//! that no rule wants is its own business.

mod bus;
mod credentials;
mod entries;
mod fates;
mod url;

use std::time::Duration;

pub use bus::{BusError, EventBus};
pub use credentials::{AccessKeys, Credentials};
pub use url::{BusUrl, InvalidBusUrl};

/// What a bus may take for one call. A relay waits for two in a row: a question whether there is a bus before a call, or
/// a call that one event spoils before the same events one by one.
const DEADLINE: Duration = Duration::from_secs(3);

/// A host that does not take a connection by then is down.
const CONNECT_DEADLINE: Duration = Duration::from_secs(1);
