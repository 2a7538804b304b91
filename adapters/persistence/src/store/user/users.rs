//! Users as rows, and back.

use async_trait::async_trait;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::{Aggregate, StoreError};
use user_domain::{
    Email, FullName, GroupName, ImageKey, Locale, PhoneNumber, PhoneNumberHash, Privileges, Profile, Role, User,
    UserId, UserRepository, UserSnapshot, UserState, UserType, Username,
};

use super::super::corrupt;
use super::super::record::{self, Binds, Record, record};
use super::super::unit::FIRST_VERSION;
use super::Work;
use super::queries::groups;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{user_permission_groups, user_users};
use crate::sql::Locked;

#[derive(Queryable, Selectable)]
#[expect(clippy::struct_excessive_bools, reason = "a row has a column for each flag that lists filter by")]
#[diesel(table_name = user_users)]
pub(super) struct UserRow {
    pub(super) id: Id,
    username: String,
    phone_number: Option<String>,
    pub(super) email: Option<String>,
    user_type: String,
    is_staff: bool,
    is_superuser: bool,
    is_active: bool,
    is_banned: bool,
    pub(super) full_name: Option<String>,
    date_of_birth: Option<NaiveDate>,
    image: Option<String>,
    locale: String,
    pub(super) joined_at: NaiveDateTime,
    deactivated_at: Option<NaiveDateTime>,
    unregistered_at: Option<NaiveDateTime>,
    banned_number_hash: Option<Vec<u8>>,
    version: i32,
}

record!(UserRow in user_users {
    id; username, phone_number, email, user_type, is_staff, is_superuser, is_active, is_banned, full_name,
    date_of_birth, image, locale, joined_at, deactivated_at, unregistered_at, banned_number_hash, version
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
        self.groups.insert(user.id(), Vec::new());
        self.save_groups(user).await
    }

    async fn find(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = Locked(user_users::table.find(Id(id.as_uuid())).select(UserRow::as_select()));
        let row: Option<UserRow> = row.get_result(self.unit.connection()?).await.optional().map_err(store_error)?;
        let Some(row) = row else { return Ok(None) };
        self.unit.found(aggregate(id), row.version);
        let groups = groups(self.unit.connection()?, vec![row.id]).await?.remove(&row.id).unwrap_or_default();
        self.groups.insert(id, groups.clone());
        row.into_user(groups).map(Some)
    }

    async fn save(&mut self, user: &User) -> Result<(), StoreError> {
        let row = UserRow::of(user, self.unit.next_version(aggregate(user.id()))?);
        self.unit.save(&[aggregate(user.id())], &[row]).await?;
        self.save_groups(user).await
    }
}

impl Work {
    /// Writes the groups of a user if they changed. Nobody else does while the user's row is locked.
    async fn save_groups(&mut self, user: &User) -> Result<(), StoreError> {
        let groups = groups_of(user);
        let before = self.groups.insert(user.id(), groups.clone());
        if before.as_ref() == Some(&groups) {
            return Ok(());
        }
        let user_id = Id(user.id().as_uuid());
        if before.is_some_and(|it| !it.is_empty()) {
            let left = user_permission_groups::table.filter(user_permission_groups::user_id.eq(user_id));
            diesel::delete(left).execute(self.unit.connection()?).await.map_err(store_error)?;
        }
        let rows: Vec<_> = groups.iter().map(|it| GroupRow { user_id, name: it.as_str().to_owned() }).collect();
        record::insert(self.unit.connection()?, &rows).await.map_err(store_error)
    }
}

fn aggregate(id: UserId) -> Aggregate {
    Aggregate { kind: "user", id: id.as_uuid() }
}

/// The groups of a user by name, as they come back.
fn groups_of(user: &User) -> Vec<GroupName> {
    let mut groups = match user.role() {
        Role::Staff { groups } => groups.clone(),
        Role::Driver { .. } => Vec::new(),
    };
    groups.sort_unstable();
    groups.dedup();
    groups
}

impl UserRow {
    fn of(user: &User, version: i32) -> Self {
        let UserSnapshot { id, username, phone_number, email, role, profile, privileges, locale, state, joined_at } =
            user.snapshot();
        let (deactivated_at, unregistered_at, banned_number) = match state {
            UserState::Active => (None, None, None),
            UserState::Inactive { since } => (Some(since), None, None),
            UserState::Banned { at, phone_number } => (Some(at), None, phone_number),
            UserState::Unregistered { at } => (Some(at), Some(at), None),
        };
        Self {
            id: Id(id.as_uuid()),
            username: username.as_str().to_owned(),
            phone_number: phone_number.map(|it| it.as_str().to_owned()),
            email: email.map(|it| it.as_str().to_owned()),
            user_type: role.user_type().name().to_owned(),
            is_staff: privileges.is_staff(),
            is_superuser: privileges.is_superuser(),
            is_active: state == UserState::Active,
            is_banned: matches!(state, UserState::Banned { .. }),
            full_name: profile.full_name.map(|it| it.as_str().to_owned()),
            date_of_birth: match role {
                Role::Driver { date_of_birth } => date_of_birth,
                Role::Staff { .. } => None,
            },
            image: profile.image.map(|it| it.as_str().to_owned()),
            locale: locale.as_str().to_owned(),
            joined_at: joined_at.naive_utc(),
            deactivated_at: deactivated_at.map(|it| it.naive_utc()),
            unregistered_at: unregistered_at.map(|it| it.naive_utc()),
            banned_number_hash: banned_number.map(|it| it.as_bytes().to_vec()),
            version,
        }
    }

    fn into_user(self, groups: Vec<GroupName>) -> Result<User, StoreError> {
        Ok(User::from(UserSnapshot {
            id: UserId::new(self.id.0),
            username: self.username()?,
            phone_number: self.phone_number()?,
            email: self.email.as_deref().map(Email::parse).transpose().map_err(corrupt("user"))?,
            role: self.role(groups)?,
            profile: Profile {
                full_name: self.full_name.as_deref().map(FullName::parse).transpose().map_err(corrupt("user"))?,
                image: self.image()?,
            },
            privileges: self.privileges(),
            locale: Locale::parse(&self.locale).map_err(corrupt("user"))?,
            state: self.state()?,
            joined_at: self.joined_at.and_utc(),
        }))
    }

    pub(super) fn username(&self) -> Result<Username, StoreError> {
        Username::parse(&self.username).map_err(corrupt("user"))
    }

    pub(super) fn phone_number(&self) -> Result<Option<PhoneNumber>, StoreError> {
        self.phone_number.as_deref().map(PhoneNumber::parse).transpose().map_err(corrupt("user"))
    }

    pub(super) fn image(&self) -> Result<Option<ImageKey>, StoreError> {
        self.image.as_deref().map(ImageKey::parse).transpose().map_err(corrupt("user"))
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

    pub(super) fn state(&self) -> Result<UserState, StoreError> {
        let state = match (self.deactivated_at, self.unregistered_at) {
            (None, _) => UserState::Active,
            (Some(at), _) if self.is_banned => {
                UserState::Banned { at: at.and_utc(), phone_number: self.banned_number()? }
            }
            (Some(_), Some(at)) => UserState::Unregistered { at: at.and_utc() },
            (Some(since), None) => UserState::Inactive { since: since.and_utc() },
        };
        Ok(state)
    }

    pub(super) fn has_banned_number(&self, hashes: &[PhoneNumberHash]) -> bool {
        hashes.iter().any(|it| self.banned_number_hash.as_deref() == Some(it.as_bytes().as_slice()))
    }

    fn banned_number(&self) -> Result<Option<PhoneNumberHash>, StoreError> {
        let unlike = |_| StoreError::corrupt("user", "the hash of their number is no digest");
        let digest = self.banned_number_hash.as_deref().map(<[u8; 32]>::try_from).transpose().map_err(unlike)?;
        Ok(digest.map(PhoneNumberHash::new))
    }
}
