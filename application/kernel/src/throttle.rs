//! How often somebody may ask, as a port.

use std::time::Duration;

use async_trait::async_trait;
use kernel_domain::StoreError;

/// So many requests in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests.
    pub limit: u32,
    /// In any stretch of time as long as this.
    pub window: Duration,
}

/// What a throttle says of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may pass. One that may not does not count.
    pub allowed: bool,
    /// How many more may pass now.
    pub remaining: u32,
    /// When the next one may pass if none may now, else when the oldest one that counts is forgotten.
    pub reset_after: Duration,
}

/// Counts requests, exactly, for all instances that share it.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Throttle: Send + Sync {
    /// Counts one request of `caller` under `scope`, if it may pass.
    async fn hit(&self, scope: &str, caller: &str, rate: Rate) -> Result<Verdict, StoreError>;
}
