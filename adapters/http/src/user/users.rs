//! `/user/users/`

use std::sync::Arc;

use kernel_application::PageRequest;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use serde_json::{Value, json};
use user_application::{
    BanUserError, ChangeAccountError, FindUserError, UnregisterUserError, UserFilter, UserView, Users,
};
use user_domain::{
    AccountChange, Email, GroupName, InvalidPhoneNumber, PhoneNumber, Role, UserId, UserState, UserType,
};
use uuid::Uuid;

use super::{AdministerUsers, ManageUsers};
use crate::body::{Body, Payload};
use crate::caller::Allowed;
use crate::fields::{Fields, Input};
use crate::json::Json;
use crate::no_content::NoContent;
use crate::page::{Here, PageBody};
use crate::path::Path;
use crate::problem::Problem;
use crate::profile;
use crate::query::Query;
use crate::tags::Tag;
use crate::throttle::{Throttled, UserDefault};
use crate::timestamp::Timestamp;

/// Groups that one user can be in: more than anybody can look after.
const MAX_GROUPS: usize = 100;
/// Characters of the longest text to search for: more than any name has.
const MAX_TEXT: usize = 64;

pub(crate) struct UsersApi {
    pub(super) users: Arc<Users>,
}

#[OpenApi(prefix_path = "/user/users", tag = "Tag::User")]
impl UsersApi {
    /// List the users
    ///
    /// Those who joined last come first.
    #[oai(path = "/", method = "get", operation_id = "list_users")]
    async fn list(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<ManageUsers>,
        query: Query<UserQuery>,
        here: Here,
    ) -> Result<Json<PageBody<UserBody>>, Problem> {
        let UserQuery { filter, page } = query.0;
        let page = self.users.users(&actor, filter, page).await?;
        Ok(Json(PageBody::at(&here, page)))
    }

    /// See a user
    #[oai(path = "/:uuid", method = "get", operation_id = "find_user")]
    async fn find(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<ManageUsers>,
        uuid: Path<Uuid>,
    ) -> Result<Json<UserBody>, Problem> {
        Ok(Json(self.users.user(&actor, UserId::new(uuid.0)).await?.into()))
    }

    /// Change flags, address and groups of a user
    ///
    /// What is left out stays as it is. Whoever is switched off is out within a second; other rights change with
    /// the next access token.
    #[oai(path = "/:uuid", method = "patch", operation_id = "change_user")]
    async fn change(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<AdministerUsers>,
        uuid: Path<Uuid>,
        body: Body<ChangeUserBody>,
    ) -> Result<Json<UserBody>, Problem> {
        let ChangeUserBody(change) = body.0;
        Ok(Json(self.users.change_account(&actor, UserId::new(uuid.0), change).await?.into()))
    }

    /// Ban a user
    ///
    /// Nothing is kept that tells who they were, and their number stays out.
    #[oai(path = "/:uuid/ban", method = "post", operation_id = "ban_user")]
    async fn ban(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<ManageUsers>,
        uuid: Path<Uuid>,
    ) -> Result<NoContent, Problem> {
        self.users.ban_user(&actor, UserId::new(uuid.0)).await?;
        Ok(NoContent)
    }

    /// Close the account of a user
    ///
    /// Nothing is kept that tells who they were. Their number may sign up again.
    #[oai(path = "/:uuid/unregister", method = "post", operation_id = "unregister_user")]
    async fn unregister(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<ManageUsers>,
        uuid: Path<Uuid>,
    ) -> Result<NoContent, Problem> {
        self.users.unregister_user(&actor, UserId::new(uuid.0)).await?;
        Ok(NoContent)
    }
}

/// Which users.
struct UserQuery {
    filter: UserFilter,
    page: PageRequest,
}

impl Input for UserQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let user_type = fields.choice("type", "Only those of this type.", &UserType::ALL, UserType::name).optional();
        let is_active = fields.boolean("is_active", "Only those whose account can be used, or cannot.").optional();
        let is_banned = fields.boolean("banned", "Only those who are banned, or are not.").optional();
        let number = fields.text("phonenumber", "Only the one with this number.");
        let number = number.parse(in_query).optional();
        let about = "Only those whose username, full name or number contains this.";
        let text = fields.text("q", about).max(MAX_TEXT).optional();
        let page = fields.page();
        let filter = UserFilter {
            user_type: user_type?,
            is_active: is_active?,
            is_banned: is_banned?,
            phone_number: number?,
            text: text?,
        };
        Some(Self { filter, page: page? })
    }
}

/// A plus sign that nobody escaped arrives as a blank.
fn in_query(sent: &str) -> Result<PhoneNumber, InvalidPhoneNumber> {
    let number = sent.trim().trim_start_matches("tel:");
    PhoneNumber::parse(sent).or_else(|_| PhoneNumber::parse(&format!("+{number}")))
}

struct ChangeUserBody(AccountChange);

impl Input for ChangeUserBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        let is_staff = fields.boolean("is_staff", "The staff flag.").optional();
        let is_active = fields.boolean("is_active", "Whether the account can be used.").optional();
        let email = fields.text("email", "The e-mail address.").max(Email::MAX_CHARS).parse(Email::parse).change();
        let groups = fields.texts("groups", "The permission groups. Only staff are in any.", GroupName::parse);
        let groups = groups.max(MAX_GROUPS).optional();
        Some(Self(AccountChange { is_staff: is_staff?, is_active: is_active?, email: email?.into(), groups: groups? }))
    }
}

impl Payload for ChangeUserBody {
    const NAME: &'static str = "ChangeUser";

    fn example() -> Value {
        json!({ "is_staff": true, "is_active": true, "email": "kim@example.com", "groups": ["night shift"] })
    }
}

/// A user, as the staff sees them.
#[derive(Object, Serialize)]
#[oai(rename = "User", example)]
#[expect(clippy::struct_excessive_bools, reason = "that many flags are on the wire")]
struct UserBody {
    uuid: Uuid,
    /// The name they sign in with.
    username: String,
    /// In E.164 form.
    #[oai(nullable)]
    phonenumber: Option<String>,
    /// What they are.
    r#type: profile::UserType,
    #[oai(nullable)]
    email: Option<String>,
    is_staff: bool,
    is_superuser: bool,
    /// Whether the account can be used.
    is_active: bool,
    banned: bool,
    date_joined: Timestamp,
    /// The permission groups of staff.
    groups: Vec<String>,
}

impl Example for UserBody {
    fn example() -> Self {
        Self {
            uuid: Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_0000_0000_0001),
            username: "821012345678".to_owned(),
            phonenumber: Some("+821012345678".to_owned()),
            r#type: profile::UserType::Staff,
            email: Some("kim@example.com".to_owned()),
            is_staff: true,
            is_superuser: false,
            is_active: true,
            banned: false,
            date_joined: Timestamp::example(),
            groups: vec!["night shift".to_owned()],
        }
    }
}

impl From<UserView> for UserBody {
    fn from(user: UserView) -> Self {
        let (r#type, groups) = match user.role {
            Role::Staff { groups } => (profile::UserType::Staff, groups),
            Role::Driver { .. } => (profile::UserType::Driver, Vec::new()),
        };
        Self {
            uuid: user.id.as_uuid(),
            username: user.username.as_str().to_owned(),
            phonenumber: user.phone_number.map(|it| it.as_str().to_owned()),
            r#type,
            email: user.email.map(|it| it.as_str().to_owned()),
            is_staff: user.privileges.is_staff(),
            is_superuser: user.privileges.is_superuser(),
            is_active: user.state == UserState::Active,
            banned: matches!(user.state, UserState::Banned { .. }),
            date_joined: user.joined_at.into(),
            groups: groups.iter().map(|it| it.as_str().to_owned()).collect(),
        }
    }
}

impl From<FindUserError> for Problem {
    fn from(error: FindUserError) -> Self {
        match error {
            FindUserError::Denied(denied) => denied.into(),
            FindUserError::UnknownUser(_) => Self::not_found(),
            FindUserError::PastTheEnd => Self::no_such_page(),
            FindUserError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeAccountError> for Problem {
    fn from(error: ChangeAccountError) -> Self {
        match error {
            ChangeAccountError::Denied(denied) => denied.into(),
            ChangeAccountError::UnknownUser(_) => Self::not_found(),
            ChangeAccountError::Refused(refusal) => Self::refused(refusal.into()),
            ChangeAccountError::Store(error) => error.into(),
        }
    }
}

impl From<BanUserError> for Problem {
    fn from(error: BanUserError) -> Self {
        match error {
            BanUserError::Denied(denied) => denied.into(),
            BanUserError::UnknownUser(_) => Self::not_found(),
            BanUserError::Refused(refusal) => Self::refused(refusal.into()),
            BanUserError::Store(error) => error.into(),
        }
    }
}

impl From<UnregisterUserError> for Problem {
    fn from(error: UnregisterUserError) -> Self {
        match error {
            UnregisterUserError::Denied(denied) => denied.into(),
            UnregisterUserError::UnknownUser(_) => Self::not_found(),
            UnregisterUserError::Refused(refusal) => Self::refused(refusal.into()),
            UnregisterUserError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::is_written_as_it_is_described;

    #[test]
    fn answers_are_written_as_they_are_described() {
        is_written_as_it_is_described(&UserBody::example());
        is_written_as_it_is_described(&UserBody { phonenumber: None, email: None, ..UserBody::example() });
    }
}
