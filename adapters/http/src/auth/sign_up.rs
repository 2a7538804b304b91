//! `/auth/signup/`

use std::sync::Arc;

use auth_application::{AccountType, Auth, Profile, RegisterError, RequestToken, SignUp, SignUpError, SignedUp};
use auth_domain::{InvalidPhoneNumber, NewPassword, Password, PhoneNumber, Purpose};
use chrono::NaiveDate;
use kernel_domain::CorrelationId;
use poem::web::Data;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::device::SeenFrom;
use super::one_time_tokens::{self, NumberBody, RequestedBody, TokenBody};
use super::rules::{self, NUMBER, USER_TYPE};
use super::tokens::TokensBody;
use crate::body::{Body, Payload};
use crate::created::Created;
use crate::fault::Fault;
use crate::fields::{Fields, Input};
use crate::json::Json;
use crate::messages::Message;
use crate::problem::Problem;
use crate::profile::{Person, ProfileBody};
use crate::tags::Tag;
use crate::throttle::{AnonDefault, AnonSuppressed, SmsRequest, Throttled};

/// Characters in the longest name that somebody goes by.
const MAX_NAME: usize = 32;

const USER_TYPES: &[AccountType] = &[AccountType::Staff, AccountType::Driver];

pub(crate) struct SignUpApi {
    pub(super) auth: Arc<Auth>,
}

#[OpenApi(prefix_path = "/auth/signup", tag = "Tag::Auth")]
impl SignUpApi {
    /// Have a token sent, to sign up
    ///
    /// It is good for three minutes. A number gets five tokens in 24 hours.
    #[oai(path = "/token_request", method = "post", operation_id = "request_sign_up_token")]
    async fn request_token(
        &self,
        _admitted: Throttled<SmsRequest>,
        correlation_id: Data<&CorrelationId>,
        body: Body<NumberBody>,
    ) -> Result<Json<RequestedBody>, Problem> {
        let NumberBody(phone_number) = body.0;
        let (purpose, correlation_id) = (Purpose::SignUp, correlation_id.clone());
        let command = RequestToken { phone_number, purpose, earlier_session: None, correlation_id };
        Ok(Json(one_time_tokens::request(&self.auth, command).await?))
    }

    /// Prove that a phone number is one's own, to sign up
    ///
    /// After five wrong tokens, it takes a new one. There are ten minutes to sign up then.
    #[oai(path = "/token_confirm", method = "post", operation_id = "confirm_sign_up")]
    async fn confirm_token(
        &self,
        _admitted: Throttled<AnonDefault>,
        SeenFrom(device): SeenFrom,
        body: Body<TokenBody>,
    ) -> Result<Json<VerifiedBody>, Problem> {
        let TokenBody(command) = body.0;
        self.auth.confirm_sign_up(command, &device).await?;
        Ok(Json(VerifiedBody { verified: true }))
    }

    /// Sign up
    ///
    /// With a phone number that was proved to be one's own. Whoever signs up is signed in.
    #[oai(path = "/", method = "post", operation_id = "sign_up")]
    async fn sign_up(
        &self,
        _admitted: Throttled<AnonSuppressed>,
        SeenFrom(device): SeenFrom,
        correlation_id: Data<&CorrelationId>,
        body: Body<SignUpBody>,
    ) -> Result<Created<SignedUpBody>, Problem> {
        let SignUpBody { phone_number, account_type, full_name, date_of_birth, password } = body.0;
        let correlation_id = correlation_id.clone();
        let command = SignUp { phone_number, account_type, full_name, date_of_birth, password, device, correlation_id };
        Ok(Created(self.auth.sign_up(command).await?.into()))
    }
}

struct SignUpBody {
    phone_number: PhoneNumber,
    account_type: AccountType,
    full_name: Option<String>,
    date_of_birth: Option<NaiveDate>,
    password: Option<NewPassword>,
}

impl Input for SignUpBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        let phone_number = fields.phone_number(NUMBER, "A number that was proved to be one's own.").required();
        let account_type = fields.choice(USER_TYPE, "What one is.", USER_TYPES, AccountType::name).required();
        let full_name = fields.text("fullname", "The name one goes by.").max(MAX_NAME).nullable().optional();
        let born = fields.date("dob", "When one was born. Only drivers are asked.").nullable().optional();
        let about = "8 to 128 characters of any kind, and no common password; without one, one signs in by phone.";
        let password = fields.secret("password", about).nullable();
        let password = password.parse(|it| NewPassword::choose(Password::typed(it))).optional();
        Some(Self {
            phone_number: phone_number?,
            account_type: account_type?,
            full_name: full_name?,
            date_of_birth: born?,
            password: password?,
        })
    }
}

impl Payload for SignUpBody {
    const NAME: &'static str = "SignUp";

    fn example() -> Value {
        json!({ NUMBER: "+821012345678", USER_TYPE: "DRIVER", "fullname": "Kim Minsu", "dob": "1990-02-28" })
    }
}

/// A phone number was proved to be one's own.
#[derive(Object, Serialize)]
#[oai(rename = "Verified", example)]
struct VerifiedBody {
    /// Always.
    verified: bool,
}

impl Example for VerifiedBody {
    fn example() -> Self {
        Self { verified: true }
    }
}

/// Who has signed up, and the tokens of their first session.
#[derive(Object, Serialize)]
#[oai(rename = "SignedUp", example)]
struct SignedUpBody {
    uuid: Uuid,
    user_profile: ProfileBody,
    /// Goes into `Authorization: Bearer …`; good for a quarter of an hour.
    access: String,
    /// Gets the next pair of tokens.
    refresh: String,
}

impl Example for SignedUpBody {
    fn example() -> Self {
        let user_profile = ProfileBody::example();
        let TokensBody { access, refresh } = TokensBody::example();
        Self { uuid: user_profile.uuid, user_profile, access, refresh }
    }
}

impl From<SignedUp> for SignedUpBody {
    fn from(SignedUp { profile, tokens }: SignedUp) -> Self {
        let TokensBody { access, refresh } = tokens.into();
        Self { uuid: profile.account_id.as_uuid(), user_profile: profile.into(), access, refresh }
    }
}

impl From<Profile> for ProfileBody {
    fn from(profile: Profile) -> Self {
        let person = Person {
            uuid: profile.account_id.as_uuid(),
            phonenumber: profile.phone_number,
            username: profile.username,
            fullname: profile.full_name,
            image: profile.image_url,
        };
        match profile.account_type {
            AccountType::Staff => Self::staff(person, profile.groups),
            AccountType::Driver => Self::driver(person, profile.date_of_birth),
        }
    }
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Unassignable(refusal) => Self::refused(refusal.into()),
            SignUpError::NotConfirmed(refusal) => Self::refused(refusal.into()),
            SignUpError::Banned => Self::refused(rules::number_banned()),
            SignUpError::NotStaff => Self::refused(rules::not_staff()),
            SignUpError::Register(error) => error.into(),
            SignUpError::Issue(error) => Self::internal(error),
            SignUpError::Store(error) => error.into(),
        }
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            // The username is made of the number, so that it is the number that is taken, or cannot be used.
            RegisterError::Taken(_) => Self::refused(rules::number_taken()),
            RegisterError::InvalidUsername(_) => Self::refused(Fault::from(InvalidPhoneNumber).of(NUMBER)),
            RegisterError::InvalidFullName(_) => Self::refused(Fault::invalid(Message::InvalidFullName).of("fullname")),
            RegisterError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::is_written_as_it_is_described;

    #[test]
    fn answers_are_written_as_they_are_described() {
        is_written_as_it_is_described(&VerifiedBody::example());
        is_written_as_it_is_described(&SignedUpBody::example());
    }
}
