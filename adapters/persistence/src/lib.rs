//! Repositories, units of work and queries on diesel: one source, compiled once per backend.
//!
//! Diesel types a query by its connection. Being generic over the connection would put a page of
//! bounds above every query, so `mysql` and `sqlite` each name their `Connection` and its
//! dialect, and include the same `store`.
//!
//! **Invariant:** nothing outside this crate sees a type of diesel, and no query touches the
//! tables of two contexts.

#![expect(clippy::duplicate_mod, reason = "one source, two backends")]

mod counts;
mod database;
mod error;
mod id;
mod mysql;
mod sabotage;
mod schema;
mod sql;
mod sqlite;
mod state;
mod statements;

pub use database::{BUS, Database, Interest, InvalidDatabase, Settings, Subscriber};
pub use state::{Backlog, PoolUse};
