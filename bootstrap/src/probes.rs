//! Whether backends work, each asked in its own way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cache_adapter::RedisCache;
use eventbridge_adapter::EventBus;
use http_adapter::Probe;
use kernel_domain::BoxError;
use persistence_adapter::Database;
use remote_adapter::Peer;
use storage_adapter::{Bucket, Files};

/// Without a database of our schema nothing can be served.
pub(crate) struct DatabaseProbe {
    database: Database,
    /// A schema that was up to date once stays so: releases only add to it.
    is_migrated: AtomicBool,
}

impl DatabaseProbe {
    pub(crate) fn of(database: Database) -> Self {
        Self { database, is_migrated: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Probe for DatabaseProbe {
    async fn check(&self) -> Result<(), BoxError> {
        self.database.ping().await?;
        if self.is_migrated.load(Ordering::Relaxed) {
            return Ok(());
        }
        let pending = self.database.pending_migrations().await?;
        if !pending.is_empty() {
            return Err(format!("its schema lacks {}", pending.join(", ")).into());
        }
        self.is_migrated.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// While the replica is away, lists come from the database itself.
pub(crate) struct ReplicaProbe(pub(crate) Database);

#[async_trait]
impl Probe for ReplicaProbe {
    async fn check(&self) -> Result<(), BoxError> {
        Ok(self.0.ping_replica().await?)
    }

    fn is_needed(&self) -> bool {
        false
    }
}

/// Redis is missed, and not needed: every instance counts for itself while it is gone.
pub(crate) struct RedisProbe(pub(crate) RedisCache);

#[async_trait]
impl Probe for RedisProbe {
    async fn check(&self) -> Result<(), BoxError> {
        Ok(self.0.ping().await?)
    }

    fn is_needed(&self) -> bool {
        false
    }
}

/// Without a place for pictures nobody gets a new one; all else works.
pub(crate) struct FilesProbe(pub(crate) Arc<Files>);

#[async_trait]
impl Probe for FilesProbe {
    async fn check(&self) -> Result<(), BoxError> {
        Ok(self.0.check().await?)
    }

    fn is_needed(&self) -> bool {
        false
    }
}

pub(crate) struct BucketProbe(pub(crate) Arc<Bucket>);

#[async_trait]
impl Probe for BucketProbe {
    async fn check(&self) -> Result<(), BoxError> {
        Ok(self.0.check().await?)
    }

    fn is_needed(&self) -> bool {
        false
    }
}

/// Events wait in the outbox while the bus is gone.
pub(crate) struct BusProbe(pub(crate) Arc<EventBus>);

#[async_trait]
impl Probe for BusProbe {
    async fn check(&self) -> Result<(), BoxError> {
        Ok(self.0.check().await?)
    }

    fn is_needed(&self) -> bool {
        false
    }
}

/// Without another context nothing is served that asks it; all else works.
pub(crate) struct PeerProbe {
    pub(crate) peer: Arc<Peer>,
    pub(crate) context: &'static str,
}

#[async_trait]
impl Probe for PeerProbe {
    async fn check(&self) -> Result<(), BoxError> {
        if self.peer.serves(self.context).await? {
            return Ok(());
        }
        Err(format!("it does not serve {}", self.context).into())
    }

    fn is_needed(&self) -> bool {
        false
    }
}
