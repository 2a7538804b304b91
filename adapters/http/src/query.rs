//! Query parameters: all of a request's faults at once, each parameter in the document.

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::fields::{Fields, Input, Sent};
use crate::problem::Problem;

/// The parameters of a query. Unknown ones are ignored; of one that occurs twice the last counts.
///
/// To the document this is one parameter whose members are the real ones; `document.rs` takes them apart.
pub(crate) struct Query<T>(pub(crate) T);

impl<'a, T: Input> ApiExtractor<'a> for Query<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];

    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Query)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(Fields::describe::<T>())))
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let sent = Sent::urlencoded(request.uri().query().unwrap_or_default().as_bytes());
        Ok(Self(Fields::read(sent, String::new()).map_err(Problem::invalid)?))
    }
}
