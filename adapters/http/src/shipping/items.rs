//! `/shipping/shippingitems/`

use std::sync::Arc;

use kernel_application::{Direction, PageRequest};
use kernel_domain::StoreError;
use poem_openapi::OpenApi;
use serde_json::{Value, json};
use shipping_application::{
    ChangeItem, ChangeItemError, DeleteItemError, FindItemError, ItemFilter, ItemOrder, RegisterItem,
    RegisterItemError, Shipping,
};
use shipping_domain::{ItemStatus, Sku, TrackingNumber};

use super::answers::ItemBody;
use super::{Read, Write};
use crate::body::{Body, Payload};
use crate::caller::Allowed;
use crate::created::Created;
use crate::fields::{Convert, Field, Fields, Input};
use crate::json::Json;
use crate::no_content::NoContent;
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
    ///
    /// Without an article number it has an empty one.
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

    /// Replace what is written on an item
    ///
    /// The status is changed too if it is given.
    #[oai(path = "/:tracking_number", method = "put", operation_id = "replace_item")]
    async fn replace(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        tracking_number: Path<TrackingNumber>,
        body: Body<WholeItem>,
    ) -> Result<Json<ItemBody>, Problem> {
        let WholeItem { sku, status } = body.0;
        let command = ChangeItem { tracking_number: tracking_number.0, sku: Some(sku), status };
        Ok(Json(self.shipping.change_item(&actor, command).await?.into()))
    }

    /// Change an item
    ///
    /// What is left out stays as it is.
    #[oai(path = "/:tracking_number", method = "patch", operation_id = "change_item")]
    async fn change(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        tracking_number: Path<TrackingNumber>,
        body: Body<ItemChanges>,
    ) -> Result<Json<ItemBody>, Problem> {
        let ItemChanges { sku, status } = body.0;
        let command = ChangeItem { tracking_number: tracking_number.0, sku, status };
        Ok(Json(self.shipping.change_item(&actor, command).await?.into()))
    }

    /// Delete an item
    ///
    /// Its history goes with it. An item in an open batch stays.
    #[oai(path = "/:tracking_number", method = "delete", operation_id = "delete_item")]
    async fn delete(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        tracking_number: Path<TrackingNumber>,
    ) -> Result<NoContent, Problem> {
        self.shipping.delete_item(&actor, &tracking_number.0).await?;
        Ok(NoContent)
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

/// No control characters.
const SKU_PATTERN: &str = r"[^\u0000-\u001F\u007F-\u009F]*";
const SKU: &str = "The seller's article number; may be empty.";
const STATUS: &str = "How it fares. Setting the status it has changes nothing.";

fn sku(fields: &mut Fields) -> Field<'_, impl Convert<Sku>> {
    fields.text("sku", SKU).max(Sku::MAX_CHARS).looking_like(SKU_PATTERN).blank().parse(Sku::parse)
}

impl Input for NewItem {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self(RegisterItem { sku: sku(fields).optional()?.unwrap_or_default() }))
    }
}

impl Payload for NewItem {
    const NAME: &'static str = "NewItem";

    fn example() -> Value {
        json!({ "sku": "TEA-250G" })
    }
}

struct WholeItem {
    sku: Sku,
    status: Option<ItemStatus>,
}

impl Input for WholeItem {
    fn read(fields: &mut Fields) -> Option<Self> {
        let sku = sku(fields).required();
        let status = fields.choice("status", STATUS, &ItemStatus::ALL, ItemStatus::name).optional();
        Some(Self { sku: sku?, status: status? })
    }
}

impl Payload for WholeItem {
    const NAME: &'static str = "WholeItem";

    fn example() -> Value {
        json!({ "sku": "TEA-500G", "status": "MOVING" })
    }
}

struct ItemChanges {
    sku: Option<Sku>,
    status: Option<ItemStatus>,
}

impl Input for ItemChanges {
    fn read(fields: &mut Fields) -> Option<Self> {
        let sku = sku(fields).optional();
        let status = fields.choice("status", STATUS, &ItemStatus::ALL, ItemStatus::name).optional();
        Some(Self { sku: sku?, status: status? })
    }
}

impl Payload for ItemChanges {
    const NAME: &'static str = "ItemChanges";

    fn example() -> Value {
        json!({ "status": "COMPLETED" })
    }
}

impl From<ChangeItemError> for Problem {
    fn from(error: ChangeItemError) -> Self {
        match error {
            ChangeItemError::Denied(denied) => denied.into(),
            ChangeItemError::UnknownItem(_) => Self::not_found(),
            ChangeItemError::CannotChangeStatus(refusal) => Self::refused(refusal.into()),
            ChangeItemError::Store(error) => error.into(),
        }
    }
}

impl From<DeleteItemError> for Problem {
    fn from(error: DeleteItemError) -> Self {
        match error {
            DeleteItemError::Denied(denied) => denied.into(),
            DeleteItemError::UnknownItem(_) => Self::not_found(),
            DeleteItemError::CannotDelete(refusal) => Self::refused(refusal.into()),
            DeleteItemError::Store(error) => error.into(),
        }
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
