//! Access tokens as Biscuits (signed by us, narrowed by whoever holds them) and refresh tokens.

mod biscuits;
mod keys;
mod refresh;
mod rights;

pub use biscuits::Biscuits;
pub use keys::{InvalidKey, RootKeys};
pub use refresh::RandomRefreshTokens;
