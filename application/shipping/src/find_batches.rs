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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, a_batch_summary, a_summary};
    use kernel_application::testing::anyone;
    use shipping_domain::DriverId;
    use shipping_domain::testing::{a_batch, a_driver, a_transport, center};

    const CENTERS: [&str; 6] = ["ABC001", "ABC002", "ABC003", "ABC004", "ABC005", "ABC006"];

    /// Batches that share nothing: each has a transport, two centers and a driver of its own.
    fn strangers() -> Vec<BatchSummary> {
        let stranger = |ends: &[&str]| {
            let transport = TransportSummary {
                source: center(ends[0]),
                destination: center(ends[1]),
                ..a_summary(&a_transport().driven_by(a_driver()).build())
            };
            let batch = a_batch().build();
            BatchSummary { id: batch.id(), transport: Some(transport), ..a_batch_summary(batch.alias()) }
        };
        CENTERS.chunks(2).map(stranger).collect()
    }

    /// A world in which these batches are found, and each other context answers once.
    fn finding_at_once(batches: &[BatchSummary]) -> World {
        let mut world = World { known_centers: CENTERS.to_vec(), directory_calls: Some(1), ..World::default() };
        let page = Page::numbered(batches.to_vec(), 1, 3, PageRequest::default().size());
        world.queries.expect_batches().times(1).returning(move |_, _, _| Ok(Some(page.clone())));
        world
    }

    /// Each batch is shown with its own transport, and that with its own centers and driver.
    fn assert_in_full(found: &[BatchView], batches: &[BatchSummary]) {
        assert_eq!(found.iter().map(|it| &it.summary).collect::<Vec<_>>(), batches.iter().collect::<Vec<_>>());
        for batch in found {
            let transport = batch.transport.as_ref().expect("a transport");
            let summary = &transport.summary;
            assert_eq!(Some(summary), batch.summary.transport.as_ref());
            assert_eq!(transport.source.as_ref().map(|it| &it.code), Some(&summary.source));
            assert_eq!(transport.destination.as_ref().map(|it| &it.code), Some(&summary.destination));
            let driver = transport.driver.as_ref().map(|it| it.user_id);
            assert_eq!(driver, summary.driver_id.map(DriverId::as_uuid));
        }
    }

    #[tokio::test]
    async fn a_page_of_batches_asks_each_other_context_once() {
        let batches = strangers();
        let shipping = finding_at_once(&batches).never_begins();

        let page =
            shipping.batches(&anyone(), &BatchFilter::default(), &[], PageRequest::default()).await.expect("a page");

        assert_in_full(&page.entries, &batches);
    }

    #[tokio::test]
    async fn the_batches_of_a_transport_ask_each_other_context_once() {
        let (batches, transport) = (strangers(), a_summary(&a_transport().build()));
        let mut world = finding_at_once(&batches);
        let (id, known) = (transport.id, transport);
        world.queries.expect_transport().times(1).returning(move |_| Ok(Some(known.clone())));

        let page = world
            .never_begins()
            .batches_of_transport(&anyone(), id, BatchFilter::default(), &[], PageRequest::default())
            .await
            .expect("a page");

        assert_in_full(&page.entries, &batches);
    }
}
