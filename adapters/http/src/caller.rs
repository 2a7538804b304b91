//! From the credential of a request to whoever shows it, and whether they may do this at all.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use auth_application::{Auth, PresentedToken, RequestFacts, TokenRefused};
use kernel_application::{Actor, Operation};
use poem::http::header;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::correlation;
use crate::problem::Problem;

const SCHEME: &str = "BearerAuth";

/// A right that an operation of the API takes.
pub(crate) trait Right: Send {
    const OPERATION: Operation;
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
        let scheme = MetaSecurityScheme {
            ty: "http",
            description: Some("The `access` token of `POST /api/v1/auth/signin/`."),
            name: None,
            key_in: None,
            scheme: Some("bearer"),
            bearer_format: None,
            flows: None,
            openid_connect_url: None,
        };
        registry.create_security_scheme(SCHEME, scheme);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Ok(Self(allowed(request, R::OPERATION)?, PhantomData))
    }
}

/// Whoever makes this request, if they may do `operation`.
pub(crate) fn allowed(request: &Request, operation: Operation) -> Result<Actor, Problem> {
    let actor = actor_of(request)?;
    actor.require(operation)?;
    Ok(actor)
}

fn actor_of(request: &Request) -> Result<Actor, Problem> {
    let token = bearer_of(request)?;
    let auth = request.data::<Arc<Auth>>().ok_or_else(|| Problem::internal("nobody can be authenticated here"))?;
    let path = request.uri().path().trim_end_matches('/');
    let facts = RequestFacts { method: request.method().as_str().to_owned(), path: format!("{path}/") };
    let presented = PresentedToken { token, request: &facts, correlation_id: correlation::of(request) };
    let actor = auth.authenticate(presented).map_err(|refused| match refused {
        TokenRefused::Invalid => Problem::authentication_failed(),
        TokenRefused::Undecided(_) => Problem::unavailable(refused),
    })?;
    if let Some(user) = actor.user_id {
        tracing::Span::current().record("user", tracing::field::display(user));
    }
    Ok(actor)
}

/// The token of `Authorization: Bearer <token>`; schemes are told apart in any case.
fn bearer_of(request: &Request) -> Result<&str, Problem> {
    let Some(header) = request.headers().get(header::AUTHORIZATION) else {
        return Err(Problem::not_authenticated());
    };
    let credentials = header.to_str().map_err(|_| Problem::authentication_failed())?.trim();
    let (scheme, token) = credentials.split_once(' ').unwrap_or((credentials, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::not_authenticated());
    }
    let token = token.trim();
    if token.is_empty() { Err(Problem::authentication_failed()) } else { Ok(token) }
}
