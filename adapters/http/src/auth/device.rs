//! From where somebody signs in, for their own list of sessions.

use auth_domain::Device;
use poem::http::header;
use poem::{FromRequest, Request, RequestBody};

use crate::origin;

/// What a request says of where it comes from.
pub(super) struct SeenFrom(pub(super) Device);

impl<'a> FromRequest<'a> for SeenFrom {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let address = origin::client_address(request).map(|it| it.to_string());
        Ok(Self(Device::seen(request.header(header::USER_AGENT), address.as_deref())))
    }
}
