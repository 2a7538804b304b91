//! A person on the wire. Several contexts show people; what they know of them is their own business.

use chrono::NaiveDate;
use poem_openapi::types::{Example, MaybeUndefined};
use poem_openapi::{Enum, Object};
use serde::Serialize;
use uuid::Uuid;

/// Somebody's profile: that of staff has `permission_group`, that of a driver has `dob`.
#[derive(Debug, Clone, PartialEq, Object, Serialize)]
#[oai(rename = "Profile", example)]
pub(crate) struct ProfileBody {
    pub(crate) uuid: Uuid,
    /// In E.164 form.
    #[oai(nullable)]
    pub(crate) phonenumber: Option<String>,
    /// The name they sign in with.
    pub(crate) username: String,
    /// What they are.
    pub(crate) r#type: UserType,
    /// The name they go by.
    #[oai(nullable)]
    pub(crate) fullname: Option<String>,
    /// Where their picture is.
    #[oai(nullable)]
    pub(crate) image: Option<String>,
    /// The names of their permission groups.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub(crate) permission_group: MaybeUndefined<Vec<String>>,
    /// When they were born.
    #[oai(nullable)]
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub(crate) dob: MaybeUndefined<NaiveDate>,
}

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[oai(rename_all = "UPPERCASE")]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum UserType {
    /// Works in a center.
    Staff,
    /// Drives transports.
    Driver,
}

/// What is known of anybody.
pub(crate) struct Person {
    pub(crate) uuid: Uuid,
    pub(crate) phonenumber: Option<String>,
    pub(crate) username: String,
    pub(crate) fullname: Option<String>,
    pub(crate) image: Option<String>,
}

impl ProfileBody {
    /// The profile of somebody who works in a center.
    pub(crate) fn staff(person: Person, permission_group: Vec<String>) -> Self {
        let permission_group = MaybeUndefined::Value(permission_group);
        Self { permission_group, ..Self::of(person, UserType::Staff) }
    }

    /// The profile of somebody who drives.
    pub(crate) fn driver(person: Person, dob: Option<NaiveDate>) -> Self {
        let dob = dob.map_or(MaybeUndefined::Null, MaybeUndefined::Value);
        Self { dob, ..Self::of(person, UserType::Driver) }
    }

    fn of(person: Person, r#type: UserType) -> Self {
        // An empty text says nothing: on the wire that is a null.
        let told = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            uuid: person.uuid,
            phonenumber: told(person.phonenumber),
            username: person.username,
            r#type,
            fullname: told(person.fullname),
            image: told(person.image),
            permission_group: MaybeUndefined::Undefined,
            dob: MaybeUndefined::Undefined,
        }
    }
}

impl Example for ProfileBody {
    fn example() -> Self {
        let person = Person {
            uuid: Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_0000_0000_0001),
            phonenumber: Some("+821012345678".to_owned()),
            username: "821012345678".to_owned(),
            fullname: Some("Kim Minsu".to_owned()),
            image: None,
        };
        Self::driver(person, None)
    }
}
