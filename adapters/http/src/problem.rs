//! Every refusal leaves the API in one shape: a problem document of RFC 9457.

use std::fmt;
use std::time::Duration;

use kernel_application::{Denied, Rate};
use kernel_domain::{BoxError, CorrelationId, StoreError};
use poem::error::ResponseError;
use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Request, Response};
use poem_openapi::registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::{ToJSON, Type};
use poem_openapi::{ApiResponse, Object};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::body;
use crate::correlation;
use crate::fault::Fault;
use crate::messages::{Language, Message};
use crate::throttle::{Scope as _, UserDefault};

/// The media type of a problem document.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// How long a client waits before it tries again, in seconds.
const RETRY_AFTER: &str = "1";

/// What a client that shows no good credential may show instead: the two schemes that there are.
const CHALLENGES: &str = "Bearer realm=\"api\", Api-Key realm=\"api\"";

/// Whom an answer goes to.
#[derive(Clone)]
pub(crate) struct Recipient {
    correlation_id: CorrelationId,
    language: Language,
}

impl Recipient {
    /// Whoever makes this request.
    pub(crate) fn of(request: &Request) -> Self {
        Self { correlation_id: correlation::of(request), language: Language::of(request) }
    }
}

/// Why a request was not served.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    /// At least one.
    faults: Vec<Fault>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// A member beside the usual ones (RFC 9457, 3.2): the number that this is about.
    phone_number: Option<String>,
    /// The limit that was reached, for whoever counts that.
    limit: Option<Limit>,
    /// For our logs only.
    cause: Option<BoxError>,
}

/// The scope of a limit that was reached, told with the answer to whoever counts how often that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(pub(crate) &'static str);

impl Problem {
    fn new(status: StatusCode, fault: Fault) -> Self {
        Self { status, faults: vec![fault], headers: Vec::new(), phone_number: None, limit: None, cause: None }
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The request makes no sense, or a rule of the business forbids it.
    pub(crate) fn refused(fault: Fault) -> Self {
        Self::new(StatusCode::BAD_REQUEST, fault)
    }

    /// All that is wrong with the request. `faults` has at least one entry.
    pub(crate) fn invalid(faults: Vec<Fault>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self { status, faults, headers: Vec::new(), phone_number: None, limit: None, cause: None }
    }

    /// The same problem, which tells the phone number that it is about.
    pub(crate) fn about_number(self, number: String) -> Self {
        Self { phone_number: Some(number), ..self }
    }

    /// A credential is not good, wherever in the request it is.
    pub(crate) fn unauthorized(fault: Fault) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, fault).with(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGES))
    }

    pub(crate) fn not_authenticated() -> Self {
        Self::unauthorized(Fault::not_authenticated())
    }

    pub(crate) fn authentication_failed() -> Self {
        Self::unauthorized(Fault::authentication_failed())
    }

    pub(crate) fn permission_denied() -> Self {
        Self::new(StatusCode::FORBIDDEN, Fault::permission_denied())
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, Fault::not_found())
    }

    /// A page past the end of a list.
    pub(crate) fn no_such_page() -> Self {
        Self::new(StatusCode::NOT_FOUND, Fault::no_such_page())
    }

    pub(crate) fn method_not_allowed(method: &str, allow: HeaderValue) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, Fault::method_not_allowed(method)).with(header::ALLOW, allow)
    }

    pub(crate) fn request_timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, Fault::request_timeout())
    }

    /// Somebody else was faster.
    pub(crate) fn conflict() -> Self {
        Self::new(StatusCode::CONFLICT, Fault::conflict())
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Fault::too_large(limit))
    }

    pub(crate) fn unsupported_media_type(media_type: &str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Fault::unsupported_media_type(media_type))
    }

    /// Asked too often: the scope, its rate, and the seconds until the next request may pass.
    pub(crate) fn throttled(scope: &'static str, rate: Rate, seconds: u64) -> Self {
        let problem = Self::too_often(Fault::throttled(scope, rate, seconds), seconds);
        Self { limit: Some(Limit(scope)), ..problem }
    }

    /// Asked too often, by a rule of the business.
    pub(crate) fn too_often(fault: Fault, seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, fault).with(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The name that a client gave its request is none.
    pub(crate) fn idempotency_key_malformed(max: usize) -> Self {
        Self::refused(Fault::idempotency_key_malformed(max))
    }

    /// Another request had this name before.
    pub(crate) fn idempotency_key_reused() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, Fault::idempotency_key_reused())
    }

    /// The request of this name is being served at this moment.
    pub(crate) fn idempotency_key_in_use() -> Self {
        Self::new(StatusCode::CONFLICT, Fault::idempotency_key_in_use())
            .with(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER))
    }

    /// Our fault; `cause` goes to the log and nowhere else.
    pub(crate) fn internal(cause: impl Into<BoxError>) -> Self {
        let problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, Fault::internal());
        Self { cause: Some(cause.into()), ..problem }
    }

    /// Something we need is down or overloaded; the same request may well succeed later.
    pub(crate) fn unavailable(cause: impl Into<BoxError>) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, Fault::unavailable())
            .with(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        Self { cause: Some(cause.into()), ..problem }
    }

    /// Too many requests are being answered; the same request may well succeed later. That is told by a number, for a line of
    /// the log for each would take the time that is missing.
    pub(crate) fn overloaded() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Fault::unavailable())
            .with(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER))
    }

    /// What the framework refused by itself, in our words.
    pub(crate) fn from_framework(error: poem::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(problem) => problem,
            Err(error) => match error.status() {
                StatusCode::NOT_FOUND => Self::not_found(),
                status if status.is_client_error() => Self::new(status, Fault::invalid(Message::BadRequest)),
                _ => Self::internal(error.to_string()),
            },
        }
    }

    /// The answer, in a language that `recipient` understands. What is our fault is logged here, once.
    pub(crate) fn into_answer(self, recipient: &Recipient) -> Response {
        if self.status.is_server_error() && self.cause.is_some() {
            let cause = self.cause.as_deref().map(tracing::field::display);
            let chain = self.cause.as_deref().and_then(causes_of).map(tracing::field::display);
            tracing::error!(status = self.status.as_u16(), cause, chain, "a request failed");
        }
        let document = self.document(recipient).to_json().unwrap_or_default();
        let mut response = Response::builder()
            .status(self.status)
            .content_type(MEDIA_TYPE)
            .header(header::CONTENT_LANGUAGE, recipient.language.tag())
            .header(header::VARY, header::ACCEPT_LANGUAGE.as_str())
            .body(document.to_string());
        response.headers_mut().extend(self.headers);
        if let Some(limit) = self.limit {
            response.extensions_mut().insert(limit);
        }
        response
    }

    fn document(&self, recipient: &Recipient) -> ProblemBody {
        let Recipient { correlation_id, language } = recipient;
        let errors: Vec<_> = self.faults.iter().map(|fault| FaultBody::of(fault, *language)).collect();
        let (code, detail) = match errors.as_slice() {
            [only] => (only.code.clone(), only.message.clone()),
            all => {
                let first = all.first().map_or("invalid", |it| it.code.as_str());
                let code = if all.iter().all(|it| it.code == first) { first } else { "invalid" };
                (code.to_owned(), Message::ManyFaults { count: all.len() }.text(*language))
            }
        };
        ProblemBody {
            r#type: "about:blank".to_owned(),
            title: title(self.status, *language),
            status: self.status.as_u16(),
            detail,
            code,
            errors,
            correlation_id: correlation_id.to_string(),
            phonenumber: self.phone_number.clone(),
        }
    }
}

/// The name of a status. One that only the framework gives has its English name.
fn title(status: StatusCode, language: Language) -> String {
    let title = match status {
        StatusCode::BAD_REQUEST => Message::TitleBadRequest,
        StatusCode::UNAUTHORIZED => Message::TitleUnauthorized,
        StatusCode::FORBIDDEN => Message::TitleForbidden,
        StatusCode::NOT_FOUND => Message::TitleNotFound,
        StatusCode::METHOD_NOT_ALLOWED => Message::TitleMethodNotAllowed,
        StatusCode::REQUEST_TIMEOUT => Message::TitleRequestTimeout,
        StatusCode::CONFLICT => Message::TitleConflict,
        StatusCode::PAYLOAD_TOO_LARGE => Message::TitlePayloadTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Message::TitleUnsupportedMediaType,
        StatusCode::UNPROCESSABLE_ENTITY => Message::TitleUnprocessableEntity,
        StatusCode::TOO_MANY_REQUESTS => Message::TitleTooManyRequests,
        StatusCode::INTERNAL_SERVER_ERROR => Message::TitleInternalServerError,
        StatusCode::SERVICE_UNAVAILABLE => Message::TitleServiceUnavailable,
        other => return other.canonical_reason().unwrap_or_default().to_owned(),
    };
    title.text(language)
}

/// What stands behind `error`, outermost first.
fn causes_of(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<String> {
    let causes: Vec<String> =
        std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string).collect();
    (!causes.is_empty()).then(|| causes.join(": "))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Forbidden(_) => Self::permission_denied(),
            Denied::Undecided(..) => Self::unavailable(denied),
        }
    }
}

impl From<StoreError> for Problem {
    /// What went wrong behind a port is for our logs, not for the caller.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate { key } => Self::refused(Fault::unique(key)),
            StoreError::Conflict(_) | StoreError::Contended(_) => Self::conflict(),
            StoreError::Corrupt { .. } => Self::internal(error),
            StoreError::Unavailable(_) => Self::unavailable(error),
        }
    }
}

/// A refusal, as a problem document (RFC 9457).
#[derive(Object)]
#[oai(rename = "Problem")]
struct ProblemBody {
    /// Always `about:blank`: the code says more than a page could.
    r#type: String,
    /// The name of the status, in the language asked for.
    title: String,
    /// The status of the answer.
    status: u16,
    /// For people: what is wrong, in the language asked for.
    detail: String,
    /// For programs: what is wrong. `invalid` when several things are that have different codes.
    code: String,
    /// All that is wrong, at least one entry.
    errors: Vec<FaultBody>,
    /// The request, as our logs know it.
    correlation_id: String,
    /// The number that was asked about, in E.164 form, where it has no account.
    #[oai(skip_serializing_if_is_none)]
    phonenumber: Option<String>,
}

/// One thing that is wrong with a request.
#[derive(Object)]
#[oai(rename = "Fault", skip_serializing_if_is_none)]
struct FaultBody {
    /// Stable, for programs: `required`.
    code: String,
    /// For people; may change, and follows the language asked for.
    message: String,
    /// Where in the request, as a dotted path: `[1].tracking_number`.
    field: Option<String>,
}

impl FaultBody {
    fn of(fault: &Fault, language: Language) -> Self {
        Self { code: fault.code.to_owned(), message: fault.message.text(language), field: fault.field.clone() }
    }
}

/// Every error answer that an operation may give, each with one of its kind; the document leaves out those that one cannot.
fn documented() -> [(&'static str, Problem); 12] {
    let rate = Rate { limit: 60, window: Duration::from_mins(1) };
    [
        (
            "The request makes no sense, or a rule forbids it: `errors` lists all that is wrong.",
            Problem::invalid(vec![Fault::required().of("name"), Fault::not_a_uuid().of("driver_uuid")]),
        ),
        ("No credentials, or bad ones.", Problem::not_authenticated()),
        ("The credentials do not allow this.", Problem::permission_denied()),
        ("There is no such thing, or no such page.", Problem::not_found()),
        ("The body did not arrive in time.", Problem::request_timeout()),
        (
            "Somebody else changed the same thing at the same time, or the request of this `Idempotency-Key` still runs.",
            Problem::conflict(),
        ),
        ("The body is too large.", Problem::too_large(body::LIMIT)),
        ("The body is neither JSON nor form-encoded.", Problem::unsupported_media_type("text/plain")),
        ("The `Idempotency-Key` was used for another request.", Problem::idempotency_key_reused()),
        ("Asked too often; `Retry-After` says when to try again.", Problem::throttled(UserDefault::NAME, rate, 17)),
        ("Our fault; we find the reason under the correlation id.", Problem::internal("unknown")),
        ("Overloaded, or something we need is down.", Problem::overloaded()),
    ]
}

/// What the error answers look like, by their status.
pub(crate) fn examples() -> Value {
    let correlation_id = CorrelationId::from(Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_0000_0000_0001));
    let recipient = Recipient { correlation_id, language: Language::English };
    let example = |(_, problem): (_, Problem)| {
        (problem.status.as_str().to_owned(), json!({ "value": problem.document(&recipient).to_json() }))
    };
    documented().map(example).into_iter().collect()
}

impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        let responses = documented().map(|(description, problem)| MetaResponse {
            description,
            status: Some(problem.status.as_u16()),
            status_range: None,
            content: vec![MetaMediaType { content_type: MEDIA_TYPE, schema: ProblemBody::schema_ref() }],
            headers: documented_header(problem.status).into_iter().collect(),
        });
        MetaResponses { responses: responses.into() }
    }

    fn register(registry: &mut Registry) {
        ProblemBody::register(registry);
    }
}

fn documented_header(status: StatusCode) -> Option<MetaHeader> {
    let (name, description) = match status {
        StatusCode::UNAUTHORIZED => ("WWW-Authenticate", "How to authenticate."),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            ("Retry-After", "Seconds to wait before the next try.")
        }
        _ => return None,
    };
    Some(MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: true,
        deprecated: false,
        schema: String::schema_ref(),
    })
}
