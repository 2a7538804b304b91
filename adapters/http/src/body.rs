//! Request bodies: JSON or form-encoded, bounded, and read so that every fault is found.

use std::time::Duration;

use futures_util::StreamExt as _;
use kernel_application::MAX_ENTRIES;
use poem::error::ReadBodyError;
use poem::http::header;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::{Map, Value};

use crate::deadline::Patience;
use crate::fault::Fault;
use crate::fields::{Fields, Input, Sent, kind_of};
use crate::overload::Place;
use crate::problem::Problem;

/// The largest body, in bytes.
pub(crate) const LIMIT: usize = 1024 * 1024;
/// A body that takes longer is not waited for. The time a request may take begins when its body is there.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
/// Bytes of a body that is too large that are read and thrown away: what somebody sends who is only a little over.
const DISCARDED: usize = 16 * 1024 * 1024;
/// And for how long.
const DISCARD_DEADLINE: Duration = Duration::from_secs(2);
pub(crate) const JSON: &str = "application/json";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// An [`Input`] that stands in the document under a name, with an example.
pub(crate) trait Payload: Input {
    /// The schema's name.
    const NAME: &'static str;

    /// A body that would be accepted.
    fn example() -> Value;
}

/// A body that is one object.
pub(crate) struct Body<T>(pub(crate) T);

/// A body that is one object or a list of at most [`MAX_ENTRIES`]; as a form, one whose required names may be repeated.
pub(crate) struct Bulk<T> {
    pub(crate) entries: Vec<T>,
    /// Which of the two it was: the field of a fault depends on it.
    listed: bool,
}

impl<T> Bulk<T> {
    /// The path to `field` of an entry.
    pub(crate) fn path(&self, entry: usize, field: &str) -> String {
        if self.listed { format!("[{entry}].{field}") } else { field.to_owned() }
    }
}

/// What a body holds, whatever it was encoded in.
enum Content {
    Object(Sent),
    List(Vec<Value>),
    Other(Value),
}

impl From<Value> for Content {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(members) => Self::Object(Sent::Json(members)),
            Value::Array(entries) => Self::List(entries),
            other => Self::Other(other),
        }
    }
}

impl<'a, T: Payload> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register::<T>(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let schema = MetaSchemaRef::Reference(T::NAME.to_owned());
        let content = [JSON, FORM].map(|content_type| MetaMediaType { content_type, schema: schema.clone() });
        let required = Fields::read::<T>(Sent::Json(Map::new()), String::new()).is_err();
        Some(MetaRequest { description: None, content: content.into(), required })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let content = Box::pin(content(request, body)).await?;
        Ok(Self(object(content).map_err(Problem::invalid)?))
    }
}

impl<'a, T: Payload> ApiExtractor<'a> for Bulk<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register::<T>(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let one = || MetaSchemaRef::Reference(T::NAME.to_owned());
        let many = MetaSchemaRef::Inline(Box::new(MetaSchema {
            items: Some(Box::new(one())),
            max_items: Some(MAX_ENTRIES),
            ..MetaSchema::new("array")
        }));
        let either = MetaSchema { one_of: vec![one(), many], ..MetaSchema::ANY };
        let content = vec![
            MetaMediaType { content_type: JSON, schema: MetaSchemaRef::Inline(Box::new(either)) },
            MetaMediaType { content_type: FORM, schema: one() },
        ];
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let (read, listed) = match Box::pin(content(request, body)).await? {
            Content::List(entries) => (list(entries.into_iter().map(Content::from).collect()), true),
            Content::Object(sent) => {
                let entries = sent.one_by_one(&Fields::describe::<T>().required, MAX_ENTRIES + 1);
                match <[Sent; 1]>::try_from(entries) {
                    Ok([one]) => (Fields::read(one, String::new()).map(|entry| vec![entry]), false),
                    Err(many) => (list(many.into_iter().map(Content::Object).collect()), true),
                }
            }
            other @ Content::Other(_) => (object(other).map(|entry| vec![entry]), false),
        };
        Ok(Self { entries: read.map_err(Problem::invalid)?, listed })
    }
}

pub(crate) fn register<T: Payload>(registry: &mut Registry) {
    registry.create_schema::<T, _>(T::NAME.to_owned(), |_| MetaSchema {
        example: Some(T::example()),
        ..Fields::describe::<T>()
    });
}

fn object<T: Input>(content: Content) -> Result<T, Vec<Fault>> {
    match content {
        Content::Object(sent) => Fields::read(sent, String::new()),
        Content::List(_) => Err(vec![Fault::not_an_object("list")]),
        Content::Other(Value::Null) => Err(vec![Fault::no_data()]),
        Content::Other(other) => Err(vec![Fault::not_an_object(kind_of(&other))]),
    }
}

fn list<T: Input>(entries: Vec<Content>) -> Result<Vec<T>, Vec<Fault>> {
    if entries.len() > MAX_ENTRIES {
        return Err(vec![Fault::too_many(MAX_ENTRIES)]);
    }
    let mut values = Vec::with_capacity(entries.len());
    let mut faults = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let read = match entry {
            Content::Object(sent) => Fields::read(sent, format!("[{at}].")),
            Content::List(_) => Err(vec![Fault::not_an_object("list").of(format!("[{at}]"))]),
            Content::Other(other) => Err(vec![Fault::not_an_object(kind_of(&other)).of(format!("[{at}]"))]),
        };
        match read {
            Ok(value) => values.push(value),
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

/// Decodes the body. Of a JSON name that occurs twice the last value counts, as everywhere else.
async fn content(request: &Request, body: &mut RequestBody) -> Result<Content, Problem> {
    let bytes = read(request, body, LIMIT, DEADLINE).await?;
    let content_type = request.content_type().unwrap_or_default();
    if let Some(coding) = request.header(header::CONTENT_ENCODING).filter(|it| *it != "identity") {
        return Err(Problem::unsupported_media_type(coding));
    }
    if bytes.is_empty() && content_type.is_empty() {
        return Ok(Content::Object(Sent::Json(Map::new())));
    }
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.as_str() {
        FORM => Ok(Content::Object(Sent::urlencoded(&bytes))),
        JSON if bytes.is_empty() => Ok(Content::Object(Sent::Json(Map::new()))),
        // Nesting is bounded by the parser: what is deeper does not parse.
        JSON => match serde_json::from_slice::<Value>(&bytes) {
            Ok(value) => Ok(value.into()),
            Err(error) => Err(Problem::refused(Fault::parse_error(error))),
        },
        _ => Err(Problem::unsupported_media_type(content_type)),
    }
}

/// The whole body, if it has at most `limit` bytes and arrives within `deadline`. While it arrives, others have our place.
pub(crate) async fn read(
    request: &Request,
    body: &mut RequestBody,
    limit: usize,
    deadline: Duration,
) -> Result<bytes::Bytes, Problem> {
    let announced = request.header(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    let body = body.take().map_err(|error| Problem::internal(error.to_string()))?;
    Place::leave(request)?;
    if announced.is_some_and(|length| length > limit) {
        discard(body).await;
        return Err(Problem::too_large(limit));
    }
    Patience::for_body(request, deadline);
    let arrived = tokio::time::timeout(deadline, body.into_bytes_limit(limit)).await;
    Patience::for_work(request);
    match arrived {
        Ok(Ok(bytes)) => Place::take_again(request).map(|()| bytes),
        Ok(Err(ReadBodyError::PayloadTooLarge)) => Err(Problem::too_large(limit)),
        Ok(Err(_)) => Err(Problem::refused(Fault::unreadable_body())),
        Err(_) => Err(Problem::request_timeout()),
    }
}

/// Reads what nobody wants, up to a point: whoever is still sending when the connection is closed never sees the answer
/// (RFC 9112, 9.6).
async fn discard(body: poem::Body) {
    let mut chunks = Box::pin(body.into_bytes_stream());
    let reading = async {
        let mut left = DISCARDED;
        while let Some(Ok(chunk)) = chunks.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    // Who takes longer gets the answer, or the end of the connection.
    let _ = tokio::time::timeout(DISCARD_DEADLINE, reading).await;
}
