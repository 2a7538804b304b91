//! User use cases. One file each; the file name is the use case.

use std::sync::Arc;

use kernel_application::{Clock, Ids, InternationalForm, KeyedHash};
use user_domain::UserStore;

mod ban_user;
mod change_account;
mod change_profile;
mod find_accounts;
mod find_profiles;
mod find_users;
mod operations;
mod ports;
mod queries;
mod register_user;
mod remove_discarded_images;
mod unregister_user;

#[cfg(feature = "testing")]
pub mod testing;

pub use ban_user::BanUserError;
pub use change_account::ChangeAccountError;
pub use change_profile::{ChangeProfile, ChangeProfileError};
pub use find_profiles::{FindProfileError, ProfileView};
pub use find_users::FindUserError;
pub use operations::{ADMINISTER_USERS, MANAGE_USERS, OWN_PROFILE};
pub use ports::{ImageEditor, ImageRefused, ImageStore, MAX_IMAGE_BYTES, MAX_PIXELS, PreparedImage};
#[cfg(feature = "testing")]
pub use ports::{MockImageEditor, MockImageStore};
#[cfg(feature = "testing")]
pub use queries::MockUserQueries;
pub use queries::{Account, AccountName, NumberStanding, ProfileRecord, UserFilter, UserQueries, UserView};
pub use register_user::{RegisterUser, RegisterUserError};
pub use unregister_user::UnregisterUserError;

/// The user context, as the outside sees it: its driving port.
pub struct Users {
    /// Where units of work begin.
    pub store: Arc<dyn UserStore>,
    /// The read side.
    pub queries: Arc<dyn UserQueries>,
    /// How phone numbers are written.
    pub international_form: Arc<dyn InternationalForm>,
    /// Draws pictures again.
    pub image_editor: Arc<dyn ImageEditor>,
    /// Keeps pictures.
    pub images: Arc<dyn ImageStore>,
    /// Hashes numbers that stay banned.
    pub hash: Arc<dyn KeyedHash>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
}
