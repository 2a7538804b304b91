//! `/auth/signin/`

use std::sync::Arc;

use auth_application::{Auth, ConfirmToken, RefreshToken, RequestToken, SignIn, SignInError, SignInName};
use auth_domain::{NewPassword, Password, PhoneNumber, Purpose};
use kernel_domain::CorrelationId;
use poem::web::Data;
use poem_openapi::OpenApi;
use serde_json::{Value, json};

use super::device::SeenFrom;
use super::one_time_tokens::{self, NumberBody, RequestedBody, TokenBody};
use super::rules::{self, NUMBER, REFRESH};
use super::tokens::TokensBody;
use crate::body::{Body, Payload};
use crate::fault::Fault;
use crate::fields::{Fields, Input};
use crate::json::Json;
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
        body: Body<TokenRequestBody>,
    ) -> Result<Json<RequestedBody>, Problem> {
        let TokenRequestBody { phone_number, earlier_session } = body.0;
        let (purpose, correlation_id) = (Purpose::SignIn, correlation_id.clone());
        let command = RequestToken { phone_number, purpose, earlier_session, correlation_id };
        Ok(Json(one_time_tokens::request(&self.auth, command).await?))
    }

    /// Sign in with a token that came by phone
    ///
    /// After five wrong ones, it takes a new token.
    #[oai(path = "/token_confirm", method = "post", operation_id = "confirm_sign_in")]
    async fn confirm_token(
        &self,
        _admitted: Throttled<AnonDefault>,
        SeenFrom(device): SeenFrom,
        body: Body<SignInTokenBody>,
    ) -> Result<Json<TokensBody>, Problem> {
        let SignInTokenBody(command) = body.0;
        Ok(Json(self.auth.confirm_sign_in(command, device).await?.into()))
    }
}

/// The number that a token is requested for.
struct TokenRequestBody {
    phone_number: PhoneNumber,
    earlier_session: Option<RefreshToken>,
}

impl Input for TokenRequestBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (number, earlier_session) = (NumberBody::read(fields), earlier_session(fields));
        Some(Self { phone_number: number?.0, earlier_session: earlier_session? })
    }
}

impl Payload for TokenRequestBody {
    const NAME: &'static str = "TokenRequest";

    fn example() -> Value {
        NumberBody::example()
    }
}

/// A token that came by phone, to sign in with.
struct SignInTokenBody(ConfirmToken);

impl Input for SignInTokenBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (token, earlier_session) = (TokenBody::read(fields), earlier_session(fields));
        Some(Self(ConfirmToken { earlier_session: earlier_session?, ..token?.0 }))
    }
}

impl Payload for SignInTokenBody {
    const NAME: &'static str = "SignInToken";

    fn example() -> Value {
        TokenBody::example()
    }
}

/// What shows that the number's owner signed in on this device before.
#[expect(clippy::option_option, reason = "absent is an answer, at fault is none")]
fn earlier_session(fields: &mut Fields) -> Option<Option<RefreshToken>> {
    let about = "A refresh token of an earlier session on this device, used or not: with it one can sign in although \
                 others have guessed too often.";
    Some(fields.secret(REFRESH, about).optional()?.map(RefreshToken::new))
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
