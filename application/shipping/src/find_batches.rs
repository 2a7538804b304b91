//! Looking batches up: one, a page, or those of a transport.

use kernel_application::{Actor, Denied, Direction, Page, PageRequest};
use kernel_domain::StoreError;
use shipping_domain::{Alias, TransportId};

use crate::reach::Reach;
use crate::{BatchFilter, BatchOrder, BatchSummary, BatchView, READ, Shipping, TransportSummary};

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum FindBatchError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no batch {0}")]
    UnknownBatch(Alias),
    #[error("there is no transport {0}")]
    UnknownTransport(TransportId),
    #[error("the list has no such page")]
    PastTheEnd,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// The batch with this alias.
    pub async fn batch(&self, actor: &Actor, alias: &Alias) -> Result<BatchView, FindBatchError> {
        actor.require(READ)?;
        let batch = self.queries.batch(alias).await?;
        let batch = batch.ok_or_else(|| FindBatchError::UnknownBatch(alias.clone()))?;
        self.with_transports(vec![batch]).await?.pop().ok_or_else(|| FindBatchError::UnknownBatch(alias.clone()))
    }

    /// A page of batches.
    pub async fn batches(
        &self,
        actor: &Actor,
        filter: &BatchFilter,
        order: &[(BatchOrder, Direction)],
        page: PageRequest,
    ) -> Result<Page<BatchView>, FindBatchError> {
        actor.require(READ)?;
        self.page_of_batches(filter, order, page).await
    }

    async fn page_of_batches(
        &self,
        filter: &BatchFilter,
        order: &[(BatchOrder, Direction)],
        page: PageRequest,
    ) -> Result<Page<BatchView>, FindBatchError> {
        let found = self.queries.batches(filter, order, page).await?.ok_or(FindBatchError::PastTheEnd)?;
        let (summaries, page) = found.taken();
        Ok(page.with(self.with_transports(summaries).await?))
    }

    /// A page of the batches that are or were on a transport; for a driver, on one of theirs.
    pub async fn batches_of_transport(
        &self,
        actor: &Actor,
        transport: TransportId,
        filter: BatchFilter,
        order: &[(BatchOrder, Direction)],
        page: PageRequest,
    ) -> Result<Page<BatchView>, FindBatchError> {
        let reach = Reach::of(actor, READ)?;
        let known = self.queries.transport(transport).await?.is_some_and(|it| reach.shows(&it));
        if !known {
            return Err(FindBatchError::UnknownTransport(transport));
        }
        self.page_of_batches(&BatchFilter { transport: Some(transport), ..filter }, order, page).await
    }

    /// Adds to each batch its transport in full, for all of them at once.
    pub(crate) async fn with_transports(&self, batches: Vec<BatchSummary>) -> Result<Vec<BatchView>, StoreError> {
        let transports: Vec<TransportSummary> = batches.iter().filter_map(|it| it.transport.clone()).collect();
        let mut transports = self.with_centers_and_drivers(transports).await?.into_iter();
        let view = |summary: BatchSummary| {
            let transport = summary.transport.as_ref().and_then(|_| transports.next());
            BatchView { summary, transport }
        };
        Ok(batches.into_iter().map(view).collect())
    }
}
