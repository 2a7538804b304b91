//! `/distribution/centers/`

use std::sync::Arc;

use distribution_application::{
    CenterFilter, CenterView, ChangeCenter, ChangeCenterError, CloseCenterError, Distribution, FindCenterError, MANAGE,
    OpenCenter, OpenCenterError, READ, Role, StaffMember,
};
use distribution_domain::{CenterCode, CenterId, CenterName, StaffId};
use kernel_application::{Operation, PageRequest};
use poem_openapi::OpenApi;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::shown::ShownPages;
use crate::body::{Body, Payload};
use crate::caller::{Allowed, Right};
use crate::center::CenterBody;
use crate::created::Created;
use crate::fields::{Fields, Input};
use crate::json::{Json, Written};
use crate::no_content::NoContent;
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
    pub(super) shown: ShownPages,
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
    ) -> Result<Written<PageBody<CenterBody>>, Problem> {
        let CenterQuery { filter, page } = query.0;
        let is_beginning = page.start() == PageRequest::default().start() && filter == CenterFilter::default();
        let (asked, mark) = (Instant::now(), self.distribution.changes.mark());
        if is_beginning && let Some(shown) = self.shown.find(&here, mark) {
            return Ok(shown);
        }
        let page = self.distribution.centers(&actor, &filter, page).await?;
        let written = Written::of(&PageBody::at(&here, page))?;
        if is_beginning {
            self.shown.keep(here, mark, asked, written.clone());
        }
        Ok(written)
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

    /// Replace name and staff of a center
    ///
    /// Its code never changes: one that is sent is ignored. Staff that is left out stays as it is.
    #[oai(path = "/:uuid", method = "put", operation_id = "replace_center")]
    async fn replace(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Manage>,
        uuid: Path<Uuid>,
        body: Body<ReplacedCenter>,
    ) -> Result<Json<CenterBody>, Problem> {
        let ReplacedCenter(change) = body.0;
        Ok(Json(self.distribution.change_center(&actor, CenterId::new(uuid.0), change).await?.into()))
    }

    /// Change name or staff of a center
    ///
    /// What is left out stays as it is. Its code never changes: one that is sent is ignored.
    #[oai(path = "/:uuid", method = "patch", operation_id = "change_center")]
    async fn change(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Manage>,
        uuid: Path<Uuid>,
        body: Body<ChangedCenter>,
    ) -> Result<Json<CenterBody>, Problem> {
        let ChangedCenter(change) = body.0;
        Ok(Json(self.distribution.change_center(&actor, CenterId::new(uuid.0), change).await?.into()))
    }

    /// Close a center
    ///
    /// Not while a transport that has not arrived starts or ends there. Transports that have arrived stay, and show no
    /// center where this one was.
    #[oai(path = "/:uuid", method = "delete", operation_id = "close_center")]
    async fn close(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<Manage>,
        uuid: Path<Uuid>,
    ) -> Result<NoContent, Problem> {
        self.distribution.close_center(&actor, CenterId::new(uuid.0)).await?;
        Ok(NoContent)
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
        let name = fields.text(NAME, ABOUT_NAME).max(CenterName::MAX_CHARS).parse(CenterName::parse).required();
        let staff = staff(fields);
        Some(Self(OpenCenter { code: code?, name: name?, staff: staff?.unwrap_or_default() }))
    }
}

struct ReplacedCenter(ChangeCenter);

impl Input for ReplacedCenter {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.text(NAME, ABOUT_NAME).max(CenterName::MAX_CHARS).parse(CenterName::parse).required();
        let staff = staff(fields);
        Some(Self(ChangeCenter { name: Some(name?), staff: staff? }))
    }
}

struct ChangedCenter(ChangeCenter);

impl Input for ChangedCenter {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.text(NAME, ABOUT_NAME).max(CenterName::MAX_CHARS).parse(CenterName::parse).optional();
        let staff = staff(fields);
        Some(Self(ChangeCenter { name: name?, staff: staff? }))
    }
}

const NAME: &str = "name";
const ABOUT_NAME: &str = "What people call it.";

/// Who works in a center, if anything is said of it.
#[expect(clippy::option_option, reason = "absent is an answer, at fault is none")]
fn staff(fields: &mut Fields) -> Option<Option<Vec<StaffId>>> {
    let staff = fields.uuids("staff_members", "The users who work there.").max(MAX_STAFF).optional()?;
    Some(staff.map(|it| it.into_iter().map(StaffId::new).collect()))
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

impl Payload for ReplacedCenter {
    const NAME: &'static str = "ReplacedCenter";

    fn example() -> Value {
        changed_example()
    }
}

impl Payload for ChangedCenter {
    const NAME: &'static str = "ChangedCenter";

    fn example() -> Value {
        changed_example()
    }
}

fn changed_example() -> Value {
    json!({ "name": "Seoul North", "staff_members": { "uuid": ["0190a3f0-7b1c-7d2e-8f00-000000000001"] } })
}

impl From<CenterView> for CenterBody {
    fn from(center: CenterView) -> Self {
        Self {
            uuid: center.id.as_uuid(),
            center_code: center.code.as_str().to_owned(),
            name: center.name,
            staff_members: center.staff.into_iter().map(|it| Arc::unwrap_or_clone(it).into()).collect(),
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

impl From<ChangeCenterError> for Problem {
    fn from(error: ChangeCenterError) -> Self {
        match error {
            ChangeCenterError::Denied(denied) => denied.into(),
            ChangeCenterError::UnknownCenter(_) => Self::not_found(),
            ChangeCenterError::Store(error) => error.into(),
        }
    }
}

impl From<CloseCenterError> for Problem {
    fn from(error: CloseCenterError) -> Self {
        match error {
            CloseCenterError::Denied(denied) => denied.into(),
            CloseCenterError::UnknownCenter(_) => Self::not_found(),
            CloseCenterError::Refused(refusal) => Self::refused(refusal.into()),
            CloseCenterError::Store(error) => error.into(),
        }
    }
}
