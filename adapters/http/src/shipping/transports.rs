//! `/shipping/transports/`

use std::sync::Arc;

use kernel_application::{Direction, MAX_ENTRIES, PageRequest};
use poem_openapi::OpenApi;
use serde_json::{Value, json};
use shipping_application::{
    CompleteTransport, CompleteTransportError, DeleteTransportError, FindTransportError, LoadBatches, LoadBatchesError,
    NewDriver, PlanTransport, PlanTransportError, ReplanTransport, ReplanTransportError, Shipping, StartTransport,
    StartTransportError, TransportFilter, TransportOrder,
};
use shipping_domain::{CenterCode, DriverId, TransportId};
use uuid::Uuid;

use super::answers::{BatchBody, TransportBody};
use super::batches::BatchQuery;
use super::{ReadOrDrive, Write, WriteOrDrive, rules};
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

pub(crate) struct TransportsApi {
    pub(super) shipping: Arc<Shipping>,
}

const SOURCE: &str = "distribution_center_code_source";
const DESTINATION: &str = "distribution_center_code_destination";
const STARTS: &str = "The code of the center where it starts.";
const ENDS: &str = "The code of the center where it ends.";

#[OpenApi(prefix_path = "/shipping/transports", tag = "Tag::Shipping")]
impl TransportsApi {
    /// List the transports
    ///
    /// Drivers see their own.
    #[oai(path = "/", method = "get", operation_id = "list_transports")]
    async fn list(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<ReadOrDrive>,
        query: Query<TransportQuery>,
        here: Here,
    ) -> Result<Json<PageBody<TransportBody>>, Problem> {
        let TransportQuery { filter, order, page } = query.0;
        let page = self.shipping.transports(&actor, &filter, &order, page).await?;
        Ok(Json(PageBody::at(&here, page)))
    }

    /// Plan a transport
    #[oai(path = "/", method = "post", operation_id = "plan_transport")]
    async fn plan(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        body: Body<NewTransport>,
    ) -> Result<Created<TransportBody>, Problem> {
        let NewTransport(command) = body.0;
        Ok(Created(self.shipping.plan_transport(&actor, command).await?.into()))
    }

    /// See a transport
    ///
    /// Drivers see their own.
    #[oai(path = "/:uuid", method = "get", operation_id = "find_transport")]
    async fn find(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<ReadOrDrive>,
        uuid: Path<Uuid>,
    ) -> Result<Json<TransportBody>, Problem> {
        Ok(Json(self.shipping.transport(&actor, TransportId::new(uuid.0)).await?.into()))
    }

    /// Replace the plan of a transport
    ///
    /// As long as it has not departed. A driver who is left out stays.
    #[oai(path = "/:uuid", method = "put", operation_id = "replace_transport")]
    async fn replace(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        uuid: Path<Uuid>,
        body: Body<WholePlan>,
    ) -> Result<Json<TransportBody>, Problem> {
        let WholePlan { source, destination, driver } = body.0;
        let transport_id = TransportId::new(uuid.0);
        let (source, destination) = (Some(source), Some(destination));
        let command = ReplanTransport { transport_id, source, destination, driver };
        Ok(Json(self.shipping.replan_transport(&actor, command).await?.into()))
    }

    /// Change the plan of a transport
    ///
    /// As long as it has not departed. What is left out stays; a driver that is null is taken off.
    #[oai(path = "/:uuid", method = "patch", operation_id = "change_transport")]
    async fn change(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        uuid: Path<Uuid>,
        body: Body<PlanChanges>,
    ) -> Result<Json<TransportBody>, Problem> {
        let PlanChanges { source, destination, driver } = body.0;
        let command = ReplanTransport { transport_id: TransportId::new(uuid.0), source, destination, driver };
        Ok(Json(self.shipping.replan_transport(&actor, command).await?.into()))
    }

    /// Delete a transport
    ///
    /// A transport that carries batches, or has departed, stays.
    #[oai(path = "/:uuid", method = "delete", operation_id = "delete_transport")]
    async fn delete(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        uuid: Path<Uuid>,
    ) -> Result<NoContent, Problem> {
        self.shipping.delete_transport(&actor, TransportId::new(uuid.0)).await?;
        Ok(NoContent)
    }

    /// List the batches of a transport
    ///
    /// Drivers see those of their own.
    #[oai(path = "/:uuid/batches", method = "get", operation_id = "list_batches_of_transport")]
    async fn batches(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<ReadOrDrive>,
        uuid: Path<Uuid>,
        query: Query<BatchQuery>,
        here: Here,
    ) -> Result<Json<PageBody<BatchBody>>, Problem> {
        let BatchQuery { filter, order, page } = query.0;
        let id = TransportId::new(uuid.0);
        let page = self.shipping.batches_of_transport(&actor, id, filter, &order, page).await?;
        Ok(Json(PageBody::at(&here, page)))
    }

    /// Add batches to a transport
    ///
    /// One or many; all of them are added, or none. A form has many by repeating `alias`.
    #[oai(path = "/:uuid/add", method = "post", operation_id = "load_batches")]
    async fn add(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Write>,
        uuid: Path<Uuid>,
        body: Bulk<BatchToAdd>,
    ) -> Result<Json<Vec<BatchBody>>, Problem> {
        let aliases = body.entries.iter().map(|it| it.0.clone()).collect();
        let command = LoadBatches { transport_id: TransportId::new(uuid.0), aliases };
        let loaded = self.shipping.load_batches(&actor, command).await;
        let loaded = loaded.map_err(|error| not_loaded(error, &body))?;
        Ok(Json(loaded.into_iter().map(Into::into).collect()))
    }

    /// Start a transport
    ///
    /// It needs something to carry, and a driver: the one given here, or the one it was planned with. Drivers start
    /// their own, and drive it themselves.
    #[oai(path = "/:uuid/start", method = "post", operation_id = "start_transport")]
    async fn start(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<WriteOrDrive>,
        uuid: Path<Uuid>,
        body: Body<Start>,
    ) -> Result<Json<TransportBody>, Problem> {
        let Start { driver_id } = body.0;
        let command = StartTransport { transport_id: TransportId::new(uuid.0), driver_id };
        Ok(Json(self.shipping.start_transport(&actor, command).await?.into()))
    }

    /// Complete a transport
    ///
    /// Its batches are completed with it, and the items on board are at the destination. Drivers complete their own.
    #[oai(path = "/:uuid/complete", method = "post", operation_id = "complete_transport")]
    async fn complete(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<WriteOrDrive>,
        uuid: Path<Uuid>,
    ) -> Result<Json<TransportBody>, Problem> {
        let command = CompleteTransport { transport_id: TransportId::new(uuid.0) };
        Ok(Json(self.shipping.complete_transport(&actor, command).await?.into()))
    }
}

/// Which transports, in which order.
struct TransportQuery {
    filter: TransportFilter,
    order: Vec<(TransportOrder, Direction)>,
    page: PageRequest,
}

impl Input for TransportQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let completed = fields.boolean("completed", "Only those that have arrived, or have not.").optional();
        let driver = fields.uuid("driver_uuid", "Only those of this driver.").optional();
        let source = fields.text(SOURCE, "Only those that start here.").max(CenterCode::MAX_CHARS);
        let source = source.parse(CenterCode::parse).optional();
        let destination = fields.text(DESTINATION, "Only those that end here.").max(CenterCode::MAX_CHARS);
        let destination = destination.parse(CenterCode::parse).optional();
        let order = fields.ordering(&[
            ("timestamp_created", TransportOrder::Created),
            ("timestamp_departed", TransportOrder::Departed),
            ("timestamp_arrived", TransportOrder::Arrived),
        ]);
        let page = fields.page();
        let driver = driver?.map(DriverId::new);
        let filter = TransportFilter {
            completed: completed?,
            driver,
            seen_by: None,
            source: source?,
            destination: destination?,
        };
        Some(Self { filter, order: order?, page: page? })
    }
}

struct NewTransport(PlanTransport);

impl Input for NewTransport {
    fn read(fields: &mut Fields) -> Option<Self> {
        let source = fields.text(SOURCE, STARTS).max(CenterCode::MAX_CHARS);
        let source = source.parse(CenterCode::parse).required();
        let destination = fields.text(DESTINATION, ENDS).max(CenterCode::MAX_CHARS);
        let destination = destination.parse(CenterCode::parse).required();
        let driver = fields.uuid("driver_uuid", "Who is going to drive: an active driver.").nullable().optional();
        let driver_id = driver?.map(DriverId::new);
        Some(Self(PlanTransport { source: source?, destination: destination?, driver_id }))
    }
}

impl Payload for NewTransport {
    const NAME: &'static str = "NewTransport";

    fn example() -> Value {
        json!({ SOURCE: "ABC001", DESTINATION: "ABC002", "driver_uuid": "0190a3f0-7b1c-7d2e-8f00-000000000001" })
    }
}

struct Start {
    driver_id: Option<DriverId>,
}

impl Input for Start {
    fn read(fields: &mut Fields) -> Option<Self> {
        let driver = fields.uuid("driver_uuid", "Takes over from the planned driver.").nullable().optional();
        Some(Self { driver_id: driver?.map(DriverId::new) })
    }
}

impl Payload for Start {
    const NAME: &'static str = "StartTransport";

    fn example() -> Value {
        json!({ "driver_uuid": "0190a3f0-7b1c-7d2e-8f00-000000000001" })
    }
}

struct BatchToAdd(String);

impl Input for BatchToAdd {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self(fields.text("alias", "The batch.").required()?))
    }
}

impl Payload for BatchToAdd {
    const NAME: &'static str = "BatchToAdd";

    fn example() -> Value {
        json!({ "alias": "friday-evening" })
    }
}

struct WholePlan {
    source: CenterCode,
    destination: CenterCode,
    driver: NewDriver,
}

impl Input for WholePlan {
    fn read(fields: &mut Fields) -> Option<Self> {
        let source = fields.text(SOURCE, STARTS).max(CenterCode::MAX_CHARS).parse(CenterCode::parse).required();
        let destination = fields.text(DESTINATION, ENDS).max(CenterCode::MAX_CHARS).parse(CenterCode::parse).required();
        let driver = new_driver(fields);
        Some(Self { source: source?, destination: destination?, driver: driver? })
    }
}

impl Payload for WholePlan {
    const NAME: &'static str = "WholePlan";

    fn example() -> Value {
        json!({ SOURCE: "ABC001", DESTINATION: "ABC003", "driver_uuid": null })
    }
}

struct PlanChanges {
    source: Option<CenterCode>,
    destination: Option<CenterCode>,
    driver: NewDriver,
}

impl Input for PlanChanges {
    fn read(fields: &mut Fields) -> Option<Self> {
        let source = fields.text(SOURCE, STARTS).max(CenterCode::MAX_CHARS).parse(CenterCode::parse).optional();
        let destination = fields.text(DESTINATION, ENDS).max(CenterCode::MAX_CHARS).parse(CenterCode::parse).optional();
        let driver = new_driver(fields);
        Some(Self { source: source?, destination: destination?, driver: driver? })
    }
}

impl Payload for PlanChanges {
    const NAME: &'static str = "PlanChanges";

    fn example() -> Value {
        json!({ "driver_uuid": "0190a3f0-7b1c-7d2e-8f00-000000000001" })
    }
}

fn new_driver(fields: &mut Fields) -> Option<NewDriver> {
    let about = "Who is going to drive: an active driver. Null takes the planned one off.";
    Some(match fields.uuid("driver_uuid", about).change()? {
        Change::Stay => NewDriver::Same,
        Change::Clear => NewDriver::Nobody,
        Change::Become(driver) => NewDriver::Somebody(DriverId::new(driver)),
    })
}

impl From<ReplanTransportError> for Problem {
    fn from(error: ReplanTransportError) -> Self {
        match error {
            ReplanTransportError::Denied(denied) => denied.into(),
            ReplanTransportError::UnknownTransport(_) => Self::not_found(),
            ReplanTransportError::CannotReplan(refusal) => Self::refused(refusal.into()),
            ReplanTransportError::Faults(faults) => {
                let told = |it| rules::plan_fault(it, SOURCE, DESTINATION);
                Self::invalid(faults.into_iter().map(told).collect())
            }
            ReplanTransportError::Store(error) => error.into(),
        }
    }
}

impl From<DeleteTransportError> for Problem {
    fn from(error: DeleteTransportError) -> Self {
        match error {
            DeleteTransportError::Denied(denied) => denied.into(),
            DeleteTransportError::UnknownTransport(_) => Self::not_found(),
            DeleteTransportError::CannotDelete(refusal) => Self::refused(refusal.into()),
            DeleteTransportError::Store(error) => error.into(),
        }
    }
}

impl From<FindTransportError> for Problem {
    fn from(error: FindTransportError) -> Self {
        match error {
            FindTransportError::Denied(denied) => denied.into(),
            FindTransportError::UnknownTransport(_) => Self::not_found(),
            FindTransportError::PastTheEnd => Self::no_such_page(),
            FindTransportError::Store(error) => error.into(),
        }
    }
}

impl From<PlanTransportError> for Problem {
    fn from(error: PlanTransportError) -> Self {
        match error {
            PlanTransportError::Denied(denied) => denied.into(),
            PlanTransportError::Faults(faults) => {
                let told = |it| rules::plan_fault(it, SOURCE, DESTINATION);
                Self::invalid(faults.into_iter().map(told).collect())
            }
            PlanTransportError::Store(error) => error.into(),
        }
    }
}

fn not_loaded(error: LoadBatchesError, body: &Bulk<BatchToAdd>) -> Problem {
    match error {
        LoadBatchesError::Denied(denied) => denied.into(),
        LoadBatchesError::UnknownTransport(_) => Problem::not_found(),
        LoadBatchesError::TooMany => Problem::refused(Fault::too_many(MAX_ENTRIES)),
        LoadBatchesError::TransportClosed(refusal) => Problem::refused(refusal.into()),
        LoadBatchesError::Batches(refused) => rules::all_refused(refused, body, "alias"),
        LoadBatchesError::Store(error) => error.into(),
    }
}

impl From<StartTransportError> for Problem {
    fn from(error: StartTransportError) -> Self {
        match error {
            StartTransportError::Denied(denied) => denied.into(),
            StartTransportError::UnknownTransport(_) => Self::not_found(),
            StartTransportError::CannotStart(refusal) => Self::refused(refusal.into()),
            StartTransportError::Store(error) => error.into(),
        }
    }
}

impl From<CompleteTransportError> for Problem {
    fn from(error: CompleteTransportError) -> Self {
        match error {
            CompleteTransportError::Denied(denied) => denied.into(),
            CompleteTransportError::UnknownTransport(_) => Self::not_found(),
            CompleteTransportError::CannotComplete(refusal) => Self::refused(refusal.into()),
            CompleteTransportError::Store(error) => error.into(),
        }
    }
}
