//! Whose transports somebody deals with: all there are, or the ones they drive.

use kernel_application::{Actor, Denied, Operation};
use shipping_domain::{DriverId, Transport};

use crate::{DRIVE, TransportFilter, TransportSummary};

/// Whose transports somebody deals with. What is out of reach does not exist for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everybody's.
    Everything,
    /// Those assigned to this driver.
    Own(DriverId),
}

impl Reach {
    /// How far somebody reaches who asks for `operation`: everywhere with the right to it, else to what they drive.
    pub(crate) fn of(actor: &Actor, operation: Operation) -> Result<Self, Denied> {
        if actor.may(operation)? {
            return Ok(Self::Everything);
        }
        match actor.user_id() {
            Some(driver) if actor.may(DRIVE)? => Ok(Self::Own(DriverId::new(driver))),
            Some(_) | None => Err(Denied::Forbidden(operation)),
        }
    }

    /// The driver who asks, if they ask as one.
    pub(crate) fn driver(self) -> Option<DriverId> {
        match self {
            Self::Everything => None,
            Self::Own(driver) => Some(driver),
        }
    }

    /// Whether this transport is within reach.
    pub(crate) fn covers(self, transport: &Transport) -> bool {
        self.driver().is_none_or(|it| transport.is_assigned_to(it))
    }

    /// Whether the transport that the read side tells of is within reach.
    pub(crate) fn shows(self, transport: &TransportSummary) -> bool {
        self.driver().is_none_or(|it| transport.driver_id == Some(it))
    }

    /// The filter, for no more than what is within reach.
    pub(crate) fn narrow(self, filter: &TransportFilter) -> TransportFilter {
        TransportFilter { seen_by: self.driver(), ..filter.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::READ;
    use kernel_application::testing::{an_actor_who, anyone, nobody};
    use shipping_domain::testing::{a_driver, a_transport};

    #[test]
    fn a_driver_reaches_their_own_transports_and_no_others() {
        let actor = an_actor_who(|it| it == DRIVE);
        let own = DriverId::new(actor.user_id().expect("a user"));

        let reach = Reach::of(&actor, READ).expect("they reach something");

        assert!(reach.covers(&a_transport().driven_by(own).build()));
        for transport in [a_transport().driven_by(a_driver()).build(), a_transport().build()] {
            assert!(!reach.covers(&transport));
            assert!(Reach::Everything.covers(&transport));
        }
        assert_eq!(reach.narrow(&TransportFilter::default()).seen_by, Some(own));
    }

    #[test]
    fn the_right_itself_reaches_everything_and_none_nothing() {
        assert_eq!(Reach::of(&anyone(), READ).ok(), Some(Reach::Everything));
        assert!(matches!(Reach::of(&nobody(), READ), Err(Denied::Forbidden(READ))));
    }
}
