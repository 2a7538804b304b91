//! The rules of shipping, as clients know them: a code each, and a sentence for people.
//!
//! No wildcard arms: a new refusal does not compile until somebody picks its code.

use shipping_application::{LoadFault, PackFault, PlanFault};
use shipping_domain::{Alias, CenterCode, Sku};
use shipping_domain::{
    CannotComplete, CannotLoad, CannotPack, CannotStart, CircularRoute, InvalidAlias, InvalidCenterCode, InvalidSku,
};

use crate::fault::Fault;

fn unknown_item(tracking_number: &str) -> Fault {
    Fault::new("ShippingBatchItemNotExist", format!("There is no item {tracking_number}."))
}

fn unknown_batch(alias: &str) -> Fault {
    Fault::new("ShippingBatchNotExist", format!("There is no batch {alias}."))
}

fn unknown_center(code: &CenterCode) -> Fault {
    Fault::new("DistributionCenterNotExist", format!("There is no center {code}."))
}

fn driver_invalid() -> Fault {
    Fault::new("ShippingTransportDriverInvalid", "This user is not an active driver.").of("driver_uuid")
}

fn transport_completed() -> Fault {
    Fault::new("ShippingTransportAlreadyCompleted", "The transport is completed already.")
}

fn transport_departed() -> Fault {
    Fault::new("ShippingTransportAlreadyDeparted", "The transport has departed already.")
}

/// What is wrong with a plan, in the field that says so.
pub(super) fn plan_fault(fault: PlanFault, source: &'static str, destination: &'static str) -> Fault {
    match fault {
        PlanFault::CircularRoute(circular) => circular.into(),
        PlanFault::UnknownSource(code) => unknown_center(&code).of(source),
        PlanFault::UnknownDestination(code) => unknown_center(&code).of(destination),
        PlanFault::DriverInvalid(_) => driver_invalid(),
    }
}

impl From<CircularRoute> for Fault {
    fn from(CircularRoute(code): CircularRoute) -> Self {
        Self::new("ShippingTransportSameCenter", format!("A transport cannot both start and end at {code}."))
    }
}

impl From<CannotLoad> for Fault {
    fn from(refusal: CannotLoad) -> Self {
        match refusal {
            CannotLoad::TransportCompleted(_) => transport_completed(),
            CannotLoad::TransportDeparted(_) => transport_departed(),
            CannotLoad::BatchCompleted(alias) => {
                Self::new("ShippingBatchAlreadyCompleted", format!("Batch {alias} is completed already."))
            }
            CannotLoad::BatchAssigned(alias) => {
                Self::new("ShippingBatchAlreadyAssigned", format!("Batch {alias} is on another transport."))
            }
        }
    }
}

impl From<LoadFault> for Fault {
    fn from(fault: LoadFault) -> Self {
        match fault {
            LoadFault::UnknownBatch(alias) => unknown_batch(&alias),
            LoadFault::CannotLoad(refusal) => refusal.into(),
        }
    }
}

impl From<CannotStart> for Fault {
    fn from(refusal: CannotStart) -> Self {
        match refusal {
            CannotStart::AlreadyCompleted(_) => transport_completed(),
            CannotStart::AlreadyDeparted(_) => transport_departed(),
            CannotStart::CentersUnknown(_) => Self::new(
                "ShippingTransportDistributionNotConfigured",
                "A distribution center of the transport does not exist.",
            ),
            CannotStart::NoBatch(_) => Self::new("ShippingTransportNoBatch", "The transport carries no batch."),
            CannotStart::NoDriver(_) => {
                Self::new("ShippingTransportDriverNotConfigured", "The transport has no driver.")
            }
            CannotStart::DriverInvalid(_) => driver_invalid(),
            CannotStart::DriverBusy(_) => {
                Self::new("ShippingTransportDriverBusy", "The driver is on the road with another transport.")
            }
        }
    }
}

impl From<CannotComplete> for Fault {
    fn from(refusal: CannotComplete) -> Self {
        match refusal {
            CannotComplete::AlreadyCompleted(_) => transport_completed(),
            CannotComplete::NotDeparted(_) => {
                Self::new("ShippingTransportNotDeparted", "The transport has not departed yet.")
            }
        }
    }
}

impl From<CannotPack> for Fault {
    fn from(refusal: CannotPack) -> Self {
        match refusal {
            CannotPack::BatchCompleted(_) => Self::new("ShippingBatchCompleted", "The batch is completed."),
            CannotPack::BatchDeparted(_) => Self::new("ShippingBatchDeparted", "The batch has departed."),
            CannotPack::InvalidStatus { tracking_number, status } => Self::new(
                "ShippingBatchItemAddInvalidStatus",
                format!("Item {tracking_number} is {status} and cannot be added to a batch."),
            ),
            CannotPack::NotAvailable(tracking_number) => {
                Self::new("ShippingBatchItemNotAvailable", format!("Item {tracking_number} is in another open batch."))
            }
        }
    }
}

impl From<PackFault> for Fault {
    fn from(fault: PackFault) -> Self {
        match fault {
            PackFault::UnknownItem(tracking_number) => unknown_item(&tracking_number),
            PackFault::CannotPack(refusal) => refusal.into(),
        }
    }
}

impl From<InvalidAlias> for Fault {
    fn from(invalid: InvalidAlias) -> Self {
        match invalid {
            InvalidAlias::Blank => Self::blank(),
            InvalidAlias::TooLong => Self::too_long(Alias::MAX_CHARS),
            InvalidAlias::Characters => Self::invalid("Only letters, digits, dashes and underscores."),
        }
    }
}

impl From<InvalidSku> for Fault {
    fn from(invalid: InvalidSku) -> Self {
        match invalid {
            InvalidSku::TooLong => Self::too_long(Sku::MAX_CHARS),
            InvalidSku::Characters => Self::control_characters(),
        }
    }
}

impl From<InvalidCenterCode> for Fault {
    fn from(invalid: InvalidCenterCode) -> Self {
        match invalid {
            InvalidCenterCode::Blank => Self::blank(),
            InvalidCenterCode::TooLong => Self::too_long(CenterCode::MAX_CHARS),
            InvalidCenterCode::Characters => Self::control_characters(),
        }
    }
}
