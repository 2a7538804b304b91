//! The user context's read side: rows straight to views.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_application::{Page, PageRequest};
use kernel_domain::StoreError;
use user_application::{Account, AccountName, NumberStanding, ProfileRecord, UserFilter, UserQueries, UserView};
use user_domain::{GroupName, ImageKey, PhoneNumber, PhoneNumberHash, UserId};

use super::super::record::CHUNK;
use super::super::{Connection, Stores, corrupt};
use super::users::UserRow;
use super::{accounts, images, lists};
use crate::error::store_error;
use crate::id::Id;
use crate::schema::{user_permission_groups, user_users};
use crate::sql::{Prepared, padded};

#[async_trait]
impl UserQueries for Stores {
    async fn profiles(&self, users: &[UserId]) -> Result<Vec<ProfileRecord>, StoreError> {
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
        accounts::account(self.reader().await?.connection(), name).await
    }

    async fn standing(&self, number: &PhoneNumber, hashes: &[PhoneNumberHash]) -> Result<NumberStanding, StoreError> {
        accounts::standing(self.reader().await?.connection(), number, hashes).await
    }

    async fn deactivated_since(&self, since: DateTime<Utc>) -> Result<Vec<UserId>, StoreError> {
        let mut lease = self.reader().await?;
        let deactivated = user_users::table.filter(user_users::deactivated_at.ge(since.naive_utc()));
        let deactivated = deactivated.select(user_users::id).load::<Id>(lease.connection()).await;
        Ok(deactivated.map_err(store_error)?.into_iter().map(|it| UserId::new(it.0)).collect())
    }

    async fn user(&self, id: UserId) -> Result<Option<UserView>, StoreError> {
        lists::one(self.reader().await?.connection(), id).await
    }

    async fn users(&self, filter: &UserFilter, page: PageRequest) -> Result<Option<Page<UserView>>, StoreError> {
        lists::page(self.lister().await?.connection(), self.lengths(), filter, page).await
    }

    async fn discarded_images(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<ImageKey>, StoreError> {
        images::due(self.reader().await?.connection(), now, limit).await
    }
}

/// The groups of each user, by name.
pub(super) async fn groups(
    connection: &mut Connection,
    users: Vec<Id>,
) -> Result<HashMap<Id, Vec<GroupName>>, StoreError> {
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

fn profile(row: UserRow, groups: Vec<GroupName>) -> Result<ProfileRecord, StoreError> {
    Ok(ProfileRecord {
        id: UserId::new(row.id.0),
        username: row.username()?,
        phone_number: row.phone_number()?,
        role: row.role(groups)?,
        state: row.state()?,
        image: row.image()?,
        full_name: row.full_name,
    })
}
