//! What tests that cross crates share: the application, servers in containers, events that went out.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that cannot have what it needs fails"
)]

pub mod app;
pub mod containers;
pub mod events;
