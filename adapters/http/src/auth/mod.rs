//! Auth over HTTP.

mod account;
mod api_keys;
mod device;
mod one_time_tokens;
mod phone_number;
mod public_keys;
mod rules;
mod sessions;
mod sign_in;
mod sign_up;
mod tokens;

use std::sync::Arc;

use auth_application::{Auth, MANAGE_API_KEYS, OWN_SESSIONS, PURGE_SESSIONS};
use kernel_application::Operation;

use crate::caller::Right;

pub(crate) use account::AccountApi;
pub(crate) use api_keys::ApiKeysApi;
pub(crate) use phone_number::PhoneNumberApi;
pub(crate) use public_keys::PublicKeysApi;
pub(crate) use sessions::SessionsApi;
pub(crate) use sign_in::SignInApi;
pub(crate) use sign_up::SignUpApi;
pub(crate) use tokens::TokensApi;

/// The operations of auth.
pub(crate) type Api =
    (PhoneNumberApi, SignUpApi, SignInApi, TokensApi, AccountApi, SessionsApi, ApiKeysApi, PublicKeysApi);

/// The operations of auth, over `auth`.
pub(crate) fn api(auth: Arc<Auth>) -> Api {
    (
        PhoneNumberApi { auth: Arc::clone(&auth) },
        SignUpApi { auth: Arc::clone(&auth) },
        SignInApi { auth: Arc::clone(&auth) },
        TokensApi { auth: Arc::clone(&auth) },
        AccountApi { auth: Arc::clone(&auth) },
        SessionsApi { auth: Arc::clone(&auth) },
        ApiKeysApi { auth: Arc::clone(&auth) },
        PublicKeysApi { auth },
    )
}

struct OwnSessions;
struct PurgeSessions;
struct ManageApiKeys;

impl Right for OwnSessions {
    const OPERATION: Operation = OWN_SESSIONS;
}

impl Right for PurgeSessions {
    const OPERATION: Operation = PURGE_SESSIONS;
}

impl Right for ManageApiKeys {
    const OPERATION: Operation = MANAGE_API_KEYS;
}
