//! Looking transports up: one or a page.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kernel_application::{Actor, Denied, Direction, Page, PageRequest};
use kernel_domain::StoreError;
use shipping_domain::TransportId;

use crate::reach::Reach;
use crate::{READ, Shipping, TransportFilter, TransportOrder, TransportSummary, TransportView};

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum FindTransportError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no transport {0}")]
    UnknownTransport(TransportId),
    #[error("the list has no such page")]
    PastTheEnd,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// The transport with this id; for a driver, if it is theirs.
    pub async fn transport(&self, actor: &Actor, id: TransportId) -> Result<TransportView, FindTransportError> {
        let reach = Reach::of(actor, READ)?;
        let found = self.queries.transport(id).await?.filter(|it| reach.shows(it));
        let found = found.ok_or(FindTransportError::UnknownTransport(id))?;
        Ok(self.with_centers_and_driver(found).await?)
    }

    /// A page of transports; for a driver, of theirs, whatever they ask for.
    pub async fn transports(
        &self,
        actor: &Actor,
        filter: &TransportFilter,
        order: &[(TransportOrder, Direction)],
        page: PageRequest,
    ) -> Result<Page<TransportView>, FindTransportError> {
        let filter = Reach::of(actor, READ)?.narrow(filter);
        let found = self.queries.transports(&filter, order, page).await?.ok_or(FindTransportError::PastTheEnd)?;
        let (summaries, page) = found.taken();
        Ok(page.with(self.with_centers_and_drivers(summaries).await?))
    }

    /// Adds to the transport its centers and its driver.
    pub(crate) async fn with_centers_and_driver(
        &self,
        transport: TransportSummary,
    ) -> Result<TransportView, StoreError> {
        let id = transport.id;
        let view = self.with_centers_and_drivers(vec![transport]).await?.pop();
        view.ok_or_else(|| StoreError::corrupt("transport", format!("transport {id} got lost")))
    }

    /// Adds to each transport its centers and its driver: one question to each of the other
    /// contexts, however many transports there are.
    pub(crate) async fn with_centers_and_drivers(
        &self,
        transports: Vec<TransportSummary>,
    ) -> Result<Vec<TransportView>, StoreError> {
        if transports.is_empty() {
            return Ok(Vec::new());
        }
        let codes: BTreeSet<_> = transports.iter().flat_map(|it| [&it.source, &it.destination]).cloned().collect();
        let codes: Vec<_> = codes.into_iter().collect();
        let centers: HashMap<_, _> =
            self.centers.find(&codes).await?.into_iter().map(|it| (it.code.clone(), it)).collect();
        let drivers: BTreeSet<_> = transports.iter().filter_map(|it| it.driver_id).collect();
        let drivers: Vec<_> = drivers.into_iter().collect();
        let drivers: HashMap<_, _> = match &drivers[..] {
            [] => HashMap::new(),
            some => self.drivers.find(some).await?.into_iter().map(|it| (it.id, Arc::new(it.person))).collect(),
        };

        let view = |summary: TransportSummary| TransportView {
            source: centers.get(&summary.source).cloned(),
            destination: centers.get(&summary.destination).cloned(),
            driver: summary.driver_id.and_then(|it| drivers.get(&it).cloned()),
            summary,
        };
        Ok(transports.into_iter().map(view).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, a_summary};
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::testing::{a_driver, a_transport, center};

    #[tokio::test]
    async fn a_page_of_transports_asks_each_other_context_once() {
        let summaries: Vec<_> = (0..10).map(|_| a_summary(&a_transport().driven_by(a_driver()).build())).collect();
        let mut world = World { directory_calls: Some(1), ..World::default() };
        world
            .queries
            .expect_transports()
            .times(1)
            .returning(move |_, _, page| Ok(Some(Page::numbered(summaries.clone(), 1, 10, page.size()))));

        let page = world
            .never_begins()
            .transports(&anyone(), &TransportFilter::default(), &[], PageRequest::default())
            .await
            .expect("a page");

        assert_eq!(page.entries.len(), 10);
        assert!(page.entries.iter().all(|it| it.driver.is_some() && it.source.is_some()));
    }

    #[tokio::test]
    async fn a_center_or_driver_that_is_no_more_is_left_out() {
        let summary = a_summary(&a_transport().build());
        let mut world = World { known_centers: vec!["ABC002"], ..World::default() };
        world.queries.expect_transport().returning(move |_| Ok(Some(summary.clone())));

        let view = world.never_begins().transport(&anyone(), TransportId::new(uuid::Uuid::nil())).await.expect("it");

        assert_eq!(view.source, None);
        assert_eq!(view.destination.map(|it| it.code.clone()), Some(center("ABC002")));
        assert_eq!(view.driver, None);
    }

    #[tokio::test]
    async fn who_may_not_read_sees_nothing() {
        let id = TransportId::new(uuid::Uuid::nil());
        let refusal = World::default().never_begins().transport(&nobody(), id).await;

        assert!(matches!(refusal, Err(FindTransportError::Denied(Denied::Forbidden(READ)))));
    }
}
