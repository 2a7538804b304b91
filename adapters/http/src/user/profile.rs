//! `/user/users/self/profile/`

use std::sync::Arc;

use poem_openapi::OpenApi;
use serde_json::{Value, json};
use user_application::{ChangeProfile, ChangeProfileError, FindProfileError, MAX_IMAGE_BYTES, ProfileView, Users};
use user_domain::{CannotChangeUser, FullName, Role};

use super::OwnProfile;
use super::rules::IMAGE;
use crate::body::Payload;
use crate::caller::Allowed;
use crate::fields::{Fields, Input};
use crate::json::Json;
use crate::problem::Problem;
use crate::profile::{Person, ProfileBody};
use crate::tags::Tag;
use crate::throttle::{Throttled, UserBurst, UserDefault};
use crate::upload::{Upload, UploadPayload};

pub(crate) struct ProfileApi {
    pub(super) users: Arc<Users>,
}

#[OpenApi(prefix_path = "/user/users/self/profile", tag = "Tag::User")]
impl ProfileApi {
    /// See one's own profile
    #[oai(path = "/", method = "get", operation_id = "own_profile")]
    async fn own(
        &self,
        _admitted: Throttled<UserBurst>,
        actor: Allowed<OwnProfile>,
    ) -> Result<Json<ProfileBody>, Problem> {
        Ok(Json(self.users.own_profile(&actor).await?.into()))
    }

    /// Change one's own profile
    ///
    /// What is left out stays as it is; null or nothing clears it. A picture is JPEG, PNG, WebP or GIF, of at most
    /// 10 MiB and 25 megapixels, sent as `multipart/form-data`.
    #[oai(path = "/", method = "patch", operation_id = "change_own_profile")]
    async fn change(
        &self,
        _admitted: Throttled<UserDefault>,
        actor: Allowed<OwnProfile>,
        body: Upload<ChangeProfileBody>,
    ) -> Result<Json<ProfileBody>, Problem> {
        let ChangeProfileBody(change) = body.content;
        Ok(Json(self.users.change_own_profile(&actor, change).await?.into()))
    }
}

struct ChangeProfileBody(ChangeProfile);

impl Input for ChangeProfileBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        let full_name = fields.text("fullname", "The name one goes by.").max(FullName::MAX_CHARS);
        let full_name = full_name.parse(FullName::parse).change();
        let born = fields.date("dob", "When one was born. Only drivers are asked.").change();
        let image = fields.file(IMAGE, "A picture, as a file; null removes the one there is.");
        Some(Self(ChangeProfile { full_name: full_name?.into(), date_of_birth: born?.into(), image: image?.into() }))
    }
}

impl Payload for ChangeProfileBody {
    const NAME: &'static str = "ChangeProfile";

    fn example() -> Value {
        json!({ "fullname": "Kim Minsu", "dob": "1990-02-28", IMAGE: null })
    }
}

impl UploadPayload for ChangeProfileBody {
    const FILE_LIMIT: usize = MAX_IMAGE_BYTES;
}

impl From<ProfileView> for ProfileBody {
    fn from(profile: ProfileView) -> Self {
        let person = Person {
            uuid: profile.id.as_uuid(),
            phonenumber: profile.phone_number.map(|it| it.as_str().to_owned()),
            username: profile.username.as_str().to_owned(),
            fullname: profile.full_name,
            image: profile.image_url,
        };
        match profile.role {
            Role::Staff { groups } => Self::staff(person, groups.iter().map(|it| it.as_str().to_owned()).collect()),
            Role::Driver { date_of_birth } => Self::driver(person, date_of_birth),
        }
    }
}

impl From<FindProfileError> for Problem {
    fn from(error: FindProfileError) -> Self {
        match error {
            FindProfileError::Denied(denied) => denied.into(),
            // The token outlived the user.
            FindProfileError::UnknownUser => Self::authentication_failed(),
            FindProfileError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeProfileError> for Problem {
    fn from(error: ChangeProfileError) -> Self {
        match error {
            ChangeProfileError::Denied(denied) => denied.into(),
            // The token outlived the user.
            ChangeProfileError::UnknownUser | ChangeProfileError::Refused(CannotChangeUser::Closed) => {
                Self::authentication_failed()
            }
            ChangeProfileError::Refused(
                refusal @ (CannotChangeUser::SuperuserWithoutStaffFlag | CannotChangeUser::GroupsOfDriver),
            ) => Self::refused(refusal.into()),
            ChangeProfileError::Image(refusal) => refusal.into(),
            ChangeProfileError::Store(error) => error.into(),
        }
    }
}
