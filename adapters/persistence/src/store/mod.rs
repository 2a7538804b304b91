//! The stores, for the backend whose module includes this one.

mod auth;
mod distribution;
mod outbox;
mod page;
mod pool;
mod record;
mod shipping;
mod transaction;
mod unit;
mod user;

use std::sync::Arc;

use async_trait::async_trait;
use diesel_async::pooled_connection::{PoolableConnection, RecyclingMethod};
use kernel_application::Deliveries;
use kernel_domain::{BoxError, StoreError};

use super::{Backend, Connection, begin, establish, incoming, migrate, on_conflict};
use crate::error::store_error;
use crate::statements::Statements;
use outbox::Queue;
use pool::Lease;
pub(crate) use pool::{Pool, PoolSettings};
use unit::Unit;

/// Every store of this backend. Queries go to `readers`, units of work to `writers`.
pub(crate) struct Stores {
    url: String,
    readers: Pool,
    writers: Pool,
    statements: Statements,
    subscribers: Arc<[String]>,
}

impl Stores {
    pub(crate) fn new(
        url: String,
        readers: Pool,
        writers: Pool,
        statements: Statements,
        subscribers: &[String],
    ) -> Self {
        Self { url, readers, writers, statements, subscribers: subscribers.into() }
    }

    async fn reader(&self) -> Result<Lease, StoreError> {
        self.readers.lease().await
    }

    async fn begin_unit(&self) -> Result<Unit, StoreError> {
        Unit::begin(self.writers.lease().await?, self.subscribers.clone()).await
    }
}

#[async_trait]
impl crate::database::Backend for Stores {
    async fn migrate(&self) -> Result<(), StoreError> {
        migrate(&self.url).await.map_err(StoreError::unavailable)
    }

    #[cfg(feature = "testing")]
    async fn revert(&self) -> Result<(), StoreError> {
        super::revert(&self.url).await.map_err(StoreError::unavailable)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let mut lease = self.reader().await?;
        lease.connection().ping(&RecyclingMethod::Verified).await.map_err(store_error)
    }

    fn deliveries(&self, subscriber: &str) -> Arc<dyn Deliveries> {
        let (readers, writers) = (self.readers.clone(), self.writers.clone());
        Arc::new(Queue { readers, writers, subscriber: subscriber.to_owned() })
    }

    fn statements(&self) -> u64 {
        self.statements.count()
    }
}

/// Says of which kind a row is that cannot be read.
fn corrupt<E: Into<BoxError>>(what: &'static str) -> impl Fn(E) -> StoreError {
    move |error| StoreError::corrupt(what, error)
}
