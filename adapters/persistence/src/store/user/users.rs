//! Users as rows, and back.

use async_trait::async_trait;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use kernel_domain::{Aggregate, StoreError};
use user_domain::{
    GroupName, PhoneNumber, Privileges, Role, User, UserId, UserRepository, UserSnapshot, UserState, UserType, Username,
};

use super::super::corrupt;
use super::super::record::{self, Binds, Record, record};
use super::super::unit::FIRST_VERSION;
use super::Work;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{user_permission_groups, user_users};

#[derive(Queryable, Selectable)]
#[expect(clippy::struct_excessive_bools, reason = "a row has a column for each flag that lists filter by")]
#[diesel(table_name = user_users)]
pub(super) struct UserRow {
    pub(super) id: Id,
    username: String,
    phone_number: Option<String>,
    email: Option<String>,
    user_type: String,
    is_staff: bool,
    is_superuser: bool,
    is_active: bool,
    is_banned: bool,
    pub(super) full_name: Option<String>,
    date_of_birth: Option<NaiveDate>,
    pub(super) image: Option<String>,
    joined_at: NaiveDateTime,
    unregistered_at: Option<NaiveDateTime>,
    version: i32,
}

record!(UserRow in user_users {
    id; username, phone_number, email, user_type, is_staff, is_superuser, is_active, is_banned, full_name,
    date_of_birth, image, joined_at, unregistered_at, version
});

struct GroupRow {
    user_id: Id,
    name: String,
}

record!(GroupRow in user_permission_groups { user_id, name; });

#[async_trait]
impl UserRepository for Work {
    async fn add(&mut self, user: &User) -> Result<(), StoreError> {
        self.unit.add(aggregate(user.id()), UserRow::of(user, FIRST_VERSION)).await?;
        record::insert(self.unit.connection()?, &GroupRow::all_of(user)).await.map_err(store_error)
    }
}

fn aggregate(id: UserId) -> Aggregate {
    Aggregate { kind: "user", id: id.as_uuid() }
}

impl GroupRow {
    fn all_of(user: &User) -> Vec<Self> {
        let groups = match user.role() {
            Role::Staff { groups } => groups.as_slice(),
            Role::Driver { .. } => &[],
        };
        let row = |name: &GroupName| Self { user_id: Id(user.id().as_uuid()), name: name.as_str().to_owned() };
        groups.iter().map(row).collect()
    }
}

impl UserRow {
    fn of(user: &User, version: i32) -> Self {
        let UserSnapshot { id, username, phone_number, email, role, profile, privileges, state, joined_at } =
            user.snapshot();
        Self {
            id: Id(id.as_uuid()),
            username: username.as_str().to_owned(),
            phone_number: phone_number.map(|it| it.as_str().to_owned()),
            email: email.map(|it| it.as_str().to_owned()),
            user_type: role.user_type().name().to_owned(),
            is_staff: privileges.is_staff(),
            is_superuser: privileges.is_superuser(),
            is_active: state == UserState::Active,
            is_banned: state == UserState::Banned,
            full_name: profile.full_name.map(|it| it.as_str().to_owned()),
            date_of_birth: match role {
                Role::Driver { date_of_birth } => date_of_birth,
                Role::Staff { .. } => None,
            },
            image: profile.image,
            joined_at: joined_at.naive_utc(),
            unregistered_at: match state {
                UserState::Unregistered { at } => Some(at.naive_utc()),
                _ => None,
            },
            version,
        }
    }

    pub(super) fn username(&self) -> Result<Username, StoreError> {
        Username::parse(&self.username).map_err(corrupt("user"))
    }

    pub(super) fn phone_number(&self) -> Result<Option<PhoneNumber>, StoreError> {
        self.phone_number.as_deref().map(PhoneNumber::parse).transpose().map_err(corrupt("user"))
    }

    pub(super) fn role(&self, groups: Vec<GroupName>) -> Result<Role, StoreError> {
        match UserType::named(&self.user_type) {
            Some(UserType::Staff) => Ok(Role::Staff { groups }),
            Some(UserType::Driver) => Ok(Role::Driver { date_of_birth: self.date_of_birth }),
            None => Err(StoreError::corrupt("user", format!("its type is {}", self.user_type))),
        }
    }

    pub(super) fn privileges(&self) -> Privileges {
        match (self.is_staff, self.is_superuser) {
            (_, true) => Privileges::Superuser,
            (true, false) => Privileges::Staff,
            (false, false) => Privileges::None,
        }
    }

    pub(super) fn state(&self) -> UserState {
        match self.unregistered_at {
            _ if self.is_banned => UserState::Banned,
            Some(at) => UserState::Unregistered { at: at.and_utc() },
            None if self.is_active => UserState::Active,
            None => UserState::Inactive,
        }
    }
}
