//! The rules of shipping, as clients know them: a code each, and a sentence for people.
//!
//! No wildcard arms: a new refusal does not compile until somebody picks its code.

use shipping_domain::{Alias, CenterCode, Sku};
use shipping_domain::{
    CannotChangeBatch, CannotChangeStatus, CannotComplete, CannotDelete, CannotLoad, CannotPack, CannotPlan,
    CannotReplan, CannotStart, CannotUnpack, CircularRoute, InvalidAlias, InvalidCenterCode, InvalidSku, Refused,
};

use crate::body::Bulk;
use crate::fault::{Fault, shown};
use crate::messages::Message;
use crate::problem::Problem;

fn unknown_item(tracking_number: &str) -> Fault {
    Fault::new("ShippingBatchItemNotExist", Message::UnknownItem { tracking_number: shown(tracking_number) })
}

fn unknown_batch(alias: &str) -> Fault {
    Fault::new("ShippingBatchNotExist", Message::UnknownBatch { alias: shown(alias) })
}

fn unknown_center(code: &CenterCode) -> Fault {
    Fault::new("DistributionCenterNotExist", Message::UnknownCenter { code: code.to_string() })
}

fn driver_invalid() -> Fault {
    Fault::new("ShippingTransportDriverInvalid", Message::DriverInvalid).of("driver_uuid")
}

fn transport_completed() -> Fault {
    Fault::new("ShippingTransportAlreadyCompleted", Message::TransportCompleted)
}

fn transport_departed() -> Fault {
    Fault::new("ShippingTransportAlreadyDeparted", Message::TransportDeparted)
}

fn batch_completed() -> Fault {
    Fault::new("ShippingBatchCompleted", Message::BatchCompleted)
}

fn batch_departed() -> Fault {
    Fault::new("ShippingBatchDeparted", Message::BatchDeparted)
}

/// Why not all of the named can be changed, each by what names it in this member of its entry.
pub(super) fn all_refused<T, E: Into<Fault>>(refused: Vec<Refused<E>>, body: &Bulk<T>, member: &str) -> Problem {
    let told = |it: Refused<E>| it.reason.into().of(body.path(it.index, member));
    Problem::invalid(refused.into_iter().map(told).collect())
}

/// What is wrong with a plan, in the field that says so.
pub(super) fn plan_fault(fault: CannotPlan, source: &'static str, destination: &'static str) -> Fault {
    match fault {
        CannotPlan::CircularRoute(circular) => circular.into(),
        CannotPlan::UnknownSource(code) => unknown_center(&code).of(source),
        CannotPlan::UnknownDestination(code) => unknown_center(&code).of(destination),
        CannotPlan::DriverInvalid(_) => driver_invalid(),
    }
}

impl From<CircularRoute> for Fault {
    fn from(CircularRoute(code): CircularRoute) -> Self {
        Self::new("ShippingTransportSameCenter", Message::SameCenter { code: code.to_string() })
    }
}

impl From<CannotLoad> for Fault {
    fn from(refusal: CannotLoad) -> Self {
        match refusal {
            CannotLoad::TransportCompleted(_) => transport_completed(),
            CannotLoad::TransportDeparted(_) => transport_departed(),
            CannotLoad::BatchCompleted(alias) => {
                Self::new("ShippingBatchAlreadyCompleted", Message::BatchAlreadyCompleted { alias: alias.to_string() })
            }
            CannotLoad::BatchAssigned(alias) => {
                Self::new("ShippingBatchAlreadyAssigned", Message::BatchAlreadyAssigned { alias: alias.to_string() })
            }
            CannotLoad::UnknownBatch(alias) => unknown_batch(&alias),
        }
    }
}

impl From<CannotReplan> for Fault {
    fn from(refusal: CannotReplan) -> Self {
        match refusal {
            CannotReplan::AlreadyCompleted(_) => transport_completed(),
            CannotReplan::AlreadyDeparted(_) => transport_departed(),
        }
    }
}

impl From<CannotStart> for Fault {
    fn from(refusal: CannotStart) -> Self {
        match refusal {
            CannotStart::AlreadyCompleted(_) => transport_completed(),
            CannotStart::AlreadyDeparted(_) => transport_departed(),
            CannotStart::CentersUnknown(_) => {
                Self::new("ShippingTransportDistributionNotConfigured", Message::TransportCentersUnknown)
            }
            CannotStart::NoBatch(_) => Self::new("ShippingTransportNoBatch", Message::TransportNoBatch),
            CannotStart::NoDriver(_) => Self::new("ShippingTransportDriverNotConfigured", Message::TransportNoDriver),
            CannotStart::DriverInvalid(_) => driver_invalid(),
            CannotStart::DriverBusy(_) => Self::new("ShippingTransportDriverBusy", Message::DriverBusy),
        }
    }
}

impl From<CannotComplete> for Fault {
    fn from(refusal: CannotComplete) -> Self {
        match refusal {
            CannotComplete::AlreadyCompleted(_) => transport_completed(),
            CannotComplete::NotDeparted(_) => Self::new("ShippingTransportNotDeparted", Message::TransportNotDeparted),
        }
    }
}

impl From<CannotPack> for Fault {
    fn from(refusal: CannotPack) -> Self {
        match refusal {
            CannotPack::BatchCompleted(_) => batch_completed(),
            CannotPack::BatchDeparted(_) => batch_departed(),
            CannotPack::InvalidStatus { tracking_number, status } => Self::new(
                "ShippingBatchItemAddInvalidStatus",
                Message::ItemInvalidStatus { tracking_number: tracking_number.to_string(), status: status.to_string() },
            ),
            CannotPack::NotAvailable(tracking_number) => Self::new(
                "ShippingBatchItemNotAvailable",
                Message::ItemNotAvailable { tracking_number: tracking_number.to_string() },
            ),
            CannotPack::UnknownItem(tracking_number) => unknown_item(&tracking_number),
        }
    }
}

impl From<CannotUnpack> for Fault {
    fn from(refusal: CannotUnpack) -> Self {
        match refusal {
            CannotUnpack::BatchClosed(refusal) => refusal.into(),
            CannotUnpack::UnknownItem(tracking_number) => unknown_item(&tracking_number),
        }
    }
}

impl From<CannotChangeBatch> for Fault {
    fn from(refusal: CannotChangeBatch) -> Self {
        match refusal {
            CannotChangeBatch::Completed(_) => batch_completed(),
            CannotChangeBatch::Departed(_) => batch_departed(),
        }
    }
}

impl From<CannotChangeStatus> for Fault {
    fn from(CannotChangeStatus { tracking_number, from, to }: CannotChangeStatus) -> Self {
        let (tracking_number, from, to) = (tracking_number.to_string(), from.to_string(), to.to_string());
        Self::new("ShippingItemInvalidTransition", Message::ItemInvalidTransition { tracking_number, from, to })
            .of("status")
    }
}

impl From<CannotDelete> for Fault {
    fn from(refusal: CannotDelete) -> Self {
        let message = match refusal {
            CannotDelete::ItemPacked(_) => Message::ItemInUse,
            CannotDelete::BatchPacked(_) => Message::BatchHasItems,
            CannotDelete::BatchLoaded(_) => Message::BatchOnTransport,
            CannotDelete::TransportLoaded(_) => Message::TransportHasBatches,
            CannotDelete::TransportDeparted(_) => Message::TransportDeparted,
        };
        Self::new("ShippingInUse", message)
    }
}

impl From<InvalidAlias> for Fault {
    fn from(invalid: InvalidAlias) -> Self {
        match invalid {
            InvalidAlias::Blank => Self::blank(),
            InvalidAlias::TooLong => Self::too_long(Alias::MAX_CHARS),
            InvalidAlias::Characters => Self::invalid(Message::AliasCharacters),
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
