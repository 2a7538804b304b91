//! A transport reaches its destination with everything on board.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{CannotComplete, TransportId};

use crate::reach::Reach;
use crate::{Shipping, TransportSummary, TransportView, WRITE};

/// What to complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompleteTransport {
    /// The transport.
    pub transport_id: TransportId,
}

/// Why it is not completed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum CompleteTransportError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no transport {0}")]
    UnknownTransport(TransportId),
    #[error(transparent)]
    CannotComplete(#[from] CannotComplete),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Completes a transport, a driver their own, its batches with it, and brings the moving items on board to the
    /// destination. The other contexts are asked what there is to show before anything is written: if they do not answer,
    /// it has not arrived.
    pub async fn complete_transport(
        &self,
        actor: &Actor,
        command: CompleteTransport,
    ) -> Result<TransportView, CompleteTransportError> {
        self.retried(|| self.try_to_complete_transport(actor, command)).await
    }

    async fn try_to_complete_transport(
        &self,
        actor: &Actor,
        command: CompleteTransport,
    ) -> Result<TransportView, CompleteTransportError> {
        let reach = Reach::of(actor, WRITE)?;
        let id = command.transport_id;

        let mut work = self.store.begin().await?;
        let transport = work.transports().find(id).await?;
        let mut transport =
            transport.filter(|it| reach.covers(it)).ok_or(CompleteTransportError::UnknownTransport(id))?;
        let mut cargo = work.transports().cargo(id).await?;

        let completed = transport.complete(&mut cargo, self.clock.now())?;

        let arrived = TransportSummary::of(&transport, cargo.batches.len());
        let arrived = self.with_centers_and_driver(arrived).await?;
        work.transports().save(&transport).await?;
        work.batches().save(&cargo.batches).await?;
        work.items().save(&cargo.items).await?;
        work.outbox().append(&self.recorded(&[completed], actor)).await?;
        work.commit().await?;
        Ok(arrived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::testing::{a_batch, a_transport, an_item};
    use shipping_domain::{Cargo, DriverId, Transport};

    fn complete(transport: &Transport) -> CompleteTransport {
        CompleteTransport { transport_id: transport.id() }
    }

    fn on_board(transport: &Transport) -> World {
        let mut world = World::finding_transport(transport);
        let batch = a_batch().departed_with(transport).build();
        let item = an_item().in_batch(&batch).build();
        let cargo = Cargo { batches: vec![batch], items: vec![item] };
        world.work.transports.expect_cargo().returning(move |_| Ok(cargo.clone()));
        world
    }

    #[tokio::test]
    async fn everything_on_board_arrives_in_one_unit_of_work() {
        let transport = a_transport().departed().build();
        let destination = transport.route().destination().clone();
        let mut world = on_board(&transport);
        world.work.transports.expect_save().times(1).returning(|_| Ok(()));
        world.work.batches.expect_save().times(1).withf(|saved| saved.len() == 1).returning(|_| Ok(()));
        world
            .work
            .items
            .expect_save()
            .times(1)
            .withf(move |saved| saved.iter().all(|it| it.current_center() == Some(&destination)))
            .returning(|_| Ok(()));
        let (shipping, outcome) = world.commits();

        let arrived = shipping.complete_transport(&anyone(), complete(&transport)).await.expect("it arrives");

        assert!(arrived.summary.completed && arrived.summary.arrived_at.is_some());
        assert_eq!(arrived.destination.map(|it| it.code.clone()).as_ref(), Some(transport.route().destination()));
        assert_eq!(arrived.driver.map(|it| it.user_id), transport.driver_id().map(DriverId::as_uuid));
        assert_eq!(outcome.announced(), ["TransportComplete"]);
        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn what_cannot_be_shown_is_not_kept() {
        let transport = a_transport().departed().build();
        let (shipping, outcome) = World { others_answer: false, ..on_board(&transport) }.commits();

        let refusal = shipping.complete_transport(&anyone(), complete(&transport)).await;

        assert!(matches!(refusal, Err(CompleteTransportError::Store(StoreError::Unavailable(_)))));
        assert!(!outcome.committed(), "who asks again finds it on the road");
    }

    #[tokio::test]
    async fn a_transport_that_never_left_does_not_arrive() {
        let transport = a_transport().build();
        let (shipping, outcome) = on_board(&transport).commits();

        let refusal = shipping.complete_transport(&anyone(), complete(&transport)).await;

        assert!(matches!(
            refusal,
            Err(CompleteTransportError::CannotComplete(CannotComplete::NotDeparted(it))) if it == transport.id()
        ));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn who_may_not_write_completes_nothing() {
        let command = complete(&a_transport().build());
        let refusal = World::default().never_begins().complete_transport(&nobody(), command).await;

        assert!(matches!(refusal, Err(CompleteTransportError::Denied(Denied::Forbidden(WRITE)))));
    }
}
