//! From the credential of a request to whoever shows it, and whether they may do this at all.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use auth_application::{
    Auth, AuthenticateError, PresentedApiKey, PresentedKey, PresentedToken, RequestFacts, TokenRefused,
};
use kernel_application::{Actor, Identity, Operation};
use kernel_domain::StoreError;
use poem::http::{HeaderName, header};
use poem::{Endpoint, Middleware, Request, RequestBody, Response, Result};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use tokio::sync::OnceCell;

use crate::correlation;
use crate::idempotency;
use crate::problem::Problem;

const BEARER: &str = "BearerAuth";
const API_KEY: &str = "ApiKeyAuth";

/// Where an API key may be shown besides `Authorization`, for clients that cannot choose its scheme.
const API_KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// A right that an operation of the API takes.
pub(crate) trait Right: Send {
    const OPERATION: Operation;
    /// A right that does as well, for as much of it as the use case then shows.
    const IN_PART: Option<Operation> = None;
}

/// Whoever asks, known to have the right `R`.
///
/// The use case asks again, and is the authority: this one is here because somebody who may not do
/// a thing is told so before anything they sent is looked at.
pub(crate) struct Allowed<R>(Actor, PhantomData<R>);

impl<R> Deref for Allowed<R> {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.0
    }
}

impl<'a, R: Right> ApiExtractor<'a> for Allowed<R> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let scheme = |ty, description| MetaSecurityScheme {
            ty,
            description: Some(description),
            name: None,
            key_in: None,
            scheme: None,
            bearer_format: None,
            flows: None,
            openid_connect_url: None,
        };
        let bearer = scheme("http", "The `access` token of `POST /api/v1/auth/signin/`.");
        registry.create_security_scheme(BEARER, MetaSecurityScheme { scheme: Some("bearer"), ..bearer });
        let about = "A key of `POST /api/v1/auth/api-keys/`. `Authorization: Api-Key <prefix>.<secret>` does as well. \
                     Whoever shows a token too is judged by the token alone.";
        let key = scheme("apiKey", about);
        let key = MetaSecurityScheme { name: Some("X-Api-Key"), key_in: Some("header"), ..key };
        registry.create_security_scheme(API_KEY, key);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![BEARER, API_KEY]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        let actor = recognised(request).await?;
        let in_part = R::IN_PART.map_or(Ok(false), |it| actor.may(it)).map_err(Problem::from)?;
        if !in_part {
            actor.require(R::OPERATION).map_err(Problem::from)?;
        }
        idempotency::admitted(request).await;
        Ok(Self(actor.clone(), PhantomData))
    }
}

/// Whoever makes this request, if they may do `operation`.
pub(crate) async fn allowed(request: &Request, operation: Operation) -> Result<Actor, Problem> {
    let actor = recognised(request).await?;
    actor.require(operation)?;
    Ok(actor.clone())
}

/// Whoever makes this request. However often that is asked, the credential is looked at once.
pub(crate) async fn recognised(request: &Request) -> Result<&Actor, Problem> {
    let recognition = request.data::<Recognition>();
    let Recognition { auth, outcome } =
        recognition.ok_or_else(|| Problem::internal("nobody can be authenticated here"))?;
    outcome.get_or_init(|| recognise(request, auth)).await.as_ref().map_err(Problem::from)
}

/// Lets [`Allowed`] recognise who asks.
pub(crate) struct Recognising(pub(crate) Arc<Auth>);

impl<E: Endpoint<Output = Response>> Middleware<E> for Recognising {
    type Output = RecognisingEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        RecognisingEndpoint { inner, auth: Arc::clone(&self.0) }
    }
}

pub(crate) struct RecognisingEndpoint<E> {
    inner: E,
    auth: Arc<Auth>,
}

impl<E: Endpoint<Output = Response>> Endpoint for RecognisingEndpoint<E> {
    type Output = Response;

    fn call(&self, mut request: Request) -> impl Future<Output = Result<Response>> + Send {
        request.set_data(Recognition { auth: Arc::clone(&self.auth), outcome: Arc::default() });
        self.inner.call(request)
    }
}

/// Who makes a request, as soon as somebody has asked.
#[derive(Clone)]
struct Recognition {
    auth: Arc<Auth>,
    outcome: Arc<OnceCell<Result<Actor, Unrecognised>>>,
}

/// Why nobody was recognised.
enum Unrecognised {
    NoCredential,
    BadCredential,
    /// Neither good nor bad: it could not be looked at.
    Undecided(Arc<AuthenticateError>),
}

impl From<&Unrecognised> for Problem {
    fn from(unrecognised: &Unrecognised) -> Self {
        match unrecognised {
            Unrecognised::NoCredential => Self::not_authenticated(),
            Unrecognised::BadCredential => Self::authentication_failed(),
            Unrecognised::Undecided(cause) => match &**cause {
                AuthenticateError::Store(StoreError::Corrupt { .. }) => Self::internal(Arc::clone(cause)),
                AuthenticateError::Token(_) | AuthenticateError::Key | AuthenticateError::Store(_) => {
                    Self::unavailable(Arc::clone(cause))
                }
            },
        }
    }
}

impl From<AuthenticateError> for Unrecognised {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Token(TokenRefused::Invalid) | AuthenticateError::Key => Self::BadCredential,
            AuthenticateError::Token(TokenRefused::Undecided(_)) | AuthenticateError::Store(_) => {
                Self::Undecided(Arc::new(error))
            }
        }
    }
}

async fn recognise(request: &Request, auth: &Auth) -> Result<Actor, Unrecognised> {
    let correlation_id = correlation::of(request);
    let actor = match credential_of(request)? {
        Credential::Token(token) => {
            let path = request.uri().path().trim_end_matches('/');
            let facts = RequestFacts { method: request.method().as_str().to_owned(), path: format!("{path}/") };
            auth.authenticate(PresentedToken { token, request: &facts, correlation_id })?
        }
        Credential::Key(key) => {
            auth.authenticate_key(PresentedApiKey { key: PresentedKey::new(key), correlation_id }).await?
        }
    };
    let span = tracing::Span::current();
    match actor.identity {
        Identity::User { user_id, .. } => span.record("user", tracing::field::display(user_id)),
        Identity::ApiKey { key_id } => span.record("api_key", tracing::field::display(key_id)),
    };
    Ok(actor)
}

enum Credential<'a> {
    Token(&'a str),
    Key(&'a str),
}

/// The one credential that counts: that of `Authorization`, whose schemes are told apart in any case, else that of
/// `X-Api-Key`. There is no falling back from a bad one to another: whoever shows two would be let in by a mistake.
fn credential_of(request: &Request) -> Result<Credential<'_>, Unrecognised> {
    if let Some(credentials) = only(request, &header::AUTHORIZATION)? {
        let (scheme, credential) = credentials.split_once(' ').unwrap_or((credentials, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            return present(credential).map(Credential::Token);
        }
        if scheme.eq_ignore_ascii_case("api-key") {
            return present(credential).map(Credential::Key);
        }
    }
    match only(request, &API_KEY_HEADER)? {
        Some(key) => present(key).map(Credential::Key),
        None => Err(Unrecognised::NoCredential),
    }
}

/// The value of a header that may occur once: of several nobody knows which one is meant.
fn only<'r>(request: &'r Request, name: &HeaderName) -> Result<Option<&'r str>, Unrecognised> {
    let mut lines = request.headers().get_all(name).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Unrecognised::BadCredential);
    }
    line.to_str().map(|it| Some(it.trim())).map_err(|_| Unrecognised::BadCredential)
}

fn present(credential: &str) -> Result<&str, Unrecognised> {
    Some(credential.trim()).filter(|it| !it.is_empty()).ok_or(Unrecognised::BadCredential)
}
