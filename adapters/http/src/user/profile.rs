//! `/user/users/self/profile/`

use std::sync::Arc;

use kernel_application::Operation;
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;
use user_application::{FindProfileError, OWN_PROFILE, ProfileView, Users};
use user_domain::Role;

use crate::caller::{Allowed, Right};
use crate::problem::Problem;
use crate::profile::{Person, ProfileBody};
use crate::tags::Tag;

pub(crate) struct ProfileApi {
    pub(super) users: Arc<Users>,
}

struct OwnProfile;

impl Right for OwnProfile {
    const OPERATION: Operation = OWN_PROFILE;
}

#[OpenApi(prefix_path = "/user/users/self/profile", tag = "Tag::User")]
impl ProfileApi {
    /// See one's own profile
    #[oai(path = "/", method = "get", operation_id = "own_profile")]
    async fn own(&self, actor: Allowed<OwnProfile>) -> Result<Json<ProfileBody>, Problem> {
        Ok(Json(self.users.own_profile(&actor).await?.into()))
    }
}

impl From<ProfileView> for ProfileBody {
    fn from(profile: ProfileView) -> Self {
        let person = Person {
            uuid: profile.id.as_uuid(),
            phonenumber: profile.phone_number.map(|it| it.as_str().to_owned()),
            username: profile.username.as_str().to_owned(),
            fullname: profile.full_name,
            image: profile.image,
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
