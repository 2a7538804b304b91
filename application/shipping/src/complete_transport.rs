//! A transport reaches its destination with everything on board.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{CannotComplete, TransportId};

use crate::reach::Reach;
use crate::{Shipping, TransportView, WRITE};

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
    /// destination. The other contexts are asked before the unit of work begins; who drove and where when they were asked
    /// must still do so in it.
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
        let known = self.transport_view(id).await?.ok_or(CompleteTransportError::UnknownTransport(id))?;

        let mut work = self.store.begin().await?;
        let transport = work.transports().find(id).await?;
        let mut transport =
            transport.filter(|it| reach.covers(it)).ok_or(CompleteTransportError::UnknownTransport(id))?;
        let unchanged = transport.driver_id() == known.summary.driver_id
            && *transport.route().source() == known.summary.source
            && *transport.route().destination() == known.summary.destination;
        if !unchanged {
            return Err(StoreError::Conflict(format!("transport {id}")).into());
        }
        let mut cargo = work.transports().cargo(id).await?;

        let completed = transport.complete(&mut cargo, self.clock.now())?;

        work.transports().save(&transport).await?;
        work.batches().save(&cargo.batches).await?;
        work.items().save(&cargo.items).await?;
        work.outbox().append(&self.recorded(&[completed], actor)).await?;
        work.commit().await?;
        // Told from what is known: a read that failed now would hide that the transport has arrived.
        let driver = known.driver.clone();
        Ok(known.after(&transport, cargo.batches.len(), driver))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, a_summary};
    use crate::{MockShippingQueries, TransportSummary};
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
        let summary = a_summary(transport);
        world.queries.expect_transport().returning(move |_| Ok(Some(summary.clone())));
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
        assert_eq!(outcome.announced(), ["TransportComplete"]);
        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn who_took_the_wheel_after_the_others_were_asked_is_told_as_the_driver() {
        let transport = a_transport().departed().build();
        let mut world = on_board(&transport);
        world.work.transports.expect_save().times(1).returning(|_| Ok(()));
        world.work.batches.expect_save().returning(|_| Ok(()));
        world.work.items.expect_save().returning(|_| Ok(()));
        world.before.push(World::finding_transport(&transport).work);
        let (current, mut is_first) = (a_summary(&transport), true);
        world.queries = MockShippingQueries::new();
        world.queries.expect_transport().times(2).returning(move |_| {
            let planned = TransportSummary { driver_id: None, ..current.clone() };
            Ok(Some(if std::mem::take(&mut is_first) { planned } else { current.clone() }))
        });
        let (shipping, outcome) = world.commits();

        let arrived = shipping.complete_transport(&anyone(), complete(&transport)).await.expect("it arrives");

        assert_eq!(arrived.driver.map(|it| it.user_id), transport.driver_id().map(DriverId::as_uuid));
        assert!(outcome.committed());
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
