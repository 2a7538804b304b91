//! A transport: one trip of one truck between two distribution centers.

use chrono::{DateTime, Utc};

use crate::{
    Alias, Batch, BatchState, CannotDelete, Changed, DriverId, Item, Named, Refused, Route, ShippingEvent, TransportId,
};

/// One trip of one truck between two distribution centers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    id: TransportId,
    route: Route,
    state: TransportState,
    created_at: DateTime<Utc>,
}

/// Where a transport is on its way, and who drives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportState {
    /// At its source center.
    Planned {
        /// Who is going to drive, if that is settled.
        driver_id: Option<DriverId>,
    },
    /// On the road.
    InTransit {
        /// Who drives.
        driver_id: DriverId,
        /// When it left.
        departed_at: DateTime<Utc>,
    },
    /// At its destination.
    Arrived {
        /// Who drove.
        driver_id: DriverId,
        /// When it left.
        departed_at: DateTime<Utc>,
        /// When it arrived.
        arrived_at: DateTime<Utc>,
    },
}

/// Why a batch may not go on a transport.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotLoad {
    /// The transport has arrived.
    #[error("transport {0} is already completed")]
    TransportCompleted(TransportId),
    /// The transport is on the road.
    #[error("transport {0} has already departed")]
    TransportDeparted(TransportId),
    /// The batch has arrived somewhere.
    #[error("batch {0} is already completed")]
    BatchCompleted(Alias),
    /// Another transport holds the batch.
    #[error("batch {0} is on another transport")]
    BatchAssigned(Alias),
    /// There is no batch by this name.
    #[error("there is no batch {0}")]
    UnknownBatch(String),
}

/// Why the plan of a transport may not change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotReplan {
    /// It has arrived.
    #[error("transport {0} is already completed")]
    AlreadyCompleted(TransportId),
    /// It is on the road.
    #[error("transport {0} has already departed")]
    AlreadyDeparted(TransportId),
}

/// Why a transport may not leave. When several rules forbid it, the first in this order answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotStart {
    /// It has arrived.
    #[error("transport {0} is already completed")]
    AlreadyCompleted(TransportId),
    /// It is on the road.
    #[error("transport {0} has already departed")]
    AlreadyDeparted(TransportId),
    /// One of its centers is no more.
    #[error("the centers of transport {0} are not configured")]
    CentersUnknown(TransportId),
    /// It carries nothing.
    #[error("transport {0} has no batch")]
    NoBatch(TransportId),
    /// Nobody is at the wheel.
    #[error("transport {0} has no driver")]
    NoDriver(TransportId),
    /// Who is at the wheel is an unknown or inactive user, or not a driver, or not the driver who starts it themselves.
    #[error("{0} is not an active driver")]
    DriverInvalid(DriverId),
    /// The driver is on the road with another transport.
    #[error("driver {0} is on the road with another transport")]
    DriverBusy(DriverId),
}

/// Why a transport may not be completed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotComplete {
    /// It has arrived before.
    #[error("transport {0} is already completed")]
    AlreadyCompleted(TransportId),
    /// It has not left yet.
    #[error("transport {0} has not departed yet")]
    NotDeparted(TransportId),
}

/// What must be known about the world when a transport leaves.
pub struct Departure<'a> {
    /// Whether both centers of the route exist.
    pub centers_exist: bool,
    /// Every batch that the transport carries.
    pub batches: &'a mut [Batch],
    /// Takes over from the planned driver, if given.
    pub driver_id: Option<DriverId>,
    /// The driver who starts it themselves, if it is one: they drive, and nobody else.
    pub started_by: Option<DriverId>,
    /// Whether whoever drives is an active driver.
    pub driver_may_drive: bool,
    /// Whether whoever drives is on the road with another transport.
    pub driver_is_busy: bool,
    /// When it leaves.
    pub now: DateTime<Utc>,
}

/// Everything that one transport carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cargo {
    /// Its batches.
    pub batches: Vec<Batch>,
    /// The items that sit in them.
    pub items: Vec<Item>,
}

impl Transport {
    /// Plans a trip.
    pub fn plan(id: TransportId, route: Route, driver_id: Option<DriverId>, now: DateTime<Utc>) -> Self {
        Self { id, route, state: TransportState::Planned { driver_id }, created_at: now }
    }

    /// Whether its plan can still change.
    pub fn accepts_changes(&self) -> Result<(), CannotReplan> {
        match self.state {
            TransportState::Planned { .. } => Ok(()),
            TransportState::InTransit { .. } => Err(CannotReplan::AlreadyDeparted(self.id)),
            TransportState::Arrived { .. } => Err(CannotReplan::AlreadyCompleted(self.id)),
        }
    }

    /// Takes another route, or another driver, before it leaves.
    pub fn replan(&mut self, route: Route, driver_id: Option<DriverId>) -> Result<(), CannotReplan> {
        self.accepts_changes()?;

        self.route = route;
        self.state = TransportState::Planned { driver_id };
        Ok(())
    }

    /// Whether it can be deleted: not with something on it, nor once it has left. `batches` are all that it carries.
    pub fn can_be_deleted(&self, batches: &[Batch]) -> Result<(), CannotDelete> {
        match self.state {
            TransportState::Planned { .. } if batches.is_empty() => Ok(()),
            TransportState::Planned { .. } => Err(CannotDelete::TransportLoaded(self.id)),
            TransportState::InTransit { .. } | TransportState::Arrived { .. } => {
                Err(CannotDelete::TransportDeparted(self.id))
            }
        }
    }

    /// Whether it is this driver's: they see it, start it and complete it.
    pub fn is_assigned_to(&self, driver: DriverId) -> bool {
        self.driver_id() == Some(driver)
    }

    /// Whether batches can still go on.
    pub fn accepts_batches(&self) -> Result<(), CannotLoad> {
        match self.state {
            TransportState::Planned { .. } => Ok(()),
            TransportState::InTransit { .. } => Err(CannotLoad::TransportDeparted(self.id)),
            TransportState::Arrived { .. } => Err(CannotLoad::TransportCompleted(self.id)),
        }
    }

    /// Takes `batch` on. A batch that is on it already stays as it is, and nothing is announced.
    pub fn load(&self, batch: &mut Batch) -> Result<Option<ShippingEvent>, CannotLoad> {
        self.accepts_batches()?;
        match batch.state() {
            BatchState::Open => {}
            BatchState::Completed { .. } => return Err(CannotLoad::BatchCompleted(batch.alias().clone())),
            BatchState::Loaded { transport_id } if transport_id == self.id => return Ok(None),
            BatchState::Loaded { .. } | BatchState::Departed { .. } => {
                return Err(CannotLoad::BatchAssigned(batch.alias().clone()));
            }
        }

        batch.enter(BatchState::Loaded { transport_id: self.id });
        Ok(Some(ShippingEvent::BatchAddedToTransport {
            batch_id: batch.id(),
            transport_id: self.id,
            alias: batch.alias().clone(),
        }))
    }

    /// Takes all the named batches on, or none of them.
    pub fn load_all(&self, batches: Named<Batch>) -> Result<Changed<Batch>, Vec<Refused<CannotLoad>>> {
        batches.change_each(CannotLoad::UnknownBatch, |it| self.load(it))
    }

    /// Who would drive if `replacement` took over: the planned driver if there is no replacement.
    pub fn driver_at_departure(&self, replacement: Option<DriverId>) -> Option<DriverId> {
        replacement.or(self.driver_id())
    }

    /// Leaves the source center with everything on board.
    pub fn start(&mut self, departure: Departure<'_>) -> Result<ShippingEvent, CannotStart> {
        match self.state {
            TransportState::Planned { .. } => {}
            TransportState::InTransit { .. } => return Err(CannotStart::AlreadyDeparted(self.id)),
            TransportState::Arrived { .. } => return Err(CannotStart::AlreadyCompleted(self.id)),
        }
        if !departure.centers_exist {
            return Err(CannotStart::CentersUnknown(self.id));
        }
        if departure.batches.is_empty() {
            return Err(CannotStart::NoBatch(self.id));
        }
        let driver_id = self.driver_at_departure(departure.driver_id).ok_or(CannotStart::NoDriver(self.id))?;
        let hands_over = departure.started_by.is_some_and(|it| it != driver_id);
        if hands_over || !departure.driver_may_drive {
            return Err(CannotStart::DriverInvalid(driver_id));
        }
        if departure.driver_is_busy {
            return Err(CannotStart::DriverBusy(driver_id));
        }

        self.state = TransportState::InTransit { driver_id, departed_at: departure.now };
        for batch in departure.batches {
            batch.enter(BatchState::Departed { transport_id: self.id });
        }
        Ok(ShippingEvent::TransportStarted { transport_id: self.id })
    }

    /// Reaches the destination: its batches are completed, and the moving items on board are there.
    pub fn complete(&mut self, cargo: &mut Cargo, now: DateTime<Utc>) -> Result<ShippingEvent, CannotComplete> {
        let (driver_id, departed_at) = match self.state {
            TransportState::Planned { .. } => return Err(CannotComplete::NotDeparted(self.id)),
            TransportState::InTransit { driver_id, departed_at } => (driver_id, departed_at),
            TransportState::Arrived { .. } => return Err(CannotComplete::AlreadyCompleted(self.id)),
        };

        // A clock that was set back must not make a truck arrive before it left.
        let arrived_at = now.max(departed_at);
        self.state = TransportState::Arrived { driver_id, departed_at, arrived_at };
        for batch in &mut cargo.batches {
            batch.enter(BatchState::Completed { transport_id: self.id, at: arrived_at });
        }
        for item in &mut cargo.items {
            item.arrive_at(self.route.destination());
        }
        Ok(ShippingEvent::TransportCompleted { transport_id: self.id })
    }

    /// Its identifier.
    pub fn id(&self) -> TransportId {
        self.id
    }

    /// Where it goes.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// Where it is on its way.
    pub fn state(&self) -> TransportState {
        self.state
    }

    /// Who drives, drove or is going to.
    pub fn driver_id(&self) -> Option<DriverId> {
        match self.state {
            TransportState::Planned { driver_id } => driver_id,
            TransportState::InTransit { driver_id, .. } | TransportState::Arrived { driver_id, .. } => Some(driver_id),
        }
    }

    /// When it was planned.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }
}

/// Everything a store must keep to bring a transport back, unjudged: rules guard transitions, never history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Transport`")]
pub struct TransportSnapshot {
    pub id: TransportId,
    pub route: Route,
    pub state: TransportState,
    pub created_at: DateTime<Utc>,
}

impl Transport {
    /// What a store keeps.
    pub fn snapshot(&self) -> TransportSnapshot {
        let Self { id, route, state, created_at } = self.clone();
        TransportSnapshot { id, route, state, created_at }
    }
}

impl From<TransportSnapshot> for Transport {
    fn from(TransportSnapshot { id, route, state, created_at }: TransportSnapshot) -> Self {
        Self { id, route, state, created_at }
    }
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
