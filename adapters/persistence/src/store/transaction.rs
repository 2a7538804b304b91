//! A transaction that ends well: committed on purpose, or rolled back when it is dropped.

use diesel_async::{AsyncConnection, TransactionManager};
use kernel_domain::StoreError;
use tokio::runtime::Handle;

use super::pool::Lease;
use super::{Connection, begin};
use crate::error::store_error;

type Manager = <Connection as AsyncConnection>::TransactionManager;

pub(super) struct Transaction {
    /// `None` from the moment it starts to commit.
    open: Option<Lease>,
}

impl Transaction {
    pub(super) async fn begin(mut lease: Lease) -> Result<Self, StoreError> {
        begin(lease.connection()).await.map_err(store_error)?;
        Ok(Self { open: Some(lease) })
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.open.as_mut().map(Lease::connection).ok_or_else(|| StoreError::unavailable("the unit of work has ended"))
    }

    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        let Some(mut lease) = self.open.take() else { return Ok(()) };
        let kept = Manager::commit_transaction(lease.connection()).await;
        if kept.is_err() {
            // Nobody knows now whether the transaction is still open.
            lease.discard();
        }
        kept.map_err(store_error)
    }
}

/// A use case that refuses drops its unit of work. Without this, the pool would find the transaction
/// still open and throw the connection away: a reconnect for each refusal.
impl Drop for Transaction {
    fn drop(&mut self) {
        let (Some(mut lease), Ok(runtime)) = (self.open.take(), Handle::try_current()) else { return };
        runtime.spawn(async move {
            if let Err(error) = Manager::rollback_transaction(lease.connection()).await {
                tracing::warn!(%error, "a transaction could not be rolled back: its connection is closed instead");
                lease.discard();
            }
        });
    }
}
