//! The columns of a list: along which index they are read, and how long the list is.

use diesel::QueryResult;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable};

use super::Backend;

/// The columns of a list, read along the index that orders it, where one is named.
///
/// A page that begins in the middle is a range of many rows to MySQL, so that it reads a hundred of them ahead,
/// whatever the limit says; and of a list of some thousand it sorts them all for the first page, or for one that skips
/// some. Given a single index to choose from it estimates no rows, and reads what the page shows. To `SQLite` this is a
/// comment.
pub(super) struct Along<C> {
    columns: C,
    /// A table, and an index of it.
    index: Option<(&'static str, &'static str)>,
}

impl<C> Along<C> {
    pub(super) fn new(index: Option<(&'static str, &'static str)>, columns: C) -> Self {
        Self { columns, index }
    }
}

impl<C: Expression> Expression for Along<C> {
    type SqlType = C::SqlType;
}

impl<C: AppearsOnTable<QS>, QS: ?Sized> AppearsOnTable<QS> for Along<C> {}

impl<C: SelectableExpression<QS>, QS: ?Sized> SelectableExpression<QS> for Along<C> {}

impl<C: ValidGrouping<G>, G> ValidGrouping<G> for Along<C> {
    type IsAggregate = C::IsAggregate;
}

impl<C> QueryId for Along<C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C: QueryFragment<Backend>> QueryFragment<Backend> for Along<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        if let Some((table, index)) = self.index {
            out.push_sql(&format!("/*+ INDEX({table} {index}) */ "));
        }
        self.columns.walk_ast(out)
    }
}

/// How many rows a list has: a column that is the same for each row, counted once for the statement, or `NULL`.
pub(super) struct CountColumn<Q>(Option<Q>);

impl<Q> CountColumn<Q> {
    pub(super) fn new(count: Option<Q>) -> Self {
        Self(count)
    }
}

impl<Q> Expression for CountColumn<Q> {
    type SqlType = Nullable<BigInt>;
}

impl<Q, QS: ?Sized> AppearsOnTable<QS> for CountColumn<Q> {}

impl<Q, QS: ?Sized> SelectableExpression<QS> for CountColumn<Q> {}

impl<Q, G> ValidGrouping<G> for CountColumn<Q> {
    type IsAggregate = is_aggregate::Never;
}

impl<Q> QueryId for CountColumn<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Backend>> QueryFragment<Backend> for CountColumn<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let Some(count) = &self.0 else {
            out.push_sql("NULL");
            return Ok(());
        };
        out.push_sql("(");
        count.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}
