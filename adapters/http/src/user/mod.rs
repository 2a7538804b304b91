//! The user context over HTTP.

mod profile;

use std::sync::Arc;

use user_application::Users;

pub(crate) use profile::ProfileApi;

/// The operations of the user context.
pub(crate) type Api = ProfileApi;

/// The operations of the user context, over `users`.
pub(crate) fn api(users: Arc<Users>) -> Api {
    ProfileApi { users }
}
