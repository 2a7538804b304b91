//! Staff plan a trip from one center to another.

use std::sync::Arc;

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{CannotPlan, CenterCode, DriverId, Plan, Transport, TransportId};

use crate::{Center, Driver, Shipping, TransportSummary, TransportView, WRITE};

/// What to plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanTransport {
    /// Where it starts.
    pub source: CenterCode,
    /// Where it ends.
    pub destination: CenterCode,
    /// Who is going to drive, if that is settled.
    pub driver_id: Option<DriverId>,
}

/// Why nothing was planned.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum PlanTransportError {
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Everything that is wrong with the plan.
    #[error("the plan cannot be carried out")]
    Faults(Vec<CannotPlan>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Plans a trip. Both centers must exist, and the driver must be an active one.
    pub async fn plan_transport(
        &self,
        actor: &Actor,
        command: PlanTransport,
    ) -> Result<TransportView, PlanTransportError> {
        self.retried(|| self.try_to_plan_transport(actor, command.clone())).await
    }

    async fn try_to_plan_transport(
        &self,
        actor: &Actor,
        command: PlanTransport,
    ) -> Result<TransportView, PlanTransportError> {
        actor.require(WRITE)?;
        let (source, destination) = self.ends(&command.source, &command.destination).await?;
        let driver = self.planned_driver(&command).await?;
        let plan = Plan {
            source: command.source,
            source_exists: source.is_some(),
            destination: command.destination,
            destination_exists: destination.is_some(),
            driver_id: command.driver_id,
            driver_may_drive: driver.is_some(),
        };
        let route = plan.route().map_err(PlanTransportError::Faults)?;

        let id = TransportId::new(self.ids.uuid());
        let transport = Transport::plan(id, route, command.driver_id, self.clock.now());

        let mut work = self.store.begin().await?;
        work.transports().add(&transport).await?;
        let ends = [plan.source.clone(), plan.destination.clone()];
        self.still_open(plan, &ends).await?.map_err(PlanTransportError::Faults)?;
        work.commit().await?;
        let summary = TransportSummary::of(&transport, 0);
        Ok(TransportView { summary, source, destination, driver: driver.map(|it| Arc::new(it.person)) })
    }

    /// The centers at the two ends of a route, as far as they exist.
    pub(crate) async fn ends(
        &self,
        source: &CenterCode,
        destination: &CenterCode,
    ) -> Result<(Option<Arc<Center>>, Option<Arc<Center>>), StoreError> {
        let found = self.centers.find(&[source.clone(), destination.clone()]).await?;
        let known = |code: &CenterCode| found.iter().find(|it| it.code == *code).cloned();
        Ok((known(source), known(destination)))
    }

    /// Judges a plan again, when it is written down and not yet kept: whether these ends of it are still open. It is the one
    /// question to another context after something was written: asked before, a center could close in between.
    pub(crate) async fn still_open(
        &self,
        plan: Plan,
        ends: &[CenterCode],
    ) -> Result<Result<(), Vec<CannotPlan>>, StoreError> {
        if ends.is_empty() {
            return Ok(Ok(()));
        }
        let open = self.centers.open_among(ends).await?;
        let exists = |code| !ends.contains(code) || open.contains(code);
        let (source_exists, destination_exists) = (exists(&plan.source), exists(&plan.destination));
        Ok(Plan { source_exists, destination_exists, ..plan }.route().map(drop))
    }

    async fn planned_driver(&self, command: &PlanTransport) -> Result<Option<Driver>, StoreError> {
        match command.driver_id {
            Some(id) => self.active_driver(id).await,
            None => Ok(None),
        }
    }

    /// The driver, if they may drive.
    pub(crate) async fn active_driver(&self, id: DriverId) -> Result<Option<Driver>, StoreError> {
        let found = self.drivers.find(&[id]).await?;
        Ok(found.into_iter().find(|it| it.id == id && it.may_drive))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::CircularRoute;
    use shipping_domain::testing::{a_driver, center};

    fn from_to(source: &str, destination: &str) -> PlanTransport {
        PlanTransport { source: center(source), destination: center(destination), driver_id: None }
    }

    #[tokio::test]
    async fn a_planned_transport_shows_its_centers_and_its_driver() {
        let mut world = World::default();
        world.work.transports.expect_add().times(1).returning(|_| Ok(()));
        let (shipping, outcome) = world.commits();
        let driver = a_driver();

        let command = PlanTransport { driver_id: Some(driver), ..from_to("ABC001", "ABC002") };
        let planned = shipping.plan_transport(&anyone(), command).await.expect("it is planned");

        assert_eq!(planned.source.map(|it| it.code.clone()), Some(center("ABC001")));
        assert_eq!(planned.destination.map(|it| it.code.clone()), Some(center("ABC002")));
        assert_eq!(planned.driver.map(|it| it.user_id), Some(driver.as_uuid()));
        assert!(outcome.committed());
    }

    async fn faults_of(world: World, command: PlanTransport) -> Vec<CannotPlan> {
        match world.never_begins().plan_transport(&anyone(), command).await {
            Err(PlanTransportError::Faults(faults)) => faults,
            outcome => panic!("{outcome:?}"),
        }
    }

    #[tokio::test]
    async fn a_transport_goes_somewhere_else() {
        let faults = faults_of(World::default(), from_to("ABC001", "ABC001")).await;

        assert_eq!(faults, [CannotPlan::CircularRoute(CircularRoute(center("ABC001")))]);
    }

    #[tokio::test]
    async fn all_that_is_wrong_with_a_plan_is_told_at_once() {
        let world = World { known_centers: vec!["ABC001"], drivers_may_drive: false, ..World::default() };
        let driver = a_driver();

        let faults = faults_of(world, PlanTransport { driver_id: Some(driver), ..from_to("ABC001", "XYZ999") }).await;

        assert_eq!(faults, [CannotPlan::UnknownDestination(center("XYZ999")), CannotPlan::DriverInvalid(driver)]);
    }

    #[tokio::test]
    async fn who_may_not_write_plans_nothing() {
        let refusal = World::default().never_begins().plan_transport(&nobody(), from_to("ABC001", "ABC002")).await;

        assert!(matches!(refusal, Err(PlanTransportError::Denied(Denied::Forbidden(WRITE)))));
    }

    #[tokio::test]
    async fn a_plan_whose_center_closes_meanwhile_is_not_kept() {
        let mut world = World { closing_centers: vec!["ABC002"], ..World::default() };
        world.work.transports.expect_add().times(1).returning(|_| Ok(()));
        let (shipping, outcome) = world.commits();

        let command = PlanTransport { source: center("ABC001"), destination: center("ABC002"), driver_id: None };
        let refusal = shipping.plan_transport(&anyone(), command).await;

        let Err(PlanTransportError::Faults(faults)) = refusal else { panic!("{refusal:?}") };
        assert_eq!(faults, [CannotPlan::UnknownDestination(center("ABC002"))]);
        assert!(!outcome.committed());
    }
}
