//! User use cases. One file each; the file name is the use case.

use std::sync::Arc;

use kernel_application::{Clock, Ids};
use user_domain::UserStore;

mod find_accounts;
mod find_profiles;
mod operations;
mod queries;
mod register_user;

pub use find_profiles::FindProfileError;
pub use operations::OWN_PROFILE;
#[cfg(feature = "testing")]
pub use queries::MockUserQueries;
pub use queries::{Account, AccountName, ProfileView, UserQueries};
pub use register_user::{RegisterUser, RegisterUserError};

/// The user context, as the outside sees it: its driving port.
pub struct Users {
    /// Where units of work begin.
    pub store: Arc<dyn UserStore>,
    /// The read side.
    pub queries: Arc<dyn UserQueries>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
}
