//! Waiting, as a port: applications know no runtime.

use std::time::Duration;

use async_trait::async_trait;

/// Lets time pass, without keeping a thread.
#[async_trait]
pub trait Pauses: Send + Sync {
    /// Comes back after this time.
    async fn pause(&self, time: Duration);
}
