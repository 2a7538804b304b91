//! `/auth/signout/`, `/auth/unregister/` and `/auth/password/`: what somebody does with their own account.

use std::sync::Arc;

use auth_application::{Auth, ChangePassword, ChangePasswordError, CloseAccountError, SignOutError, UnregisterError};
use auth_domain::{NewPassword, Password};
use poem_openapi::OpenApi;
use serde_json::{Value, json};

use super::OwnSessions;
use super::rules;
use super::tokens::RefreshBody;
use crate::body::{Body, Payload};
use crate::caller::Allowed;
use crate::fields::{Fields, Input};
use crate::no_content::NoContent;
use crate::problem::Problem;
use crate::tags::Tag;
use crate::throttle::{OwnAuthCheck, Throttled, UserDefault, UserSuppressed};

pub(crate) struct AccountApi {
    pub(super) auth: Arc<Auth>,
}

#[OpenApi(prefix_path = "/auth", tag = "Tag::Auth")]
impl AccountApi {
    /// Sign out
    ///
    /// Ends the session that the refresh token belongs to, everywhere within a second.
    #[oai(path = "/signout", method = "post", operation_id = "sign_out")]
    async fn sign_out(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<OwnSessions>,
        body: Body<RefreshBody>,
    ) -> Result<NoContent, Problem> {
        let RefreshBody(token) = body.0;
        self.auth.sign_out(&actor, &token).await?;
        Ok(NoContent)
    }

    /// Leave for good
    ///
    /// Nothing is kept that tells who one was. The number may sign up again.
    #[oai(path = "/unregister", method = "post", operation_id = "unregister")]
    async fn unregister(
        &self,
        _admitted: Throttled<UserSuppressed>,
        actor: Allowed<OwnSessions>,
        body: Body<RefreshBody>,
    ) -> Result<NoContent, Problem> {
        let RefreshBody(token) = body.0;
        self.auth.unregister(&actor, &token).await?;
        Ok(NoContent)
    }

    /// Change one's password
    ///
    /// Every other session ends: whoever knew the old password is out.
    #[oai(path = "/password/change", method = "post", operation_id = "change_password")]
    async fn change_password(
        &self,
        _admitted: Throttled<OwnAuthCheck>,
        actor: Allowed<OwnSessions>,
        body: Body<ChangePasswordBody>,
    ) -> Result<NoContent, Problem> {
        let ChangePasswordBody(change) = body.0;
        self.auth.change_password(&actor, change).await?;
        Ok(NoContent)
    }
}

struct ChangePasswordBody(ChangePassword);

impl Input for ChangePasswordBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        let about = "The current password; nothing for whoever has none yet.";
        let current = fields.secret("password", about).max(NewPassword::MAX_CHARS).nullable().optional();
        let new = fields.secret("new_password", "8 to 128 characters of any kind, and no common password.");
        let new = new.parse(|it| NewPassword::choose(Password::typed(it))).required();
        Some(Self(ChangePassword { current: current?.map(Password::typed), new: new? }))
    }
}

impl Payload for ChangePasswordBody {
    const NAME: &'static str = "ChangePassword";

    fn example() -> Value {
        json!({ "password": "correct horse battery staple", "new_password": "purple monkey dishwasher" })
    }
}

impl From<SignOutError> for Problem {
    fn from(error: SignOutError) -> Self {
        match error {
            SignOutError::Denied(denied) => denied.into(),
            SignOutError::NotYours => Self::refused(rules::refresh_token_not_yours()),
            SignOutError::Store(error) => error.into(),
        }
    }
}

impl From<UnregisterError> for Problem {
    fn from(error: UnregisterError) -> Self {
        match error {
            UnregisterError::Denied(denied) => denied.into(),
            UnregisterError::NotYours => Self::refused(rules::refresh_token_not_yours()),
            UnregisterError::Account(error) => error.into(),
            UnregisterError::Store(error) => error.into(),
        }
    }
}

impl From<CloseAccountError> for Problem {
    fn from(error: CloseAccountError) -> Self {
        match error {
            // The token outlived the account.
            CloseAccountError::Unknown | CloseAccountError::AlreadyClosed => Self::authentication_failed(),
            CloseAccountError::Superuser => Self::refused(rules::account_of_superuser()),
            CloseAccountError::Store(error) => error.into(),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Denied(denied) => denied.into(),
            ChangePasswordError::WrongPassword => Self::refused(rules::wrong_password()),
            ChangePasswordError::Store(error) => error.into(),
        }
    }
}
