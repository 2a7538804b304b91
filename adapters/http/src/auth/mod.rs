//! Auth over HTTP.

mod sign_in;

use std::sync::Arc;

use auth_application::Auth;

pub(crate) use sign_in::SignInApi;

/// The operations of auth.
pub(crate) type Api = SignInApi;

/// The operations of auth, over `auth`.
pub(crate) fn api(auth: Arc<Auth>) -> Api {
    SignInApi { auth }
}
