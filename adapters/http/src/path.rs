//! Path parameters: what cannot be the name of anything is simply not there.

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchemaRef};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use uuid::Uuid;

use crate::problem::Problem;

/// A path parameter. One that does not parse is a 404, as one that names nothing.
pub(crate) struct Path<T>(pub(crate) T);

/// What can stand in a path.
pub(crate) trait Segment: Sized + Send {
    /// How the document describes it.
    type Described: Type;

    /// Reads it, percent-decoded.
    fn read(raw: &str) -> Option<Self>;
}

impl Segment for Uuid {
    type Described = Self;

    fn read(raw: &str) -> Option<Self> {
        strict_uuid(raw)
    }
}

/// A UUID with its four dashes or without any: the library takes braces and URNs too, and one
/// thing would have many names.
pub(crate) fn strict_uuid(raw: &str) -> Option<Uuid> {
    Uuid::try_parse(raw).ok().filter(|_| matches!(raw.len(), 32 | 36))
}

impl Segment for String {
    type Described = Self;

    fn read(raw: &str) -> Option<Self> {
        Some(raw.to_owned())
    }
}

impl<'a, T: Segment> ApiExtractor<'a> for Path<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = true;

    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Path)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(T::Described::schema_ref())
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        param: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let raw = request.raw_path_param(param.name);
        Ok(Self(raw.and_then(T::read).ok_or_else(Problem::not_found)?))
    }
}
