//! `/distribution/centers/`

use std::sync::Arc;

use distribution_application::{
    CenterFilter, CenterView, Distribution, FindCenterError, MANAGE, OpenCenter, OpenCenterError, READ, Role,
    StaffMember,
};
use distribution_domain::{CenterCode, CenterId, CenterName, InvalidCenterCode, InvalidCenterName, StaffId};
use kernel_application::{Operation, PageRequest};
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::body::{Body, Payload};
use crate::caller::{Allowed, Right};
use crate::center::CenterBody;
use crate::created::Created;
use crate::fault::Fault;
use crate::fields::{Fields, Input};
use crate::page::{Here, PageBody};
use crate::path::Path;
use crate::problem::Problem;
use crate::profile::{Person, ProfileBody};
use crate::query::Query;
use crate::tags::Tag;
use crate::throttle::{Throttled, UserDefault};

/// People who can be named as the staff of one center.
const MAX_STAFF: usize = 1000;

pub(crate) struct CentersApi {
    pub(super) distribution: Arc<Distribution>,
}

struct Read;
struct Manage;

impl Right for Read {
    const OPERATION: Operation = READ;
}

impl Right for Manage {
    const OPERATION: Operation = MANAGE;
}

#[OpenApi(prefix_path = "/distribution/centers", tag = "Tag::Distribution")]
impl CentersApi {
    /// List the centers
    #[oai(path = "/", method = "get", operation_id = "list_centers")]
    async fn list(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Read>,
        query: Query<CenterQuery>,
        here: Here,
    ) -> Result<Json<PageBody<CenterBody>>, Problem> {
        let CenterQuery { filter, page } = query.0;
        let page = self.distribution.centers(&actor, &filter, page).await?;
        Ok(Json(PageBody::at(&here, page)))
    }

    /// Open a center
    #[oai(path = "/", method = "post", operation_id = "open_center")]
    async fn open(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Manage>,
        body: Body<NewCenter>,
    ) -> Result<Created<CenterBody>, Problem> {
        let NewCenter(command) = body.0;
        Ok(Created(self.distribution.open_center(&actor, command).await?.into()))
    }

    /// See a center
    #[oai(path = "/:uuid", method = "get", operation_id = "find_center")]
    async fn find(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Manage>,
        uuid: Path<Uuid>,
    ) -> Result<Json<CenterBody>, Problem> {
        Ok(Json(self.distribution.center(&actor, CenterId::new(uuid.0)).await?.into()))
    }
}

struct CenterQuery {
    filter: CenterFilter,
    page: PageRequest,
}

impl Input for CenterQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let code = fields.text("center_code", "Only the one with this code.").optional();
        let name = fields.text("name", "Only those with this name.").optional();
        let page = fields.page();
        Some(Self { filter: CenterFilter { code: code?, name: name? }, page: page? })
    }
}

struct NewCenter(OpenCenter);

impl Input for NewCenter {
    fn read(fields: &mut Fields) -> Option<Self> {
        let code = fields.text("center_code", "Unique, and never changed.").max(CenterCode::MAX_CHARS);
        let code = code.parse(CenterCode::parse).required();
        let name = fields.text("name", "What people call it.").max(CenterName::MAX_CHARS);
        let name = name.parse(CenterName::parse).required();
        let staff = fields.uuids("staff_members", "The users who work there.").max(MAX_STAFF).optional();
        let staff = staff?.unwrap_or_default().into_iter().map(StaffId::new).collect();
        Some(Self(OpenCenter { code: code?, name: name?, staff }))
    }
}

impl Payload for NewCenter {
    const NAME: &'static str = "NewCenter";

    fn example() -> Value {
        json!({
            "center_code": "ABC001",
            "name": "Seoul",
            "staff_members": { "uuid": ["0190a3f0-7b1c-7d2e-8f00-000000000001"] },
        })
    }
}

impl From<InvalidCenterCode> for Fault {
    fn from(invalid: InvalidCenterCode) -> Self {
        match invalid {
            InvalidCenterCode::Blank => Self::blank(),
            InvalidCenterCode::TooLong => Self::too_long(CenterCode::MAX_CHARS),
            InvalidCenterCode::Characters => Self::control_characters(),
        }
    }
}

impl From<InvalidCenterName> for Fault {
    fn from(invalid: InvalidCenterName) -> Self {
        match invalid {
            InvalidCenterName::Blank => Self::blank(),
            InvalidCenterName::TooLong => Self::too_long(CenterName::MAX_CHARS),
            InvalidCenterName::Characters => Self::control_characters(),
        }
    }
}

impl From<CenterView> for CenterBody {
    fn from(center: CenterView) -> Self {
        Self {
            uuid: center.id.as_uuid(),
            center_code: center.code.as_str().to_owned(),
            name: center.name,
            staff_members: center.staff.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<StaffMember> for ProfileBody {
    fn from(member: StaffMember) -> Self {
        let person = Person {
            uuid: member.id.as_uuid(),
            phonenumber: member.phone_number,
            username: member.username,
            fullname: member.full_name,
            image: member.image_url,
        };
        match member.role {
            Role::Staff { permission_groups } => Self::staff(person, permission_groups),
            Role::Driver { date_of_birth } => Self::driver(person, date_of_birth),
        }
    }
}

impl From<FindCenterError> for Problem {
    fn from(error: FindCenterError) -> Self {
        match error {
            FindCenterError::Denied(denied) => denied.into(),
            FindCenterError::UnknownCenter(_) => Self::not_found(),
            FindCenterError::PastTheEnd => Self::no_such_page(),
            FindCenterError::Store(error) => error.into(),
        }
    }
}

impl From<OpenCenterError> for Problem {
    fn from(error: OpenCenterError) -> Self {
        match error {
            OpenCenterError::Denied(denied) => denied.into(),
            OpenCenterError::Store(error) => error.into(),
        }
    }
}
