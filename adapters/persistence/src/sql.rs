//! Pieces of SQL that diesel does not spell for both backends.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::mysql::Mysql;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Nullable, Text};
use diesel::sqlite::Sqlite;

use crate::sabotage::{self, Sabotage};

/// What a query says on MySQL whose rows nobody may change until the transaction ends. The newer `FOR SHARE` means the same,
/// and `MariaDB` does not know it.
pub(crate) const LOCK_IN_SHARE_MODE: &str = " LOCK IN SHARE MODE";

/// A query whose rows stay locked until the transaction ends. `SQLite` needs no such clause: there,
/// a unit of work has the whole database for itself.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct Locked<Q>(pub(crate) Q);

impl<Q: Query> Query for Locked<Q> {
    type SqlType = Q::SqlType;
}

impl<Q: QueryFragment<Mysql>> QueryFragment<Mysql> for Locked<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        if !sabotage::is_on(Sabotage::NoRowLocks) {
            out.push_sql(" FOR UPDATE");
        }
        Ok(())
    }
}

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Locked<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

/// A query that waits for whoever is changing one of its rows, and sees what they made of it. `SQLite` has one writer, who
/// was there before or comes later.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct Settled<Q>(pub(crate) Q);

impl<Q: Query> Query for Settled<Q> {
    type SqlType = Q::SqlType;
}

impl<Q: QueryFragment<Mysql>> QueryFragment<Mysql> for Settled<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(LOCK_IN_SHARE_MODE);
        Ok(())
    }
}

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Settled<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

/// A query like [`Locked`] that fails at once if somebody else has one of the rows.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct LockedNow<Q>(pub(crate) Q);

impl<Q: Query> Query for LockedNow<Q> {
    type SqlType = Q::SqlType;
}

impl<Q: QueryFragment<Mysql>> QueryFragment<Mysql> for LockedNow<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" FOR UPDATE NOWAIT");
        Ok(())
    }
}

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for LockedNow<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

/// A query that a connection keeps prepared, or not. Each connection keeps what it prepared for good,
/// and the server counts them all: whoever keeps a query promises that its text comes in few shapes.
pub(crate) struct Prepared<Q> {
    query: Q,
    is_kept: bool,
}

impl<Q> Prepared<Q> {
    /// For a text that comes in few shapes: its lists are [`padded`].
    pub(crate) fn kept(query: Q) -> Self {
        Self { query, is_kept: true }
    }

    /// Keeps the query prepared if it `is_common`.
    pub(crate) fn kept_if(is_common: bool, query: Q) -> Self {
        Self { query, is_kept: is_common }
    }
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.query.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &DB) -> QueryResult<bool> {
        Ok(self.is_kept)
    }
}

diesel::define_sql_function! {
    /// Where a text has a part, from 1; 0 if nowhere. Both compare letter by letter, and know no wildcards.
    fn instr(text: Nullable<Text>, part: Text) -> Nullable<Integer>;
}

diesel::define_sql_function! {
    /// A text in lower case: of every alphabet on MySQL, of the Latin one on `SQLite`.
    fn lower(text: Nullable<Text>) -> Nullable<Text>;
}

/// The lengths that lists of values have.
const LENGTHS: [usize; 4] = [1, 8, 64, 512];

/// The values, the last one repeated until the list has one of a few lengths: what is found stays
/// the same, and the query's text takes few shapes.
pub(crate) fn padded<T: Clone>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut values: Vec<_> = values.into_iter().collect();
    let length = LENGTHS.into_iter().find(|it| *it >= values.len());
    if let (Some(length), Some(last)) = (length, values.last().cloned()) {
        values.resize(length, last);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_take_few_lengths_and_keep_their_values() {
        for (given, length) in [(0, 0), (1, 1), (2, 8), (8, 8), (9, 64), (500, 512), (600, 600)] {
            let list = padded(0..given);

            assert_eq!(list.len(), length, "{given} values");
            assert!((0..given).all(|it| list.contains(&it)), "{given} values");
        }
    }
}
