//! `/shipping/batches/`

use std::sync::Arc;

use kernel_application::{Direction, MAX_ENTRIES, PageRequest};
use poem_openapi::OpenApi;
use serde_json::{Value, json};
use shipping_application::{
    BatchFilter, BatchOrder, DeleteBatchError, FindBatchError, NewAlias, OpenBatch, OpenBatchError, PackItems,
    PackItemsError, RenameBatch, RenameBatchError, Shipping, UnpackItems, UnpackItemsError,
};
use shipping_domain::Alias;

use super::answers::{BatchBody, ItemBody};
use super::items::ItemQuery;
use super::{Read, ReadOrDrive, Write, rules};
use crate::body::{Body, Bulk, Payload};
use crate::caller::Allowed;
use crate::created::Created;
use crate::fault::Fault;
use crate::fields::{Change, Fields, Input};
use crate::json::Json;
use crate::no_content::NoContent;
use crate::page::{Here, PageBody};
use crate::path::Path;
use crate::problem::Problem;
use crate::query::Query;
use crate::tags::Tag;
use crate::throttle::{Throttled, UserDefault};

pub(crate) struct BatchesApi {
    pub(super) shipping: Arc<Shipping>,
}

#[OpenApi(prefix_path = "/shipping/batches", tag = "Tag::Shipping")]
impl BatchesApi {
    /// List the batches
    #[oai(path = "/", method = "get", operation_id = "list_batches")]
    async fn list(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Read>,
        query: Query<BatchQuery>,
        here: Here,
    ) -> Result<Json<PageBody<BatchBody>>, Problem> {
        let BatchQuery { filter, order, page } = query.0;
        let page = self.shipping.batches(&actor, &filter, &order, page).await?;
        Ok(Json(PageBody::at(&here, page)))
    }

    /// Open a batch
    ///
    /// Without an alias it gets one.
    #[oai(path = "/", method = "post", operation_id = "open_batch")]
    async fn open(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        body: Body<NewBatch>,
    ) -> Result<Created<BatchBody>, Problem> {
        let NewBatch(command) = body.0;
        Ok(Created(self.shipping.open_batch(&actor, command).await?.into()))
    }

    /// See a batch
    #[oai(path = "/:alias", method = "get", operation_id = "find_batch")]
    async fn find(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Read>,
        alias: Path<Alias>,
    ) -> Result<Json<BatchBody>, Problem> {
        Ok(Json(self.shipping.batch(&actor, &alias.0).await?.into()))
    }

    /// Replace what can be changed of a batch
    ///
    /// That is its alias, as long as it has not departed.
    #[oai(path = "/:alias", method = "put", operation_id = "replace_batch")]
    async fn replace(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        alias: Path<Alias>,
        body: Body<BatchChanges>,
    ) -> Result<Json<BatchBody>, Problem> {
        let command = RenameBatch { alias: alias.0, to: body.0.0 };
        Ok(Json(self.shipping.rename_batch(&actor, command).await?.into()))
    }

    /// Change a batch
    ///
    /// What is left out stays as it is. The alias can be changed as long as the batch has not departed.
    #[oai(path = "/:alias", method = "patch", operation_id = "change_batch")]
    async fn change(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        alias: Path<Alias>,
        body: Body<BatchChanges>,
    ) -> Result<Json<BatchBody>, Problem> {
        let command = RenameBatch { alias: alias.0, to: body.0.0 };
        Ok(Json(self.shipping.rename_batch(&actor, command).await?.into()))
    }

    /// Delete a batch
    ///
    /// A batch with items in it, or on a transport, stays.
    #[oai(path = "/:alias", method = "delete", operation_id = "delete_batch")]
    async fn delete(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        alias: Path<Alias>,
    ) -> Result<NoContent, Problem> {
        self.shipping.delete_batch(&actor, &alias.0).await?;
        Ok(NoContent)
    }

    /// List the items of a batch
    ///
    /// Drivers see those of the batches on their own transports, without the other batches in their histories.
    #[oai(path = "/:alias/shippingitems", method = "get", operation_id = "list_items_of_batch")]
    async fn items(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<ReadOrDrive>,
        alias: Path<Alias>,
        query: Query<ItemQuery>,
        here: Here,
    ) -> Result<Json<PageBody<ItemBody>>, Problem> {
        let ItemQuery { filter, order, page } = query.0;
        let page = self.shipping.items_of_batch(&actor, &alias.0, filter, &order, page).await?;
        Ok(Json(PageBody::at(&here, page)))
    }

    /// Add items to a batch
    ///
    /// One or many; all of them are added, or none. A form has many by repeating `tracking_number`.
    #[oai(path = "/:alias/add", method = "post", operation_id = "pack_items")]
    async fn add(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        alias: Path<Alias>,
        body: Bulk<NamedItem>,
    ) -> Result<Json<Vec<ItemBody>>, Problem> {
        let tracking_numbers = body.entries.iter().map(|it| it.0.clone()).collect();
        let packed = self.shipping.pack_items(&actor, PackItems { alias: alias.0, tracking_numbers }).await;
        let packed = packed.map_err(|error| not_packed(error, &body))?;
        Ok(Json(packed.into_iter().map(Into::into).collect()))
    }

    /// Take items out of a batch
    ///
    /// One or many; all of them are taken out, or none. What is not in the batch stays where it is. A form has many by
    /// repeating `tracking_number`.
    #[oai(path = "/:alias/remove", method = "post", operation_id = "unpack_items")]
    async fn remove(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        alias: Path<Alias>,
        body: Bulk<NamedItem>,
    ) -> Result<Json<Vec<ItemBody>>, Problem> {
        let tracking_numbers = body.entries.iter().map(|it| it.0.clone()).collect();
        let unpacked = self.shipping.unpack_items(&actor, UnpackItems { alias: alias.0, tracking_numbers }).await;
        let unpacked = unpacked.map_err(|error| not_unpacked(error, &body))?;
        Ok(Json(unpacked.into_iter().map(Into::into).collect()))
    }
}

/// Which batches, in which order.
pub(super) struct BatchQuery {
    pub(super) filter: BatchFilter,
    pub(super) order: Vec<(BatchOrder, Direction)>,
    pub(super) page: PageRequest,
}

impl Input for BatchQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let completed = fields.boolean("completed", "Only those that have arrived, or have not.").optional();
        let order = fields
            .ordering(&[("timestamp_created", BatchOrder::Created), ("timestamp_completed", BatchOrder::Completed)]);
        let page = fields.page();
        Some(Self { filter: BatchFilter { completed: completed?, transport: None }, order: order?, page: page? })
    }
}

struct NewBatch(OpenBatch);

impl Input for NewBatch {
    fn read(fields: &mut Fields) -> Option<Self> {
        let about = "Letters, digits, dashes and underscores, unique. Without one, or if it is blank, one is drawn.";
        let alias = fields.text("alias", about).max(Alias::MAX_CHARS).blank().nullable();
        let alias = alias.parse(|given| if given.is_empty() { Ok(None) } else { Alias::parse(given).map(Some) });
        let alias = alias.optional();
        Some(Self(OpenBatch { alias: alias?.flatten() }))
    }
}

impl Payload for NewBatch {
    const NAME: &'static str = "NewBatch";

    fn example() -> Value {
        json!({ "alias": "friday-evening" })
    }
}

struct BatchChanges(NewAlias);

impl Input for BatchChanges {
    fn read(fields: &mut Fields) -> Option<Self> {
        let about = "Letters, digits, dashes and underscores, unique. If it is blank, one is drawn.";
        let alias = fields.text("alias", about).max(Alias::MAX_CHARS).parse(Alias::parse).change();
        Some(Self(match alias? {
            Change::Stay => NewAlias::Same,
            Change::Clear => NewAlias::Drawn,
            Change::Become(alias) => NewAlias::Given(alias),
        }))
    }
}

impl Payload for BatchChanges {
    const NAME: &'static str = "BatchChanges";

    fn example() -> Value {
        json!({ "alias": "saturday-morning" })
    }
}

/// An item to put in or to take out.
struct NamedItem(String);

impl Input for NamedItem {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self(fields.text("tracking_number", "The item.").required()?))
    }
}

impl Payload for NamedItem {
    const NAME: &'static str = "NamedItem";

    fn example() -> Value {
        json!({ "tracking_number": "20260102-0123456789" })
    }
}

impl From<FindBatchError> for Problem {
    fn from(error: FindBatchError) -> Self {
        match error {
            FindBatchError::Denied(denied) => denied.into(),
            FindBatchError::UnknownBatch(_) | FindBatchError::UnknownTransport(_) => Self::not_found(),
            FindBatchError::PastTheEnd => Self::no_such_page(),
            FindBatchError::Store(error) => error.into(),
        }
    }
}

impl From<OpenBatchError> for Problem {
    fn from(error: OpenBatchError) -> Self {
        match error {
            OpenBatchError::Denied(denied) => denied.into(),
            OpenBatchError::Store(error) => error.into(),
        }
    }
}

impl From<RenameBatchError> for Problem {
    fn from(error: RenameBatchError) -> Self {
        match error {
            RenameBatchError::Denied(denied) => denied.into(),
            RenameBatchError::UnknownBatch(_) => Self::not_found(),
            RenameBatchError::CannotChange(refusal) => Self::refused(refusal.into()),
            RenameBatchError::Store(error) => error.into(),
        }
    }
}

impl From<DeleteBatchError> for Problem {
    fn from(error: DeleteBatchError) -> Self {
        match error {
            DeleteBatchError::Denied(denied) => denied.into(),
            DeleteBatchError::UnknownBatch(_) => Self::not_found(),
            DeleteBatchError::CannotDelete(refusal) => Self::refused(refusal.into()),
            DeleteBatchError::Store(error) => error.into(),
        }
    }
}

fn not_unpacked(error: UnpackItemsError, body: &Bulk<NamedItem>) -> Problem {
    match error {
        UnpackItemsError::Denied(denied) => denied.into(),
        UnpackItemsError::UnknownBatch(_) => Problem::not_found(),
        UnpackItemsError::TooMany => Problem::refused(Fault::too_many(MAX_ENTRIES)),
        UnpackItemsError::BatchClosed(refusal) => Problem::refused(refusal.into()),
        UnpackItemsError::Items(refused) => rules::all_refused(refused, body, "tracking_number"),
        UnpackItemsError::Store(error) => error.into(),
    }
}

fn not_packed(error: PackItemsError, body: &Bulk<NamedItem>) -> Problem {
    match error {
        PackItemsError::Denied(denied) => denied.into(),
        PackItemsError::UnknownBatch(_) => Problem::not_found(),
        PackItemsError::TooMany => Problem::refused(Fault::too_many(MAX_ENTRIES)),
        PackItemsError::BatchClosed(refusal) => Problem::refused(refusal.into()),
        PackItemsError::Items(refused) => rules::all_refused(refused, body, "tracking_number"),
        PackItemsError::Store(error) => error.into(),
    }
}
