//! What instances remember together, in Redis, or one alone, in memory: how often somebody asked, and views of what
//! the contexts own.
//!
//! **Invariant:** Redis can be slow, gone or empty, and no request fails of it or waits for long.

mod breaker;
mod distribution;
mod memory;
mod redis;
mod resilient;
mod sabotage;
mod shipping;
mod url;
mod user;
mod views;

pub use memory::MemoryThrottle;
pub use redis::{RedisCache, RedisSettings, RedisThrottle};
pub use resilient::ResilientThrottle;
pub use url::{CacheUrl, InvalidCacheUrl, RedisUrl};
pub use views::{ViewCache, ViewUses};
