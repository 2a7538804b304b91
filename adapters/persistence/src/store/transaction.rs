//! A transaction that ends well: committed on purpose, or rolled back when it is dropped.

use diesel_async::{AsyncConnection, TransactionManager};
use kernel_domain::StoreError;
use tokio::runtime::Handle;

use super::Connection;
use super::access::Access;
use super::outbox::Bells;
use super::pool::Lease;
use crate::error::store_error;
use crate::sabotage::{self, Sabotage};

type Manager = <Connection as AsyncConnection>::TransactionManager;

/// A transaction of its own, or a part of the one that is held.
pub(super) struct Transaction {
    /// `None` from the moment it starts to commit.
    open: Option<Access>,
}

impl Transaction {
    pub(super) async fn begin(mut access: Access) -> Result<Self, StoreError> {
        match &mut access {
            Access::Own(lease) => lease.begin().await?,
            Access::Held(hold) => hold.begin().await?,
        }
        Ok(Self { open: Some(access) })
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.in_time().map(Access::connection)
    }

    fn in_time(&mut self) -> Result<&mut Access, StoreError> {
        let access = self.open.as_mut().ok_or_else(ended)?;
        access.lease().in_time()?;
        Ok(access)
    }

    /// Ends it half-way and begins another, if this is done wrong.
    pub(super) async fn split_by(&mut self, sabotage: Sabotage) -> Result<(), StoreError> {
        if let Some(Access::Own(lease)) = &mut self.open
            && sabotage::is_on(sabotage)
        {
            Manager::commit_transaction(lease.connection()).await.map_err(store_error)?;
            sabotage::dawdle(sabotage).await;
            lease.begin().await?;
        }
        Ok(())
    }

    /// Keeps what was done, and rings the bells as soon as others can see it.
    pub(super) async fn commit(mut self, bells: Bells) -> Result<(), StoreError> {
        self.in_time()?;
        match self.open.take() {
            Some(Access::Own(lease)) => {
                commit(lease).await?;
                bells.ring();
                Ok(())
            }
            Some(Access::Held(hold)) => hold.commit(bells).await,
            None => Err(ended()),
        }
    }
}

fn ended() -> StoreError {
    StoreError::unavailable("the unit of work has ended")
}

async fn commit(mut lease: Lease) -> Result<(), StoreError> {
    let kept = Manager::commit_transaction(lease.connection()).await;
    if kept.is_err() {
        // Nobody knows now whether the transaction is still open.
        lease.discard();
    }
    kept.map_err(store_error)
}

async fn roll_back(mut lease: Lease) {
    if let Err(error) = Manager::rollback_transaction(lease.connection()).await {
        tracing::warn!(%error, "a transaction could not be rolled back: its connection is closed instead");
        lease.discard();
    }
}

/// A use case that refuses drops its unit of work. Without this, the pool would find the transaction
/// still open and throw the connection away: a reconnect for each refusal.
impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut access) = self.open.take() else { return };
        if let Access::Held(hold) = &mut access {
            hold.abandon();
        }
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            match access {
                Access::Own(lease) => roll_back(lease).await,
                Access::Held(hold) => hold.roll_back().await,
            }
        });
    }
}
