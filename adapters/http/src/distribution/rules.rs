//! The rules of distribution, as clients know them: a code each, and a sentence for people.
//!
//! | code | field | what it says |
//! |---|---|---|
//! | `DistributionCenterInUse` | | a transport that has not arrived starts or ends there |
//!
//! No wildcard arms: a new refusal does not compile until somebody picks its code.

use distribution_domain::{CannotClose, CenterCode, CenterName, InvalidCenterCode, InvalidCenterName};

use crate::fault::Fault;
use crate::messages::Message;

impl From<CannotClose> for Fault {
    fn from(refusal: CannotClose) -> Self {
        match refusal {
            CannotClose::InUse(code) => {
                Self::new("DistributionCenterInUse", Message::CenterInUse { code: code.to_string() })
            }
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

impl From<InvalidCenterName> for Fault {
    fn from(invalid: InvalidCenterName) -> Self {
        match invalid {
            InvalidCenterName::Blank => Self::blank(),
            InvalidCenterName::TooLong => Self::too_long(CenterName::MAX_CHARS),
            InvalidCenterName::Characters => Self::control_characters(),
        }
    }
}
