//! A driver leaves the source center with a loaded transport.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{CannotStart, Departure, DriverId, TransportId};

use crate::reach::Reach;
use crate::{Shipping, TransportView, WRITE};

/// What to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartTransport {
    /// The transport.
    pub transport_id: TransportId,
    /// Takes over from the planned driver, if given.
    pub driver_id: Option<DriverId>,
}

/// Why it stays where it is.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum StartTransportError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no transport {0}")]
    UnknownTransport(TransportId),
    #[error(transparent)]
    CannotStart(#[from] CannotStart),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Starts a transport; a driver, their own. The other contexts are asked before the unit of work begins; what was
    /// planned when they were asked must still be planned in it.
    pub async fn start_transport(
        &self,
        actor: &Actor,
        command: StartTransport,
    ) -> Result<TransportView, StartTransportError> {
        self.retried(|| self.try_to_start_transport(actor, command)).await
    }

    async fn try_to_start_transport(
        &self,
        actor: &Actor,
        command: StartTransport,
    ) -> Result<TransportView, StartTransportError> {
        let reach = Reach::of(actor, WRITE)?;
        let id = command.transport_id;
        let planned = self.transport_view(id).await?.ok_or(StartTransportError::UnknownTransport(id))?;
        let driver_id = command.driver_id.or(planned.summary.driver_id);
        let driver = match driver_id {
            Some(driver) => self.active_driver(driver).await?,
            None => None,
        };

        let mut work = self.store.begin().await?;
        let transport = work.transports().find(id).await?;
        let mut transport = transport.filter(|it| reach.covers(it)).ok_or(StartTransportError::UnknownTransport(id))?;
        let unchanged = transport.driver_at_departure(command.driver_id) == driver_id
            && *transport.route().source() == planned.summary.source
            && *transport.route().destination() == planned.summary.destination;
        if !unchanged {
            return Err(StoreError::Conflict(format!("transport {id}")).into());
        }
        let mut batches = work.batches().carried_by(id).await?;
        let driver_is_busy = match driver_id {
            Some(driver) => work.transports().is_on_the_road(driver).await?,
            None => false,
        };

        let started = transport.start(Departure {
            centers_exist: planned.source.is_some() && planned.destination.is_some(),
            batches: &mut batches,
            driver_id: command.driver_id,
            started_by: reach.driver(),
            driver_may_drive: driver.is_some(),
            driver_is_busy,
            now: self.clock.now(),
        })?;

        work.transports().save(&transport).await.map_err(|error| match (error, driver_id) {
            (StoreError::Duplicate { .. }, Some(driver)) => CannotStart::DriverBusy(driver).into(),
            (error, _) => StartTransportError::Store(error),
        })?;
        work.batches().save(&batches).await?;
        work.outbox().append(&self.recorded(&[started], actor)).await?;
        work.commit().await?;
        // Told from what is known: a read that failed now would hide that the transport has left.
        Ok(planned.after(&transport, batches.len(), driver.map(|it| it.person)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TransportSummary;
    use crate::testing::{World, a_summary};
    use kernel_application::MAX_RETRIES;
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::Transport;
    use shipping_domain::testing::{a_batch, a_driver, a_transport};

    fn start(transport: &Transport) -> StartTransport {
        StartTransport { transport_id: transport.id(), driver_id: None }
    }

    /// A world in which `transport` carries one batch and its driver is free.
    fn ready_to_leave(transport: &Transport) -> World {
        let mut world = World::finding_transport(transport);
        let (summary, batch) = (a_summary(transport), a_batch().loaded_on(transport).build());
        world.queries.expect_transport().returning(move |_| Ok(Some(summary.clone())));
        world.work.batches.expect_carried_by().returning(move |_| Ok(vec![batch.clone()]));
        world.work.transports.expect_is_on_the_road().returning(|_| Ok(false));
        world
    }

    #[tokio::test]
    async fn a_started_transport_is_kept_with_its_batches_and_announced() {
        let transport = a_transport().driven_by(a_driver()).build();
        let mut world = ready_to_leave(&transport);
        world.work.transports.expect_save().times(1).returning(|_| Ok(()));
        world.work.batches.expect_save().times(1).withf(|saved| saved.len() == 1).returning(|_| Ok(()));
        let (shipping, outcome) = world.commits();

        let started = shipping.start_transport(&anyone(), start(&transport)).await.expect("it starts");

        assert_eq!(started.summary.id, transport.id());
        assert_eq!((started.summary.departed_at.is_some(), started.summary.batch_count), (true, 1));
        assert!(started.source.is_some() && started.driver.is_some());
        assert_eq!(outcome.announced(), ["TransportStarted"]);
        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn a_refused_start_keeps_and_announces_nothing() {
        let transport = a_transport().build();
        let (shipping, outcome) = ready_to_leave(&transport).commits();

        let refusal = shipping.start_transport(&anyone(), start(&transport)).await;

        assert!(matches!(refusal, Err(StartTransportError::CannotStart(CannotStart::NoDriver(_)))));
        assert!(!outcome.committed());
        assert!(outcome.announced().is_empty());
    }

    #[tokio::test]
    async fn a_center_that_is_no_more_holds_the_transport_back() {
        let transport = a_transport().driven_by(a_driver()).build();
        let world = World { known_centers: vec!["ABC001"], ..ready_to_leave(&transport) };
        let (shipping, _) = world.commits();

        let refusal = shipping.start_transport(&anyone(), start(&transport)).await;

        assert!(matches!(refusal, Err(StartTransportError::CannotStart(CannotStart::CentersUnknown(_)))));
    }

    #[tokio::test]
    async fn a_planned_driver_who_was_banned_since_does_not_leave() {
        let transport = a_transport().driven_by(a_driver()).build();
        let world = World { drivers_may_drive: false, ..ready_to_leave(&transport) };
        let (shipping, _) = world.commits();

        let refusal = shipping.start_transport(&anyone(), start(&transport)).await;

        assert!(matches!(refusal, Err(StartTransportError::CannotStart(CannotStart::DriverInvalid(_)))));
    }

    #[tokio::test]
    async fn a_driver_who_leaves_with_another_transport_at_the_same_moment_is_busy() {
        let transport = a_transport().driven_by(a_driver()).build();
        let mut world = ready_to_leave(&transport);
        world.work.transports.expect_save().returning(|_| Err(StoreError::Duplicate { key: "driver_uuid" }));
        let (shipping, outcome) = world.commits();

        let refusal = shipping.start_transport(&anyone(), start(&transport)).await;

        assert!(matches!(refusal, Err(StartTransportError::CannotStart(CannotStart::DriverBusy(_)))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn a_plan_that_changed_after_the_others_were_asked_is_a_lost_race() {
        let transport = a_transport().driven_by(a_driver()).build();
        let mut world = World::finding_transport(&transport);
        let outdated = TransportSummary { driver_id: Some(a_driver()), ..a_summary(&transport) };
        world.queries.expect_transport().returning(move |_| Ok(Some(outdated.clone())));
        world.before = (0..MAX_RETRIES).map(|_| World::finding_transport(&transport).work).collect();
        let (shipping, outcome) = world.commits();

        let refusal = shipping.start_transport(&anyone(), start(&transport)).await;

        assert!(matches!(refusal, Err(StartTransportError::Store(StoreError::Conflict(_)))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn who_may_not_write_starts_nothing() {
        let refusal = World::default().never_begins().start_transport(&nobody(), start(&a_transport().build())).await;

        assert!(matches!(refusal, Err(StartTransportError::Denied(Denied::Forbidden(WRITE)))));
    }
}
