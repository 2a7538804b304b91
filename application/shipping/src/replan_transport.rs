//! Staff change the plan of a trip before it begins.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{CannotPlan, CannotReplan, CenterCode, DriverId, Plan, TransportId};

use crate::{Shipping, TransportSummary, TransportView, WRITE};

/// What to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplanTransport {
    /// The transport.
    pub transport_id: TransportId,
    /// Where it starts from now on, if that changes.
    pub source: Option<CenterCode>,
    /// Where it ends from now on, if that changes.
    pub destination: Option<CenterCode>,
    /// Who is going to drive from now on.
    pub driver: NewDriver,
}

/// What becomes of the planned driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewDriver {
    /// They stay.
    Same,
    /// That is open again.
    Nobody,
    /// It is this one.
    Somebody(DriverId),
}

/// Why the plan stays.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum ReplanTransportError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no transport {0}")]
    UnknownTransport(TransportId),
    #[error(transparent)]
    CannotReplan(#[from] CannotReplan),
    /// Everything that is wrong with the new plan.
    #[error("the plan cannot be carried out")]
    Faults(Vec<CannotPlan>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Plans a transport anew. The other contexts are asked before anything is written, and right after that whether its
    /// new ends are still open.
    pub async fn replan_transport(
        &self,
        actor: &Actor,
        command: ReplanTransport,
    ) -> Result<TransportView, ReplanTransportError> {
        self.retried(|| self.try_to_replan_transport(actor, command.clone())).await
    }

    async fn try_to_replan_transport(
        &self,
        actor: &Actor,
        command: ReplanTransport,
    ) -> Result<TransportView, ReplanTransportError> {
        actor.require(WRITE)?;
        let id = command.transport_id;

        let mut work = self.store.begin().await?;
        let mut transport = work.transports().find(id).await?.ok_or(ReplanTransportError::UnknownTransport(id))?;
        transport.accepts_changes()?;
        let batches = work.batches().carried_by(id).await?;
        let planned = TransportSummary::of(&transport, batches.len());
        let driver_id = command.driver.instead_of(planned.driver_id);
        let source = command.source.clone().unwrap_or_else(|| planned.source.clone());
        let destination = command.destination.clone().unwrap_or_else(|| planned.destination.clone());
        let wanted = TransportSummary { source, destination, driver_id, ..planned };
        let view = self.with_centers_and_driver(wanted).await?;
        let driver_may_drive = match command.driver {
            NewDriver::Somebody(driver) => self.active_driver(driver).await?.is_some(),
            NewDriver::Same | NewDriver::Nobody => true,
        };
        let plan = Plan {
            source: view.summary.source.clone(),
            source_exists: command.source.is_none() || view.source.is_some(),
            destination: view.summary.destination.clone(),
            destination_exists: command.destination.is_none() || view.destination.is_some(),
            driver_id,
            driver_may_drive,
        };
        let route = plan.route().map_err(ReplanTransportError::Faults)?;
        let before = transport.clone();

        transport.replan(route, driver_id)?;

        if transport != before {
            work.transports().save(&transport).await?;
            let ends: Vec<_> = command.source.into_iter().chain(command.destination).collect();
            self.still_open(plan, &ends).await?.map_err(ReplanTransportError::Faults)?;
        }
        work.commit().await?;
        Ok(view)
    }
}

impl NewDriver {
    fn instead_of(self, planned: Option<DriverId>) -> Option<DriverId> {
        match self {
            Self::Same => planned,
            Self::Nobody => None,
            Self::Somebody(driver) => Some(driver),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::testing::{a_batch, a_driver, a_transport, center};
    use shipping_domain::{CircularRoute, Transport};

    fn planned(transport: &Transport) -> World {
        let mut world = World::finding_transport(transport);
        let batch = a_batch().loaded_on(transport).build();
        world.work.batches.expect_carried_by().returning(move |_| Ok(vec![batch.clone()]));
        World { known_centers: vec!["ABC001", "ABC002", "ABC003"], ..world }
    }

    fn replan(transport: &Transport) -> ReplanTransport {
        let id = transport.id();
        ReplanTransport { transport_id: id, source: None, destination: None, driver: NewDriver::Same }
    }

    #[tokio::test]
    async fn a_new_plan_is_kept_and_shown() {
        let (transport, driver) = (a_transport().driven_by(a_driver()).build(), a_driver());
        let mut world = planned(&transport);
        let keeps = move |it: &Transport| {
            *it.route().destination() == center("ABC003")
                && *it.route().source() == center("ABC001")
                && it.driver_id() == Some(driver)
        };
        world.work.transports.expect_save().times(1).withf(keeps).returning(|_| Ok(()));
        let (shipping, outcome) = world.commits();

        let destination = Some(center("ABC003"));
        let command = ReplanTransport { destination, driver: NewDriver::Somebody(driver), ..replan(&transport) };
        let view = shipping.replan_transport(&anyone(), command).await.expect("it is planned anew");

        assert_eq!(view.destination.map(|it| it.code.clone()), Some(center("ABC003")));
        assert_eq!(view.driver.map(|it| it.user_id), Some(driver.as_uuid()));
        assert_eq!(view.summary.batch_count, 1, "what is on it stays on it");
        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn the_driver_can_be_taken_off() {
        let transport = a_transport().driven_by(a_driver()).build();
        let mut world = planned(&transport);
        world.work.transports.expect_save().times(1).withf(|it| it.driver_id().is_none()).returning(|_| Ok(()));
        let (shipping, _) = world.commits();

        let command = ReplanTransport { driver: NewDriver::Nobody, ..replan(&transport) };
        let view = shipping.replan_transport(&anyone(), command).await.expect("it is planned anew");

        assert!(view.driver.is_none());
    }

    #[tokio::test]
    async fn all_that_is_wrong_with_the_new_plan_is_told_at_once() {
        let (transport, nobody) = (a_transport().build(), a_driver());
        let world = World { drivers_may_drive: false, ..planned(&transport) };
        let (shipping, outcome) = world.commits();

        let command = ReplanTransport {
            source: Some(center("XYZ999")),
            destination: Some(center("XYZ999")),
            driver: NewDriver::Somebody(nobody),
            ..replan(&transport)
        };
        let refusal = shipping.replan_transport(&anyone(), command).await;

        let Err(ReplanTransportError::Faults(faults)) = refusal else { panic!("{refusal:?}") };
        assert_eq!(
            faults,
            [
                CannotPlan::CircularRoute(CircularRoute(center("XYZ999"))),
                CannotPlan::UnknownSource(center("XYZ999")),
                CannotPlan::UnknownDestination(center("XYZ999")),
                CannotPlan::DriverInvalid(nobody),
            ]
        );
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn a_destination_alone_is_compared_with_the_planned_source() {
        let transport = a_transport().build();
        let (shipping, _) = planned(&transport).commits();

        let command = ReplanTransport { destination: Some(center("ABC001")), ..replan(&transport) };
        let refusal = shipping.replan_transport(&anyone(), command).await;

        assert!(
            matches!(refusal, Err(ReplanTransportError::Faults(it)) if matches!(it[..], [CannotPlan::CircularRoute(_)]))
        );
    }

    #[tokio::test]
    async fn a_transport_that_left_says_so_before_its_new_plan_is_judged() {
        let transport = a_transport().departed().build();
        let (shipping, outcome) = planned(&transport).commits();

        let command = ReplanTransport { source: Some(center("XYZ999")), ..replan(&transport) };
        let refusal = shipping.replan_transport(&anyone(), command).await;

        assert!(matches!(refusal, Err(ReplanTransportError::CannotReplan(CannotReplan::AlreadyDeparted(_)))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn what_cannot_be_shown_is_not_kept() {
        let transport = a_transport().build();
        let (shipping, outcome) = World { others_answer: false, ..planned(&transport) }.commits();

        let command = ReplanTransport { destination: Some(center("ABC003")), ..replan(&transport) };
        let refusal = shipping.replan_transport(&anyone(), command).await;

        assert!(matches!(refusal, Err(ReplanTransportError::Store(StoreError::Unavailable(_)))));
        assert!(!outcome.committed(), "who asks again finds the plan as it was");
    }

    #[tokio::test]
    async fn who_may_not_write_plans_nothing_anew() {
        let command = replan(&a_transport().build());
        let refusal = World::default().never_begins().replan_transport(&nobody(), command).await;

        assert!(matches!(refusal, Err(ReplanTransportError::Denied(Denied::Forbidden(WRITE)))));
    }
}
