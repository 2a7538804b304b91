//! A Redis server or cluster that all instances share, behind a pool that never makes anybody wait for long.

mod cluster;
mod connection;
mod throttle;
mod views;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bb8_redis::bb8::{ErrorSink, Pool, RunError};
use bb8_redis::redis::{RedisError, cmd};
use kernel_domain::StoreError;

use self::connection::{Connection, Connector};
pub use self::throttle::RedisThrottle;
pub(crate) use self::views::RedisViews;
use crate::RedisUrl;

/// How much of Redis to use, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// Connections at most. Each carries the questions of many at once.
    pub pool_size: u32,
    /// How long to wait for a connection that is being made, or is asked whether it is still there.
    pub patience: Duration,
    /// How long making a connection may take; it goes on when the patience of who asked for it is over.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub response_timeout: Duration,
}

impl RedisSettings {
    /// How long an answer may take unless somebody says otherwise: a server in the same region answers in a millisecond,
    /// and who waits longer had better go without.
    pub const USUAL_TIMEOUT: Duration = Duration::from_millis(50);

    /// For a server that answers within this time, and takes twice as long to check a connection and ten times as long to
    /// make one.
    pub fn answering_within(response_timeout: Duration) -> Self {
        let (patience, connect_timeout) = (response_timeout * 2, response_timeout * 10);
        Self { pool_size: 4, patience, connect_timeout, response_timeout }
    }
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self::answering_within(Self::USUAL_TIMEOUT)
    }
}

/// A pool of connections to a Redis server or cluster, and what is kept there.
#[derive(Clone)]
pub struct RedisCache {
    connections: Pool<Connector>,
    prefix: Arc<str>,
    last_fault: LastFault,
}

impl RedisCache {
    /// Uses what is at `url`, inside a runtime, for keys that start with `prefix`. Connections are made when
    /// they are needed: a server that is down now may be up then.
    pub fn connect(url: &RedisUrl, prefix: &str, settings: &RedisSettings) -> Self {
        let last_fault = LastFault::default();
        let connections = Pool::builder()
            .max_size(settings.pool_size.max(1))
            .connection_timeout(settings.patience)
            .retry_connection(false)
            .error_sink(last_fault.boxed_clone())
            .build_unchecked(Connector::new(url.0.clone(), settings));
        Self { connections, prefix: prefix.into(), last_fault }
    }

    /// Whether the server answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        cmd("PING").exec_async(&mut connection).await.map_err(StoreError::unavailable)
    }

    /// Counts requests there.
    pub fn throttle(&self) -> RedisThrottle {
        RedisThrottle::new(self.clone())
    }

    /// A connection that others use at the same time: the pool has it back before the first question is asked, so
    /// nobody stands in line for it.
    async fn connection(&self) -> Result<Connection, StoreError> {
        let shared = self.connections.get().await.map(|pooled| pooled.clone());
        // Once there is a connection again, older faults explain nothing any more.
        let fault = self.last_fault.take();
        shared.map_err(|error| match (error, fault) {
            (RunError::User(error), _) | (RunError::TimedOut, Some(error)) => StoreError::unavailable(error),
            (RunError::TimedOut, None) => StoreError::unavailable("no connection could be made in time"),
        })
    }
}

/// Why no connection could be made: the pool itself tells who waits for one only that there is none.
#[derive(Debug, Clone, Default)]
struct LastFault(Arc<Mutex<Option<RedisError>>>);

impl LastFault {
    fn take(&self) -> Option<RedisError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ErrorSink<RedisError> for LastFault {
    fn sink(&self, error: RedisError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<RedisError>> {
        Box::new(self.clone())
    }
}
