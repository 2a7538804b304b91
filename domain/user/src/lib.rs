//! User: who there is, and what is known of them.

mod events;
mod names;
mod phone_number;
mod repository;
mod user;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use events::UserEvent;
pub use names::{Email, FullName, GroupName, InvalidEmail, InvalidGroupName, InvalidName, InvalidUsername, Username};
pub use phone_number::{InvalidPhoneNumber, PhoneNumber};
#[cfg(feature = "testing")]
pub use repository::MockUserRepository;
pub use repository::{UserRepository, UserStore, UserWork};
pub use user::{Privileges, Profile, Registration, Role, User, UserSnapshot, UserState, UserType};

kernel_domain::typed_id!(
    /// Identifies a [`User`].
    UserId
);
