//! The rules of the user context, as clients know them: a code each, and a sentence for people.
//!
//! | code | field | what it says |
//! |---|---|---|
//! | `invalid_image` | `image` | it is no picture, or a damaged one |
//! | `image_too_large` | `image` | the picture has too many pixels |
//! | `empty` | `image` | the file has no content |
//! | `account_closed` | | the account was given up or taken away: nothing can be changed |
//! | `account_of_superuser` | | a superuser is neither banned nor unregistered |
//! | `superuser_without_staff_flag` | `is_staff` | a superuser has the staff flag |
//! | `groups_of_driver` | `groups` | drivers are in no permission group |
//!
//! No wildcard arms: a new refusal does not compile until somebody picks its code.

use user_application::{ImageRefused, MAX_PIXELS};
use user_domain::{CannotChangeUser, CannotClose, FullName, InvalidEmail, InvalidGroupName, InvalidName};

use crate::fault::Fault;
use crate::messages::Message;
use crate::problem::Problem;

pub(super) const IMAGE: &str = "image";

fn account_closed() -> Fault {
    Fault::new("account_closed", Message::AccountClosed)
}

impl From<CannotChangeUser> for Fault {
    fn from(refusal: CannotChangeUser) -> Self {
        match refusal {
            CannotChangeUser::Closed => account_closed(),
            CannotChangeUser::SuperuserWithoutStaffFlag => {
                Self::new("superuser_without_staff_flag", Message::SuperuserWithoutStaffFlag).of("is_staff")
            }
            CannotChangeUser::GroupsOfDriver => Self::new("groups_of_driver", Message::GroupsOfDriver).of("groups"),
        }
    }
}

impl From<CannotClose> for Fault {
    fn from(refusal: CannotClose) -> Self {
        match refusal {
            CannotClose::AlreadyClosed => account_closed(),
            CannotClose::Superuser => Self::new("account_of_superuser", Message::AccountOfSuperuser),
        }
    }
}

impl From<ImageRefused> for Problem {
    fn from(refusal: ImageRefused) -> Self {
        match refusal {
            ImageRefused::NotAnImage => {
                let message = Message::InvalidImage;
                Self::refused(Fault::new("invalid_image", message).of(IMAGE))
            }
            ImageRefused::TooManyPixels => {
                let message = Message::ImageTooLarge { pixels: MAX_PIXELS };
                Self::refused(Fault::new("image_too_large", message).of(IMAGE))
            }
            ImageRefused::Store(error) => error.into(),
        }
    }
}

impl From<InvalidName> for Fault {
    fn from(invalid: InvalidName) -> Self {
        match invalid {
            InvalidName::Blank => Self::blank(),
            InvalidName::TooLong => Self::too_long(FullName::MAX_CHARS),
        }
    }
}

impl From<InvalidEmail> for Fault {
    fn from(InvalidEmail: InvalidEmail) -> Self {
        Self::invalid(Message::InvalidEmail)
    }
}

impl From<InvalidGroupName> for Fault {
    fn from(InvalidGroupName: InvalidGroupName) -> Self {
        Self::invalid(Message::InvalidGroupName)
    }
}
