//! Bodies that may carry files: `multipart/form-data` (RFC 7578) beside JSON and forms, bounded in every direction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use multer::{Constraints, Multipart, SizeLimit};
use poem::http::header;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::body::{self, Body, Payload};
use crate::fault::Fault;
use crate::fields::{Fields, Sent};
use crate::messages::Message;
use crate::problem::Problem;

const MULTIPART: &str = "multipart/form-data";
/// An upload that takes longer is not waited for.
const DEADLINE: Duration = Duration::from_secs(25);
/// Uploads in memory at once, each of them twice for a moment: what they take is bounded, whoever comes.
const AT_ONCE: usize = 4;
/// An upload that has to wait longer for its turn is turned away.
const TURN: Duration = Duration::from_secs(3);
/// The most parts of one body: more than any form of ours has fields.
const MAX_PARTS: usize = 64;

/// Characters of the longest boundary (RFC 2046, 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// A [`Payload`] with files in it.
pub(crate) trait UploadPayload: Payload {
    /// The largest file, in bytes. Everything else together has at most [`body::LIMIT`].
    const FILE_LIMIT: usize;
}

/// A body that is one object, and may carry files.
pub(crate) struct Upload<T> {
    pub(crate) content: T,
    /// Until the request is answered, the files are in memory.
    _turn: Option<OwnedSemaphorePermit>,
}

/// The uploads that are in memory now.
#[derive(Clone)]
pub(crate) struct Uploads(Arc<Semaphore>);

impl Default for Uploads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Uploads {
    /// Waits until another upload fits into memory.
    async fn turn_of(request: &Request) -> Result<OwnedSemaphorePermit, Problem> {
        let Self(uploads) = request.data().cloned().ok_or_else(|| Problem::internal("nothing can be uploaded here"))?;
        match tokio::time::timeout(TURN, uploads.acquire_owned()).await {
            Ok(turn) => turn.map_err(Problem::internal),
            Err(_) => Err(Problem::unavailable("too many uploads at once")),
        }
    }
}

impl<'a, T: UploadPayload> ApiExtractor<'a> for Upload<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        body::register::<T>(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let schema = MetaSchemaRef::Reference(T::NAME.to_owned());
        let media_types = [body::JSON, body::FORM, MULTIPART];
        let content = media_types.map(|content_type| MetaMediaType { content_type, schema: schema.clone() });
        Some(MetaRequest { description: None, content: content.into(), required: false })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        if !is_multipart(request) {
            let Body(content) = Body::from_request(request, body, options).await?;
            return Ok(Self { content, _turn: None });
        }
        let turn = Uploads::turn_of(request).await?;
        let sent = sent::<T>(request, body).await?;
        let content = Fields::read(sent, String::new()).map_err(Problem::invalid)?;
        Ok(Self { content, _turn: Some(turn) })
    }
}

fn is_multipart(request: &Request) -> bool {
    let media_type = request.content_type().and_then(|it| it.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case(MULTIPART)
}

async fn sent<T: UploadPayload>(request: &Request, body: &mut RequestBody) -> Result<Sent, Problem> {
    if let Some(coding) = request.header(header::CONTENT_ENCODING).filter(|it| *it != "identity") {
        return Err(Problem::unsupported_media_type(coding));
    }
    let boundary = multer::parse_boundary(request.content_type().unwrap_or_default());
    let boundary = boundary.ok().filter(|it| (1..=MAX_BOUNDARY).contains(&it.len()));
    let boundary = boundary.ok_or_else(|| malformed(Message::MultipartNoBoundary))?;
    let limit = T::FILE_LIMIT + body::LIMIT;
    let bytes = body::read(request, body, limit, DEADLINE).await?;

    let sizes = SizeLimit::new().whole_stream(bounded(limit)).per_field(bounded(T::FILE_LIMIT.max(body::LIMIT)));
    // In one piece: of what comes bit by bit, the parser looks at all it holds again with every bit.
    let whole = stream::iter([Ok::<_, std::io::Error>(bytes)]);
    let parts = Multipart::with_constraints(whole, boundary, Constraints::new().size_limit(sizes));
    collected(parts, T::FILE_LIMIT).await
}

/// Takes the parts apart into texts and files. A part is a file if it says what the file is called; a file without a
/// name and content is what a browser sends if none was chosen.
async fn collected(mut parts: Multipart<'_>, file_limit: usize) -> Result<Sent, Problem> {
    let mut texts: HashMap<String, Vec<String>> = HashMap::new();
    let mut files: HashMap<String, Bytes> = HashMap::new();
    let mut text_bytes = 0;
    // One round more than there may be parts, to see that there are no more.
    for _ in 0..=MAX_PARTS {
        let Some(part) = parts.next_field().await.map_err(|error| unreadable(&error))? else {
            return Ok(Sent::Upload { texts, files });
        };
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.file_name().map(ToOwned::to_owned);
        let content = part.bytes().await.map_err(|error| unreadable(&error))?;
        match file_name {
            Some(file_name) if file_name.is_empty() && content.is_empty() => {}
            Some(_) if content.len() > file_limit => return Err(Problem::too_large(file_limit)),
            Some(_) => {
                files.insert(name, content);
            }
            None => {
                text_bytes += content.len();
                if text_bytes > body::LIMIT {
                    return Err(Problem::too_large(body::LIMIT));
                }
                texts.entry(name).or_default().push(String::from_utf8_lossy(&content).into_owned());
            }
        }
    }
    Err(malformed(Message::MultipartTooManyParts))
}

fn unreadable(error: &multer::Error) -> Problem {
    match error {
        multer::Error::FieldSizeExceeded { limit, .. } | multer::Error::StreamSizeExceeded { limit } => {
            Problem::too_large(usize::try_from(*limit).unwrap_or(usize::MAX))
        }
        // Whatever else it is, the parser repeats what came: a megabyte of it, if need be.
        _ => malformed(Message::MultipartMalformed),
    }
}

fn malformed(message: Message) -> Problem {
    Problem::refused(Fault::new("parse_error", message))
}

fn bounded(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
