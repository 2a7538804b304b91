//! A throttle for all instances: for each caller a log of the requests that passed, kept by Redis.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use bb8_redis::redis::Script;
use kernel_application::{Rate, Throttle, Verdict};
use kernel_domain::StoreError;

use super::RedisCache;

static HIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("throttle.lua")));

/// Counts exactly for all instances, by the clock of the server: what it does runs as one.
pub struct RedisThrottle {
    cache: RedisCache,
}

impl RedisThrottle {
    pub(super) fn new(cache: RedisCache) -> Self {
        Self { cache }
    }

    /// All that is counted of one caller has the same hash tag, so that a cluster keeps it in one place.
    fn key(&self, scope: &str, caller: &str) -> String {
        format!("{}:throttle:{scope}:{{{caller}}}", self.cache.prefix)
    }
}

#[async_trait]
impl Throttle for RedisThrottle {
    async fn hit(&self, scope: &str, caller: &str, rate: Rate) -> Result<Verdict, StoreError> {
        let window = u64::try_from(rate.window.as_micros()).unwrap_or(u64::MAX);
        let mut connection = self.cache.connection().await?;
        let (allowed, remaining, reset_after) = HIT
            .key(self.key(scope, caller))
            .arg(rate.limit)
            .arg(window)
            .invoke_async(&mut connection)
            .await
            .map_err(StoreError::unavailable)?;
        Ok(Verdict { allowed, remaining, reset_after: Duration::from_micros(reset_after) })
    }
}
