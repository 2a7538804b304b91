//! A driver leaves the source center with a loaded transport.

use std::sync::Arc;

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{CannotStart, Departure, DriverId, TransportId};

use crate::reach::Reach;
use crate::{Shipping, TransportSummary, TransportView, WRITE};

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
    /// Starts a transport; a driver, their own. The other contexts are asked before anything is written.
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

        let mut work = self.store.begin().await?;
        let transport = work.transports().find(id).await?;
        let mut transport = transport.filter(|it| reach.covers(it)).ok_or(StartTransportError::UnknownTransport(id))?;
        let mut batches = work.batches().carried_by(id).await?;
        let driver_id = transport.driver_at_departure(command.driver_id);
        let (driver, driver_is_busy) = match driver_id {
            Some(driver) => (self.active_driver(driver).await?, work.transports().is_on_the_road(driver).await?),
            None => (None, false),
        };
        let (source, destination) = self.ends(transport.route().source(), transport.route().destination()).await?;

        let started = transport.start(Departure {
            centers_exist: source.is_some() && destination.is_some(),
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
        let summary = TransportSummary::of(&transport, batches.len());
        Ok(TransportView { summary, source, destination, driver: driver.map(|it| Arc::new(it.person)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::Transport;
    use shipping_domain::testing::{a_batch, a_driver, a_transport};

    fn start(transport: &Transport) -> StartTransport {
        StartTransport { transport_id: transport.id(), driver_id: None }
    }

    /// A world in which `transport` carries one batch and its driver is free.
    fn ready_to_leave(transport: &Transport) -> World {
        let mut world = World::finding_transport(transport);
        let batch = a_batch().loaded_on(transport).build();
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
    async fn what_cannot_be_shown_is_not_kept() {
        let transport = a_transport().driven_by(a_driver()).build();
        let (shipping, outcome) = World { others_answer: false, ..ready_to_leave(&transport) }.commits();

        let refusal = shipping.start_transport(&anyone(), start(&transport)).await;

        assert!(matches!(refusal, Err(StartTransportError::Store(StoreError::Unavailable(_)))));
        assert!(!outcome.committed(), "who asks again finds it where it was");
    }

    #[tokio::test]
    async fn who_may_not_write_starts_nothing() {
        let refusal = World::default().never_begins().start_transport(&nobody(), start(&a_transport().build())).await;

        assert!(matches!(refusal, Err(StartTransportError::Denied(Denied::Forbidden(WRITE)))));
    }
}
