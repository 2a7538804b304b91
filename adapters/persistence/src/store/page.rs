//! Lists in pages: counted, or cut where a cursor points.
//!
//! A cursor names the times and the id of the row where a page ends, so that the next one begins with a search in the
//! index that orders the list, and not with a count of what comes before.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::QueryResult;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Binary, Bool, Nullable, Timestamp};
use kernel_application::{Cursor, Direction, Page, PageNumber, PageRequest, PageStart, Place};
use kernel_domain::StoreError;

use super::Backend;
use super::columns::CountColumn;
use crate::counts::{Length, counted};
use crate::id::Id;

/// The columns that a list is ordered by: times, and an id that breaks ties.
#[derive(Clone)]
pub(super) struct Order<K> {
    /// The times, in the order in which they count.
    pub(super) keys: Vec<(K, Direction)>,
    /// In which direction ids go.
    pub(super) ties: Direction,
}

impl<K: Copy + PartialEq> Order<K> {
    /// What was asked for, without repetitions; what ties is ordered by `last` and then by id, in the direction asked
    /// for last.
    pub(super) fn of(asked: &[(K, Direction)], last: K) -> Self {
        let mut keys: Vec<(K, Direction)> = Vec::new();
        for &(key, direction) in asked {
            if keys.iter().all(|(known, _)| *known != key) {
                keys.push((key, direction));
            }
        }
        let ties = keys.last().map_or(Direction::Descending, |(_, direction)| *direction);
        if keys.iter().all(|(known, _)| *known != last) {
            keys.push((last, ties));
        }
        Self { keys, ties }
    }

    /// The same order of entries that all have none of this time.
    pub(super) fn without(mut self, time: K) -> Self {
        self.keys.retain(|(key, _)| *key != time);
        self
    }

    /// Whether many ask for it: a connection keeps what it prepared for good.
    pub(super) fn is_usual(&self) -> bool {
        self.keys.len() <= 2
    }

    /// What leads to the page before or behind a row.
    fn cursor<R: Row<K>>(&self, row: &R, is_backwards: bool) -> Option<Cursor> {
        let time = |it: &(K, Direction)| row.time(it.0).map(|it| it.and_utc());
        let times: Vec<Option<DateTime<Utc>>> = self.keys.iter().map(time).collect();
        Cursor::new(is_backwards, &times, row.id().0)
    }

    fn reversed(self) -> Self {
        let keys = self.keys.into_iter().map(|(key, direction)| (key, reverse(direction))).collect();
        Self { keys, ties: reverse(self.ties) }
    }
}

fn reverse(direction: Direction) -> Direction {
    match direction {
        Direction::Ascending => Direction::Descending,
        Direction::Descending => Direction::Ascending,
    }
}

/// The one time that a list is ordered by, if it is always the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Time;

/// A row of a list.
pub(super) trait Row<K> {
    /// One of the times that it may be ordered by.
    fn time(&self, key: K) -> Option<NaiveDateTime>;

    /// What breaks ties.
    fn id(&self) -> Id;
}

/// Which part of a list to read.
pub(super) struct Window<K> {
    /// In which order. Backwards, if the page ends where its cursor points, or where the list ends.
    pub(super) order: Order<K>,
    /// Only what is beyond that.
    pub(super) beyond: Option<Beyond>,
    pub(super) limit: i64,
    pub(super) offset: i64,
    start: Start,
    size: u32,
}

enum Start {
    Number { number: PageNumber, length: Length },
    Cursor(Option<Cursor>),
}

impl<K: Copy + PartialEq> Window<K> {
    /// Of a list of this `length`, which is asked for if the page is asked for by its number. `None` past the end; a
    /// cursor of a list in another order is a place in no list, and past the end, too.
    pub(super) async fn of(
        page: PageRequest,
        order: Order<K>,
        column: impl Fn(K) -> &'static str,
        id: &'static str,
        length: impl Future<Output = Result<Length, StoreError>>,
    ) -> Result<Option<Self>, StoreError> {
        let size = page.size();
        match page.start() {
            PageStart::Number(number) => {
                let length = length.await?;
                if let Length::Known(count) = length
                    && number.among(count, size).is_none()
                {
                    return Ok(None);
                }
                // From behind, the last page is the first one, wherever it is.
                let order = if number == PageNumber::Last { order.reversed() } else { order };
                let offset = i64::try_from(page.skipped()).unwrap_or(i64::MAX);
                let start = Start::Number { number, length };
                Ok(Some(Self { order, beyond: None, limit: i64::from(size), offset, start, size }))
            }
            PageStart::Cursor(cursor) => {
                if cursor.is_some_and(|it| it.times().len() != order.keys.len()) {
                    return Ok(None);
                }
                let order = if cursor.is_some_and(|it| it.is_backwards) { order.reversed() } else { order };
                let beyond = cursor.map(|it| Beyond::of(&order, it, column, id));
                // One more than is shown tells whether there is a page behind it.
                let limit = i64::from(size) + 1;
                Ok(Some(Self { order, beyond, limit, offset: 0, start: Start::Cursor(cursor), size }))
            }
        }
    }

    /// The one time that orders the page; what ties is ordered by `last`, in the same direction.
    pub(super) fn ordered_by(&self, last: K) -> Option<K> {
        match self.order.keys[..] {
            [(key, _)] => Some(key),
            [(key, direction), (second, ties)] if second == last && direction == ties => Some(key),
            _ => None,
        }
    }

    /// The length of the list as a column of the statement that reads the page: what `count` counts, or nothing if that
    /// is known or not asked for.
    pub(super) fn length<Q>(&self, count: impl FnOnce() -> Q) -> CountColumn<Q> {
        let is_asked_for = matches!(self.start, Start::Number { length: Length::Unknown(_), .. });
        CountColumn::new(is_asked_for.then(count))
    }

    /// The page, once its rows were read, each with the length of the list if that was asked for. `None` past the end.
    pub(super) fn filled<R: Row<K>>(self, rows: Vec<(R, Option<i64>)>) -> Result<Option<Page<R>>, StoreError> {
        let count = rows.first().and_then(|(_, count)| *count);
        let rows = rows.into_iter().map(|(row, _)| row).collect();
        match self.start {
            // The list ends before this page, and no row tells how long it is.
            Start::Number { length: Length::Unknown(_), .. } if count.is_none() && self.offset > 0 => Ok(None),
            Start::Number { number, length } => {
                let length = match length {
                    Length::Known(length) => length,
                    Length::Unknown(counting) => {
                        let length = counted(count.unwrap_or_default())?;
                        counting.ended(length);
                        length
                    }
                };
                Ok(numbered(rows, number, length, self.size))
            }
            Start::Cursor(cursor) => Ok(Some(between(rows, cursor, &self.order, self.size))),
        }
    }
}

/// The page of a list with `count` rows, of which `rows` were read: those from behind, if it is the last one.
fn numbered<R>(mut rows: Vec<R>, number: PageNumber, count: u64, size: u32) -> Option<Page<R>> {
    let place = number.among(count, size)?;
    if number == PageNumber::Last {
        // These are the rows that are last now; the number of the page is what the remembered count makes it.
        let before = u64::from(place - 1) * u64::from(size);
        rows.truncate(usize::try_from(count - before).unwrap_or(usize::MAX));
        rows.reverse();
    }
    Some(Page::numbered(rows, place, count, size))
}

fn between<K: Copy + PartialEq, R: Row<K>>(
    mut rows: Vec<R>,
    cursor: Option<Cursor>,
    order: &Order<K>,
    size: u32,
) -> Page<R> {
    let shown = usize::try_from(size).unwrap_or(usize::MAX);
    let goes_on = rows.len() > shown;
    rows.truncate(shown);
    let is_backwards = cursor.is_some_and(|it| it.is_backwards);
    if is_backwards {
        rows.reverse();
    }
    let at = |row: Option<&R>, is_backwards| match (row, cursor) {
        (Some(row), _) => order.cursor(row, is_backwards),
        // Whatever stood there is gone: what is on the other side of the cursor is still there.
        (None, Some(cursor)) => Some(cursor.towards(is_backwards)),
        (None, None) => None,
    };
    let has_previous = if is_backwards { goes_on } else { cursor.is_some() };
    let has_next = if is_backwards { true } else { goes_on };
    let previous = has_previous.then(|| at(rows.first(), true)).flatten();
    let next = has_next.then(|| at(rows.last(), false)).flatten();
    Page { entries: rows, place: Place::Between { previous, next }, size }
}

/// The rows of a list that come after some place.
///
/// Spelled as one condition for each column that may be the first to differ: that is what MySQL finds in an index,
/// which it does not with rows of values.
pub(super) struct Beyond {
    times: Vec<(&'static str, Direction, Option<NaiveDateTime>)>,
    id: (&'static str, Direction, Id),
}

impl Beyond {
    fn of<K: Copy>(order: &Order<K>, cursor: Cursor, column: impl Fn(K) -> &'static str, id: &'static str) -> Self {
        let times = order.keys.iter().zip(cursor.times());
        let times = times.map(|((key, direction), time)| (column(*key), *direction, time.map(|it| it.naive_utc())));
        Self { times: times.collect(), id: (id, order.ties, Id(cursor.id)) }
    }
}

impl Expression for Beyond {
    type SqlType = Bool;
}

impl<QS: ?Sized> AppearsOnTable<QS> for Beyond {}

impl<QS: ?Sized> SelectableExpression<QS> for Beyond {}

impl<G> ValidGrouping<G> for Beyond {
    type IsAggregate = is_aggregate::No;
}

impl QueryId for Beyond {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Backend> for Beyond {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let (id, direction, last) = &self.id;
        out.push_sql("(");
        for (at, (column, direction, time)) in self.times.iter().enumerate() {
            self.alike(at, out.reborrow())?;
            out.push_sql(&match (direction, time) {
                // What has no time sorts as the oldest.
                (Direction::Ascending, None) => format!("{column} IS NOT NULL OR "),
                (Direction::Descending, None) => "FALSE OR ".to_owned(),
                (Direction::Ascending, Some(_)) => format!("{column} > "),
                (Direction::Descending, Some(_)) => format!("({column} IS NULL OR {column} < "),
            });
            if time.is_some() {
                out.push_bind_param::<Nullable<Timestamp>, _>(time)?;
                out.push_sql(match direction {
                    Direction::Ascending => " OR ",
                    Direction::Descending => ") OR ",
                });
            }
        }
        self.alike(self.times.len(), out.reborrow())?;
        out.push_sql(id);
        out.push_sql(match direction {
            Direction::Ascending => " > ",
            Direction::Descending => " < ",
        });
        out.push_bind_param::<Binary, _>(last)?;
        out.push_sql(")");
        Ok(())
    }
}

impl Beyond {
    /// That the first columns do not differ.
    fn alike<'b>(&'b self, columns: usize, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        for (column, _, time) in self.times.iter().take(columns) {
            out.push_sql(column);
            match time {
                Some(_) => {
                    out.push_sql(" = ");
                    out.push_bind_param::<Nullable<Timestamp>, _>(time)?;
                }
                None => out.push_sql(" IS NULL"),
            }
            out.push_sql(" AND ");
        }
        Ok(())
    }
}

/// Orders a boxed query by one more column.
macro_rules! then_by {
    ($query:expr, $column:expr, $direction:expr) => {
        match $direction {
            ::kernel_application::Direction::Ascending => $query.then_order_by($column.asc()),
            ::kernel_application::Direction::Descending => $query.then_order_by($column.desc()),
        }
    };
}
pub(super) use then_by;

#[cfg(test)]
mod tests {
    use kernel_application::Direction::{Ascending, Descending};

    use super::*;

    #[test]
    fn a_key_that_is_named_twice_counts_once() {
        let order = Order::of(&[('a', Ascending), ('b', Descending), ('a', Descending)], 'b');

        assert_eq!((order.keys.as_slice(), order.ties), ([('a', Ascending), ('b', Descending)].as_slice(), Descending));
    }

    #[test]
    fn the_last_page_is_what_is_left_over_of_the_rows_from_behind() {
        let last = |rows: &[u32], count| numbered(rows.to_vec(), PageNumber::Last, count, 10).unwrap();
        let shown = |page: Page<u32>| (page.entries, page.place);

        let from_behind: Vec<_> = (16..=25).rev().collect();
        let end = (vec![21, 22, 23, 24, 25], Place::Numbered { number: 3, count: 25 });
        assert_eq!(shown(last(&from_behind, 25)), end);
        let shorter_meanwhile = (vec![1, 2], Place::Numbered { number: 3, count: 25 });
        assert_eq!(shown(last(&[2, 1], 25)), shorter_meanwhile);
        assert_eq!(shown(last(&[], 0)), (vec![], Place::Numbered { number: 1, count: 0 }));
    }

    #[test]
    fn ties_follow_the_last_key_and_newest_come_first_without_any() {
        let keys = |asked: &[(char, Direction)]| Order::of(asked, 'z').keys;

        assert_eq!(keys(&[]), [('z', Descending)]);
        assert_eq!(keys(&[('a', Descending), ('b', Ascending)]).last(), Some(&('z', Ascending)));
    }
}
