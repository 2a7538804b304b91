//! A copy of the database that is a little behind: for lists, which are dear and are out of date as soon as they are read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::access::Access;
use super::pool::Pool;

/// How long a replica that gave no connection is left alone.
const REST: Duration = Duration::from_secs(1);

/// Connections to a replica, as long as it gives any.
#[derive(Clone)]
pub(crate) struct Replica {
    pool: Pool,
    left_alone_until: Arc<Mutex<Option<Instant>>>,
}

impl Replica {
    pub(crate) fn of(pool: Pool) -> Self {
        Self { pool, left_alone_until: Arc::default() }
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// A connection, or none: then the primary answers.
    pub(super) async fn lease(&self) -> Option<Access> {
        if self.left_alone_until().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match self.pool.lease().await {
            Ok(lease) => Some(Access::Own(lease)),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the replica is away: lists come from the primary"
                );
                *self.left_alone_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
                None
            }
        }
    }

    fn left_alone_until(&self) -> Option<Instant> {
        *self.left_alone_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
