//! The composition root: reads the configuration, wires adapters to ports, and runs what was asked for.

mod check;
mod chores;
pub mod cli;
pub mod config;
mod dead_letters;
mod demo;
mod metrics;
mod probes;
mod relays;
mod serve;
mod system;
mod telemetry;
mod wiring;

pub use chores::Chores;
pub use relays::relay;
pub use serve::serve;
pub use wiring::{App, Probes, StartupError, build};
