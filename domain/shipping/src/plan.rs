//! What somebody wants of a transport, before it is one.

use crate::{CenterCode, CircularRoute, DriverId, Route};

/// Where a transport is to go and who is to drive, with what must be known about the world to judge that. What was agreed
/// before counts as there: it is judged when the transport leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where it starts.
    pub source: CenterCode,
    /// Whether there is such a center.
    pub source_exists: bool,
    /// Where it ends.
    pub destination: CenterCode,
    /// Whether there is such a center.
    pub destination_exists: bool,
    /// Who is going to drive, if that is settled.
    pub driver_id: Option<DriverId>,
    /// Whether they are an active driver, or agreed before.
    pub driver_may_drive: bool,
}

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotPlan {
    /// It leads nowhere.
    #[error(transparent)]
    CircularRoute(#[from] CircularRoute),
    /// There is no center where it starts.
    #[error("there is no center {0} to start from")]
    UnknownSource(CenterCode),
    /// There is no center where it ends.
    #[error("there is no center {0} to go to")]
    UnknownDestination(CenterCode),
    /// Who is to drive is an unknown or inactive user, or not a driver.
    #[error("{0} is not an active driver")]
    DriverInvalid(DriverId),
}

impl Plan {
    /// The route, if nothing is wrong with the plan; else all that is.
    pub fn route(&self) -> Result<Route, Vec<CannotPlan>> {
        let route = Route::between(self.source.clone(), self.destination.clone());
        let circular = route.clone().err().map(CannotPlan::from);
        let unknown_source = (!self.source_exists).then(|| CannotPlan::UnknownSource(self.source.clone()));
        let unknown_destination =
            (!self.destination_exists).then(|| CannotPlan::UnknownDestination(self.destination.clone()));
        let invalid_driver = self.driver_id.filter(|_| !self.driver_may_drive).map(CannotPlan::DriverInvalid);

        let faults = [circular, unknown_source, unknown_destination, invalid_driver];
        let faults: Vec<_> = faults.into_iter().flatten().collect();
        route.ok().filter(|_| faults.is_empty()).ok_or(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{a_driver, center};

    fn a_plan() -> Plan {
        Plan {
            source: center("ABC001"),
            source_exists: true,
            destination: center("ABC002"),
            destination_exists: true,
            driver_id: None,
            driver_may_drive: false,
        }
    }

    #[test]
    fn a_plan_between_two_centers_has_a_route() {
        for plan in [a_plan(), Plan { driver_id: Some(a_driver()), driver_may_drive: true, ..a_plan() }] {
            assert_eq!(plan.route(), Ok(Route::between(center("ABC001"), center("ABC002")).expect("two centers")));
        }
    }

    #[test]
    fn a_plan_needs_both_its_centers() {
        let plan = Plan { source_exists: false, ..a_plan() };
        assert_eq!(plan.route(), Err(vec![CannotPlan::UnknownSource(center("ABC001"))]));

        let plan = Plan { destination_exists: false, ..a_plan() };
        assert_eq!(plan.route(), Err(vec![CannotPlan::UnknownDestination(center("ABC002"))]));
    }

    #[test]
    fn only_an_active_driver_is_planned() {
        let driver = a_driver();
        let plan = Plan { driver_id: Some(driver), driver_may_drive: false, ..a_plan() };

        assert_eq!(plan.route(), Err(vec![CannotPlan::DriverInvalid(driver)]));
    }

    #[test]
    fn all_that_is_wrong_with_a_plan_is_told_at_once() {
        let (nowhere, driver) = (center("XYZ999"), a_driver());
        let plan = Plan {
            source: nowhere.clone(),
            source_exists: false,
            destination: nowhere.clone(),
            destination_exists: false,
            driver_id: Some(driver),
            driver_may_drive: false,
        };

        let faults = [
            CannotPlan::CircularRoute(CircularRoute(nowhere.clone())),
            CannotPlan::UnknownSource(nowhere.clone()),
            CannotPlan::UnknownDestination(nowhere),
            CannotPlan::DriverInvalid(driver),
        ];
        assert_eq!(plan.route(), Err(faults.to_vec()));
    }
}
