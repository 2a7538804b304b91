//! The user context over HTTP.

mod profile;
mod rules;
mod users;

use std::sync::Arc;

use kernel_application::Operation;
use user_application::{ADMINISTER_USERS, MANAGE_USERS, OWN_PROFILE, Users};

use crate::caller::Right;

pub(crate) use profile::ProfileApi;
pub(crate) use users::UsersApi;

/// The operations of the user context.
pub(crate) type Api = (ProfileApi, UsersApi);

/// The operations of the user context, over `users`.
pub(crate) fn api(users: Arc<Users>) -> Api {
    (ProfileApi { users: Arc::clone(&users) }, UsersApi { users })
}

struct OwnProfile;
struct ManageUsers;
struct AdministerUsers;

impl Right for OwnProfile {
    const OPERATION: Operation = OWN_PROFILE;
}

impl Right for ManageUsers {
    const OPERATION: Operation = MANAGE_USERS;
}

impl Right for AdministerUsers {
    const OPERATION: Operation = ADMINISTER_USERS;
}
