//! Users, as the staff lists them.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use futures_util::future::BoxFuture;
use kernel_application::{Page, PageRequest};
use kernel_domain::StoreError;
use user_application::{UserFilter, UserView};
use user_domain::{Email, GroupName, UserId};

use super::super::columns::Along;
use super::super::lengths::Lengths;
use super::super::page::{Order, Row, Time, Window, then_by};
use super::super::{Backend, Connection, corrupt};
use super::queries::groups;
use super::users::UserRow;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::user_users;
use crate::sql::{instr, lower, padded};

pub(super) async fn one(connection: &mut Connection, id: UserId) -> Result<Option<UserView>, StoreError> {
    let row = user_users::table.find(Id(id.as_uuid())).select(UserRow::as_select());
    let row = row.get_result(connection).await.optional().map_err(store_error)?;
    Ok(with_groups(connection, row.into_iter().collect()).await?.pop())
}

pub(super) async fn page(
    connection: &mut Connection,
    lengths: Lengths,
    filter: &UserFilter,
    page: PageRequest,
) -> Result<Option<Page<UserView>>, StoreError> {
    let length = lengths.of("user_users", connection, filter, counted, page);
    let window = Window::of(page, Order::of(&[], Time), |Time| "user_users.joined_at", "user_users.id", length).await?;
    let Some(mut window) = window else { return Ok(None) };

    let columns = Along::new(index(&window, filter), (UserRow::as_select(), window.length(|| count(filter))));
    let mut query = matching(user_users::table.select(columns).into_boxed(), filter);
    for (Time, direction) in &window.order.keys {
        query = then_by!(query, user_users::joined_at, direction);
    }
    query = then_by!(query, user_users::id, window.order.ties);
    if let Some(beyond) = window.beyond.take() {
        query = query.filter(beyond);
    }
    let query = query.limit(window.limit).offset(window.offset);
    let Some(page) = window.filled(query.load(connection).await.map_err(store_error)?)? else { return Ok(None) };
    let (rows, page) = page.taken();
    Ok(Some(page.with(with_groups(connection, rows).await?)))
}

impl Row<Time> for UserRow {
    fn time(&self, Time: Time) -> Option<NaiveDateTime> {
        Some(self.joined_at)
    }

    fn id(&self) -> Id {
        self.id
    }
}

/// The index that orders the page, where there is one for sure.
fn index(window: &Window<Time>, filter: &UserFilter) -> Option<(&'static str, &'static str)> {
    let UserFilter { user_type, is_active, is_banned, phone_number: None, text: None } = filter else { return None };
    let Time = window.ordered_by(Time)?;
    let name = match (user_type, is_active, is_banned) {
        (None, None, None) => "user_users_by_joining",
        (Some(_), None, None) => "user_users_by_type",
        (None, Some(_), None) => "user_users_by_activity",
        (None, None, Some(_)) => "user_users_by_ban",
        _ => return None,
    };
    Some(("user_users", name))
}

fn counted<'c>(connection: &'c mut Connection, filter: &'c UserFilter) -> BoxFuture<'c, Result<i64, StoreError>> {
    let count = count(filter);
    Box::pin(async move { count.get_result(connection).await.map_err(store_error) })
}

fn count(filter: &UserFilter) -> user_users::BoxedQuery<'_, Backend, BigInt> {
    matching(user_users::table.count().into_boxed(), filter)
}

fn matching<'q, ST: 'static>(
    mut query: user_users::BoxedQuery<'q, Backend, ST>,
    filter: &'q UserFilter,
) -> user_users::BoxedQuery<'q, Backend, ST> {
    let UserFilter { user_type, is_active, is_banned, phone_number, text } = filter;
    if let Some(user_type) = user_type {
        query = query.filter(user_users::user_type.eq(user_type.name()));
    }
    if let Some(is_active) = is_active {
        query = query.filter(user_users::is_active.eq(is_active));
    }
    if let Some(is_banned) = is_banned {
        query = query.filter(user_users::is_banned.eq(is_banned));
    }
    if let Some(number) = phone_number {
        query = query.filter(user_users::phone_number.eq(number.as_str()));
    }
    if let Some(text) = text {
        let text = text.to_lowercase();
        let named = instr(lower(user_users::username.nullable()), text.clone()).gt(0);
        let called = instr(lower(user_users::full_name), text.clone()).gt(0);
        let numbered = instr(user_users::phone_number, text).gt(0);
        query = query.filter(named.or(called).or(numbered));
    }
    query
}

async fn with_groups(connection: &mut Connection, rows: Vec<UserRow>) -> Result<Vec<UserView>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut groups = groups(connection, padded(rows.iter().map(|it| it.id))).await?;
    rows.into_iter().map(|row| view(&row, groups.remove(&row.id).unwrap_or_default())).collect()
}

fn view(row: &UserRow, groups: Vec<GroupName>) -> Result<UserView, StoreError> {
    Ok(UserView {
        id: UserId::new(row.id.0),
        username: row.username()?,
        phone_number: row.phone_number()?,
        email: row.email.as_deref().map(Email::parse).transpose().map_err(corrupt("user"))?,
        role: row.role(groups)?,
        privileges: row.privileges(),
        state: row.state()?,
        joined_at: row.joined_at.and_utc(),
    })
}
