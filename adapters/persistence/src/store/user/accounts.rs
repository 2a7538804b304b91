//! Who goes by a name or has a number: each in one statement, with the groups that they are in.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::StoreError;
use user_application::{Account, AccountName, NumberStanding};
use user_domain::{GroupName, PhoneNumber, PhoneNumberHash, UserId};

use super::super::{Backend, Connection, corrupt};
use super::users::UserRow;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{user_permission_groups, user_users};
use crate::sql::{Prepared, padded};

pub(super) async fn account(connection: &mut Connection, name: &AccountName) -> Result<Option<Account>, StoreError> {
    let users = in_groups();
    let rows = match name {
        AccountName::Id(id) => users.filter(user_users::id.eq(Id(id.as_uuid()))).load(connection).await,
        AccountName::Username(name) => users.filter(user_users::username.eq(name.as_str())).load(connection).await,
        AccountName::PhoneNumber(number) => {
            users.filter(user_users::phone_number.eq(number.as_str())).load(connection).await
        }
    };
    folded(rows.map_err(store_error)?)?.pop().map(|(row, groups)| of(&row, groups)).transpose()
}

pub(super) async fn standing(
    connection: &mut Connection,
    number: &PhoneNumber,
    hashes: &[PhoneNumberHash],
) -> Result<NumberStanding, StoreError> {
    let is_theirs = user_users::phone_number.eq(number.as_str());
    let banned = padded(hashes.iter().map(|it| it.as_bytes().as_slice()));
    let rows = in_groups().filter(is_theirs.or(user_users::banned_number_hash.eq_any(banned)));
    let rows = Prepared::kept(rows).load(connection).await.map_err(store_error)?;
    let mut owner = None;
    for (row, groups) in folded(rows)? {
        if row.has_banned_number(hashes) {
            return Ok(NumberStanding::Banned);
        }
        owner = Some(of(&row, groups)?);
    }
    Ok(owner.map_or(NumberStanding::Free, NumberStanding::Taken))
}

/// A user, and one of their groups if they are in any.
type Row = (UserRow, Option<String>);

/// In no order: to sort what it has found would take a database longer than to find nobody, and tell who has an account.
#[diesel::dsl::auto_type(no_type_alias)]
fn in_groups() -> _ {
    let row: diesel::dsl::AsSelect<UserRow, Backend> = UserRow::as_select();
    user_users::table
        .left_join(user_permission_groups::table.on(user_permission_groups::user_id.eq(user_users::id)))
        .select((row, user_permission_groups::name.nullable()))
}

/// Each user once, with all their groups by name. Few users have a name, or a number and its hashes.
fn folded(rows: Vec<Row>) -> Result<Vec<(UserRow, Vec<GroupName>)>, StoreError> {
    let mut users: Vec<(UserRow, Vec<GroupName>)> = Vec::new();
    for (row, group) in rows {
        let group = group.map(|it| GroupName::parse(&it).map_err(corrupt("permission group"))).transpose()?;
        match users.iter_mut().find(|(user, _)| user.id == row.id) {
            Some((_, groups)) => groups.extend(group),
            None => users.push((row, group.into_iter().collect())),
        }
    }
    for (_, groups) in &mut users {
        groups.sort();
    }
    Ok(users)
}

fn of(row: &UserRow, groups: Vec<GroupName>) -> Result<Account, StoreError> {
    Ok(Account {
        id: UserId::new(row.id.0),
        role: row.role(groups)?,
        privileges: row.privileges(),
        state: row.state()?,
    })
}
