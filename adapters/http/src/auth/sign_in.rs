//! `/auth/signin/`

use std::sync::Arc;

use auth_application::{Auth, SignIn, SignInError, SignInName, SignedIn};
use auth_domain::{NewPassword, Password};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde_json::{Value, json};

use crate::body::{Body, Payload};
use crate::fault::Fault;
use crate::fields::{Fields, Input};
use crate::problem::Problem;
use crate::tags::Tag;
use crate::throttle::{AuthCheck, Throttled};

pub(crate) struct SignInApi {
    pub(super) auth: Arc<Auth>,
}

#[OpenApi(prefix_path = "/auth", tag = "Tag::Auth")]
impl SignInApi {
    /// Sign in
    ///
    /// By username or phone number, with a password. Whatever is wrong, the answer is the same.
    #[oai(path = "/signin", method = "post", operation_id = "sign_in")]
    async fn sign_in(
        &self,
        _admitted: Throttled<AuthCheck>,
        body: Body<SignInBody>,
    ) -> Result<Json<TokensBody>, Problem> {
        let SignInBody(command) = body.0;
        Ok(Json(self.auth.sign_in(command).await?.into()))
    }
}

struct SignInBody(SignIn);

impl Input for SignInBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        let username = fields.text("username", "The name to sign in with.").optional();
        let number = fields.text("phonenumber", "Or the phone number, in international form.").optional();
        if let (Some(None), Some(None)) = (&username, &number) {
            fields.fault(Fault::required().of("username"));
        }
        let password = fields.secret("password", "The password.").max(NewPassword::MAX_CHARS).required();
        let (username, number) = (username?.map(SignInName::Username), number?.map(SignInName::PhoneNumber));
        Some(Self(SignIn { name: username.or(number)?, password: Password::typed(password?) }))
    }
}

impl Payload for SignInBody {
    const NAME: &'static str = "SignIn";

    fn example() -> Value {
        json!({ "username": "821012345678", "password": "correct horse battery staple" })
    }
}

/// The tokens of a session.
#[derive(Object)]
#[oai(rename = "Tokens", example)]
struct TokensBody {
    /// Goes into `Authorization: Bearer …`; good for a quarter of an hour.
    access: String,
    /// Gets the next pair of tokens.
    refresh: String,
}

impl Example for TokensBody {
    fn example() -> Self {
        Self {
            access: "En0KEwoEMTIzNBgDIgkKBwgKEgMYgAg…".to_owned(), refresh: "q83vEjRWeJCrze8SNFZ4kA…".to_owned()
        }
    }
}

impl From<SignedIn> for TokensBody {
    fn from(SignedIn { access, refresh }: SignedIn) -> Self {
        Self { access, refresh: refresh.expose().to_owned() }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongCredentials => {
                Self::refused(Fault::new("no_active_account", "No active account found with the given credentials."))
            }
            SignInError::Issue(error) => Self::internal(error),
            SignInError::Store(error) => error.into(),
        }
    }
}
