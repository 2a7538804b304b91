//! The answer to a request that made something.

use poem::http::StatusCode;
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::types::ToJSON;
use serde::Serialize;

use crate::json::Json;

/// 201, with what was made.
pub(crate) struct Created<T>(pub(crate) T);

impl<T: Serialize + Send> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.0).into_response();
        response.set_status(StatusCode::CREATED);
        response
    }
}

impl<T: ToJSON> ApiResponse for Created<T> {
    fn meta() -> MetaResponses {
        let mut meta = Json::<T>::meta();
        meta.responses.iter_mut().for_each(|response| response.status = Some(StatusCode::CREATED.as_u16()));
        meta
    }

    fn register(registry: &mut Registry) {
        Json::<T>::register(registry);
    }
}
