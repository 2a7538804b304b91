//! `/shipping/shippingitems/`

use std::sync::Arc;

use kernel_application::{Direction, PageRequest};
use kernel_domain::StoreError;
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;
use serde_json::{Value, json};
use shipping_application::{FindItemError, ItemFilter, ItemOrder, RegisterItem, RegisterItemError, Shipping};
use shipping_domain::{ItemStatus, Sku, TrackingNumber};

use super::answers::ItemBody;
use super::{Read, Write};
use crate::body::{Body, Payload};
use crate::caller::Allowed;
use crate::created::Created;
use crate::fields::{Fields, Input};
use crate::page::{Here, PageBody};
use crate::path::Path;
use crate::problem::Problem;
use crate::query::Query;
use crate::tags::Tag;
use crate::throttle::{Throttled, UserDefault};

pub(crate) struct ItemsApi {
    pub(super) shipping: Arc<Shipping>,
}

#[OpenApi(prefix_path = "/shipping/shippingitems", tag = "Tag::Shipping")]
impl ItemsApi {
    /// List the items
    #[oai(path = "/", method = "get", operation_id = "list_items")]
    async fn list(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Read>,
        query: Query<ItemQuery>,
        here: Here,
    ) -> Result<Json<PageBody<ItemBody>>, Problem> {
        let ItemQuery { filter, order, page } = query.0;
        let page = self.shipping.items(&actor, &filter, &order, page).await?;
        Ok(Json(PageBody::at(&here, page)))
    }

    /// Register an item
    #[oai(path = "/", method = "post", operation_id = "register_item")]
    async fn register(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        body: Body<NewItem>,
    ) -> Result<Created<ItemBody>, Problem> {
        let NewItem(command) = body.0;
        Ok(Created(self.shipping.register_item(&actor, command).await?.into()))
    }

    /// See an item
    #[oai(path = "/:tracking_number", method = "get", operation_id = "find_item")]
    async fn find(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Read>,
        tracking_number: Path<TrackingNumber>,
    ) -> Result<Json<ItemBody>, Problem> {
        Ok(Json(self.shipping.item(&actor, &tracking_number.0).await?.into()))
    }
}

/// Which items, in which order.
pub(super) struct ItemQuery {
    pub(super) filter: ItemFilter,
    pub(super) order: Vec<(ItemOrder, Direction)>,
    pub(super) page: PageRequest,
}

impl Input for ItemQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let status = fields.choice("status", "Only those that fare so.", &ItemStatus::ALL, ItemStatus::name).optional();
        let order = fields
            .ordering(&[("timestamp_created", ItemOrder::Created), ("timestamp_completed", ItemOrder::Completed)]);
        let page = fields.page();
        Some(Self { filter: ItemFilter { status: status?, batch: None }, order: order?, page: page? })
    }
}

struct NewItem(RegisterItem);

impl Input for NewItem {
    fn read(fields: &mut Fields) -> Option<Self> {
        let sku = fields.text("sku", "The seller's article number; may be empty.").max(Sku::MAX_CHARS).blank();
        let sku = sku.parse(Sku::parse).required();
        Some(Self(RegisterItem { sku: sku? }))
    }
}

impl Payload for NewItem {
    const NAME: &'static str = "NewItem";

    fn example() -> Value {
        json!({ "sku": "TEA-250G" })
    }
}

impl From<FindItemError> for Problem {
    fn from(error: FindItemError) -> Self {
        match error {
            FindItemError::Denied(denied) => denied.into(),
            FindItemError::UnknownItem(_) | FindItemError::UnknownBatch(_) => Self::not_found(),
            FindItemError::PastTheEnd => Self::no_such_page(),
            FindItemError::Store(error) => error.into(),
        }
    }
}

impl From<RegisterItemError> for Problem {
    fn from(error: RegisterItemError) -> Self {
        match error {
            RegisterItemError::Denied(denied) => denied.into(),
            // The number was drawn by us, several times: it is nothing that the client could change.
            RegisterItemError::Store(error @ StoreError::Duplicate { .. }) => Self::internal(error),
            RegisterItemError::Store(error) => error.into(),
        }
    }
}
