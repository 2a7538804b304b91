//! The user context's read side: rows straight to views.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::StoreError;
use user_application::{Account, AccountName, ProfileView, UserQueries};
use user_domain::{GroupName, UserId};

use super::super::record::CHUNK;
use super::super::{Connection, Stores, corrupt};
use super::users::UserRow;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{user_permission_groups, user_users};
use crate::sql::{Prepared, padded};

#[async_trait]
impl UserQueries for Stores {
    async fn profiles(&self, users: &[UserId]) -> Result<Vec<ProfileView>, StoreError> {
        let mut lease = self.reader().await?;
        let mut profiles = Vec::with_capacity(users.len());
        for chunk in users.chunks(CHUNK) {
            let ids = padded(chunk.iter().map(|it| Id(it.as_uuid())));
            let rows = user_users::table.filter(user_users::id.eq_any(ids.clone())).select(UserRow::as_select());
            let rows: Vec<UserRow> = Prepared::kept(rows).load(lease.connection()).await.map_err(store_error)?;
            let mut groups = groups(lease.connection(), ids).await?;
            for row in rows {
                let groups = groups.remove(&row.id).unwrap_or_default();
                profiles.push(profile(row, groups)?);
            }
        }
        Ok(profiles)
    }

    async fn account(&self, name: &AccountName) -> Result<Option<Account>, StoreError> {
        let mut lease = self.reader().await?;
        let users = user_users::table.select(UserRow::as_select());
        let row = match name {
            AccountName::Username(name) => {
                users.filter(user_users::username.eq(name.as_str())).get_result(lease.connection()).await
            }
            AccountName::PhoneNumber(number) => {
                users.filter(user_users::phone_number.eq(number.as_str())).get_result(lease.connection()).await
            }
        };
        let row: Option<UserRow> = row.optional().map_err(store_error)?;
        let Some(row) = row else { return Ok(None) };
        let groups = groups(lease.connection(), vec![row.id]).await?.remove(&row.id).unwrap_or_default();
        Ok(Some(Account {
            id: UserId::new(row.id.0),
            role: row.role(groups)?,
            privileges: row.privileges(),
            state: row.state(),
        }))
    }
}

/// The groups of each user, by name.
async fn groups(connection: &mut Connection, users: Vec<Id>) -> Result<HashMap<Id, Vec<GroupName>>, StoreError> {
    let rows = user_permission_groups::table
        .filter(user_permission_groups::user_id.eq_any(users))
        .order((user_permission_groups::user_id, user_permission_groups::name));
    let rows: Vec<(Id, String)> = Prepared::kept(rows).load(connection).await.map_err(store_error)?;
    let mut groups: HashMap<_, Vec<_>> = HashMap::new();
    for (user, name) in rows {
        groups.entry(user).or_default().push(GroupName::parse(&name).map_err(corrupt("permission group"))?);
    }
    Ok(groups)
}

fn profile(row: UserRow, groups: Vec<GroupName>) -> Result<ProfileView, StoreError> {
    Ok(ProfileView {
        id: UserId::new(row.id.0),
        username: row.username()?,
        phone_number: row.phone_number()?,
        role: row.role(groups)?,
        state: row.state(),
        full_name: row.full_name,
        image: row.image,
    })
}
