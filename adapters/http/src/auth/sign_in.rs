//! `/auth/signin/`

use std::sync::Arc;

use auth_application::{Auth, SignIn, SignInError, SignInName};
use auth_domain::{NewPassword, Password, Purpose};
use kernel_domain::CorrelationId;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;
use serde_json::{Value, json};

use super::device::SeenFrom;
use super::one_time_tokens::{self, NumberBody, RequestedBody, TokenBody};
use super::rules::{self, NUMBER};
use super::tokens::TokensBody;
use crate::body::{Body, Payload};
use crate::fault::Fault;
use crate::fields::{Fields, Input};
use crate::problem::Problem;
use crate::tags::Tag;
use crate::throttle::{AnonDefault, AuthCheck, SmsRequest, Throttled};

pub(crate) struct SignInApi {
    pub(super) auth: Arc<Auth>,
}

#[OpenApi(prefix_path = "/auth/signin", tag = "Tag::Auth")]
impl SignInApi {
    /// Sign in
    ///
    /// By username or phone number, with a password. Whatever is wrong, the answer is the same.
    #[oai(path = "/", method = "post", operation_id = "sign_in")]
    async fn sign_in(
        &self,
        _admitted: Throttled<AuthCheck>,
        SeenFrom(device): SeenFrom,
        body: Body<SignInBody>,
    ) -> Result<Json<TokensBody>, Problem> {
        let SignInBody { name, password } = body.0;
        Ok(Json(self.auth.sign_in(SignIn { name, password, device }).await?.into()))
    }

    /// Have a token sent, to sign in by phone
    ///
    /// It is good for three minutes. A number gets five tokens in 24 hours.
    #[oai(path = "/token_request", method = "post", operation_id = "request_sign_in_token")]
    async fn request_token(
        &self,
        _admitted: Throttled<SmsRequest>,
        correlation_id: Data<&CorrelationId>,
        body: Body<NumberBody>,
    ) -> Result<Json<RequestedBody>, Problem> {
        Ok(Json(one_time_tokens::request(&self.auth, body.0, Purpose::SignIn, &correlation_id).await?))
    }

    /// Sign in with a token that came by phone
    ///
    /// After five wrong ones, it takes a new token.
    #[oai(path = "/token_confirm", method = "post", operation_id = "confirm_sign_in")]
    async fn confirm_token(
        &self,
        _admitted: Throttled<AnonDefault>,
        SeenFrom(device): SeenFrom,
        body: Body<TokenBody>,
    ) -> Result<Json<TokensBody>, Problem> {
        let TokenBody(command) = body.0;
        Ok(Json(self.auth.confirm_sign_in(command, device).await?.into()))
    }
}

struct SignInBody {
    name: SignInName,
    password: Password,
}

impl Input for SignInBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        let username = fields.text("username", "The name to sign in with.").optional();
        let number = fields.phone_number(NUMBER, "Or the phone number, in international form.").optional();
        if let (Some(None), Some(None)) = (&username, &number) {
            fields.fault(Fault::required().of("username"));
        }
        let password = fields.secret("password", "The password.").max(NewPassword::MAX_CHARS).required();
        let (username, number) = (username?.map(SignInName::Username), number?.map(SignInName::PhoneNumber));
        Some(Self { name: username.or(number)?, password: Password::typed(password?) })
    }
}

impl Payload for SignInBody {
    const NAME: &'static str = "SignIn";

    fn example() -> Value {
        json!({ "username": "821012345678", "password": "correct horse battery staple" })
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongCredentials => Self::refused(rules::no_active_account()),
            SignInError::Issue(error) => Self::internal(error),
            SignInError::Store(error) => error.into(),
        }
    }
}
