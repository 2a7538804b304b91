//! The ports from one context to another over HTTP, where the two are served by processes of their own.
//!
//! Both sides are here, so that what travels has one owner: a port that asks ([`RemoteDrivers`]), and [`Questions`], which
//! answers out of the same port over there. Nothing here knows what stands behind a port; contexts meet elsewhere.

mod distribution;
mod keys;
mod peer;
mod question;
mod shipping;

pub use distribution::{RemoteCenterUsage, RemoteStaff};
pub use keys::{KnownKeys, own_key};
pub use peer::{InvalidPeerUrl, Peer, PeerUrl};
pub use question::Questions;
pub use shipping::{RemoteCenters, RemoteDrivers};
