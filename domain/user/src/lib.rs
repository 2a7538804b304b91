//! User: who there is, and what is known of them.

mod events;
mod image;
mod locale;
mod names;
mod phone_number_hash;
mod repository;
mod user;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use events::UserEvent;
pub use image::{ImageFormat, ImageKey, ImageSize, InvalidImageKey};
pub use kernel_domain::{InvalidPhoneNumber, PhoneNumber};
pub use locale::{InvalidLocale, Locale};
pub use names::{Email, FullName, GroupName, InvalidEmail, InvalidGroupName, InvalidName, InvalidUsername, Username};
pub use phone_number_hash::PhoneNumberHash;
pub use repository::{DiscardedImageRepository, UserRepository, UserStore, UserWork};
#[cfg(feature = "testing")]
pub use repository::{MockDiscardedImageRepository, MockUserRepository};
pub use user::{
    AccountChange, CannotChangeUser, CannotClose, Privileges, Profile, ProfileChange, Registration, Role, User,
    UserSnapshot, UserState, UserType,
};

kernel_domain::typed_id!(
    /// Identifies a [`User`].
    UserId
);
