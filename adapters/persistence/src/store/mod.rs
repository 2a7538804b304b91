//! The stores, for the backend whose module includes this one.

mod access;
mod auth;
mod columns;
mod distribution;
mod held;
mod idempotency;
mod lengths;
mod migrations;
mod outbox;
mod page;
mod pool;
mod record;
mod replica;
mod shipping;
mod transaction;
mod unit;
mod user;

use std::sync::Arc;

use async_trait::async_trait;
use diesel_async::pooled_connection::{PoolableConnection, RecyclingMethod};
use kernel_application::{Deliveries, ScopedWork, Sealing, TransactionScope};
use kernel_domain::{BoxError, StoreError};

use super::{Backend, Connection, MIGRATIONS, SHARED, begin, establish, incoming, migrate, on_conflict};
use crate::counts::Counts;
use crate::error::store_error;
use crate::sabotage::{self, Sabotage};
use crate::statements::Statements;
use crate::{Backlog, PoolUse, Settings};
use access::Access;
use held::Held;
use migrations::pending;
use outbox::{Outlet, Queue};
pub(crate) use pool::{Pool, PoolSettings};
pub(crate) use replica::Replica;
use unit::Unit;

/// Every store of this backend. Queries go to `readers`, units of work to `writers`; within a transaction that is held, both
/// go there. Lists go to the replica, if there is one.
pub(crate) struct Stores {
    url: String,
    readers: Pool,
    writers: Pool,
    replica: Option<Replica>,
    statements: Statements,
    counts: Counts,
    outlet: Outlet,
    sealing: Arc<dyn Sealing>,
}

impl Stores {
    pub(crate) fn new(
        url: String,
        readers: Pool,
        writers: &Pool,
        replica: Option<Replica>,
        statements: Statements,
        settings: &Settings,
        sealing: Arc<dyn Sealing>,
    ) -> Self {
        let outlet = Outlet::new(settings, sealing.clone());
        let counts = Counts::new(settings.long_lists_from);
        let writers = writers.for_units_of_work();
        Self { url, readers, writers, replica, statements, counts, outlet, sealing }
    }

    /// A connection for reading.
    async fn reader(&self) -> Result<Access, StoreError> {
        if let Some(held) = Held::current(&self.writers)
            && let Some(hold) = held.for_reading().await
        {
            return Ok(Access::Held(hold));
        }
        self.readers.lease().await.map(Access::Own)
    }

    /// A connection for reading a list, which decides nothing: it may be a little out of date.
    async fn lister(&self) -> Result<Access, StoreError> {
        if let Some(replica) = &self.replica
            && let Some(access) = replica.lease().await
        {
            return Ok(access);
        }
        self.reader().await
    }

    /// A connection for one statement that changes something.
    async fn writer(&self) -> Result<Access, StoreError> {
        match Held::current(&self.writers) {
            Some(held) => held.for_change().await.map(Access::Held),
            None => self.writers.lease().await.map(Access::Own),
        }
    }

    async fn begin_unit(&self) -> Result<Unit, StoreError> {
        let access = match Held::current(&self.writers) {
            Some(held) if !sabotage::is_on(Sabotage::RetryWithoutKey) || !held.has_claimed() => {
                Access::Held(held.for_unit().await?)
            }
            _ => Access::Own(self.writers.lease().await?),
        };
        Unit::begin(access, self.outlet.clone()).await
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
        let (bell, sealing) = (self.outlet.bell(subscriber), self.sealing.clone());
        Arc::new(Queue { readers, writers, subscriber: subscriber.to_owned(), sealing, bell })
    }

    async fn ping_replica(&self) -> Result<(), StoreError> {
        let Some(replica) = &self.replica else { return Ok(()) };
        let mut lease = replica.pool().lease().await?;
        lease.connection().ping(&RecyclingMethod::Verified).await.map_err(store_error)
    }

    async fn pending(&self) -> Result<Vec<String>, StoreError> {
        let mut lease = self.readers.lease().await?;
        pending(lease.connection()).await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        let mut lease = self.readers.lease().await?;
        outbox::backlog(lease.connection(), self.outlet.names()).await
    }

    fn pools(&self) -> Vec<PoolUse> {
        let mut pools = vec![self.readers.uses("primary")];
        if !self.writers.is(&self.readers) {
            pools.push(self.writers.uses("writer"));
        }
        pools.extend(self.replica.as_ref().map(|it| it.pool().uses("replica")));
        pools
    }

    fn statements(&self) -> u64 {
        self.statements.count()
    }
}

#[async_trait]
impl TransactionScope for Stores {
    async fn enclose(&self, work: ScopedWork<'_>) -> Result<(), StoreError> {
        if let Some(held) = Held::current(&self.writers) {
            return held.in_part(work).await;
        }
        let held = Held::by_scope(self.writers.clone());
        let is_kept = held.during(work).await;
        held.close(is_kept).await
    }
}

/// Says of which kind a row is that cannot be read.
fn corrupt<E: Into<BoxError>>(what: &'static str) -> impl Fn(E) -> StoreError {
    move |error| StoreError::corrupt(what, error)
}
