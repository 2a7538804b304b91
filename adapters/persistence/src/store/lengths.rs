//! How long lists are, counted for a request, or beside it.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use kernel_application::PageRequest;
use kernel_domain::StoreError;

use super::access::Access;
use super::pool::Pool;
use super::replica::Replica;
use super::{Connection, Stores};
use crate::counts::{Counts, Length, counted};

/// Counts the rows of a list that a filter leaves.
pub(super) type Count<F> = for<'c> fn(&'c mut Connection, &'c F) -> BoxFuture<'c, Result<i64, StoreError>>;

/// How long lists are that come from one place.
pub(super) struct Lengths {
    counts: Counts,
    readers: Pool,
    replica: Option<Replica>,
}

impl Stores {
    /// Of lists that come from the replica, if there is one.
    pub(super) fn lengths(&self) -> Lengths {
        Lengths { counts: self.counts.clone(), readers: self.readers.clone(), replica: self.replica.clone() }
    }

    /// Of lists that come from where things are decided.
    pub(super) fn lengths_of_primary(&self) -> Lengths {
        Lengths { replica: None, ..self.lengths() }
    }
}

impl Lengths {
    /// How many rows `list` has beyond `filter`, for who reads this page of it: known, or to be counted by the
    /// statement that reads the page.
    pub(super) async fn of<F>(
        self,
        list: &'static str,
        connection: &mut Connection,
        filter: &F,
        count: Count<F>,
        page: PageRequest,
    ) -> Result<Length, StoreError>
    where
        F: Debug + Clone + Send + Sync + 'static,
    {
        let Self { counts, readers, replica } = self;
        let anew = || {
            let filter = filter.clone();
            async move {
                let mut access = lease(&readers, replica.as_ref()).await?;
                counted(count(access.connection(), &filter).await?)
            }
        };
        match counts.of(list, filter, anew).await {
            Length::Unknown(counting) if counting.comes_first(page.skipped()) => {
                let rows = counted(count(connection, filter).await?)?;
                counting.ended(rows);
                Ok(Length::Known(rows))
            }
            length => Ok(length),
        }
    }
}

async fn lease(readers: &Pool, replica: Option<&Replica>) -> Result<Access, StoreError> {
    if let Some(replica) = replica
        && let Some(access) = replica.lease().await
    {
        return Ok(access);
    }
    readers.lease().await.map(Access::Own)
}
