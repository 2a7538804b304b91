//! In-process bridges: a port of one context over the facade of another.
//!
//! Each file is named after who asks and who is asked. This is the only crate where two contexts meet: where one is served
//! by another process, a bridge over there answers, and nothing but the port is carried in between.

mod auth_user;
mod distribution_user;
mod shipping_distribution;
mod shipping_user;

pub use auth_user::{ClosedAccounts, UserAccounts};
pub use distribution_user::UserStaff;
pub use shipping_distribution::{DistributionCenters, TransportRoutes};
pub use shipping_user::UserDrivers;
