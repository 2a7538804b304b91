//! Rows written by the statement, not one by one: a bulk command costs as many statements as a single one.

use diesel::QueryResult;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel_async::RunQueryDsl;

use super::{Backend, Connection, incoming, on_conflict};
use crate::sabotage::{self, Sabotage};

/// Rows in one statement at most: statements and what they lock stay bounded.
pub(super) const CHUNK: usize = 500;

/// A row that can be written. Made by [`record!`].
pub(super) trait Record: Sync + 'static {
    const TABLE: &'static str;
    const KEY: &'static [&'static str];
    const COLUMNS: &'static [&'static str];

    fn bind<'b>(&'b self, out: Binds<'_, 'b>) -> QueryResult<()>;
}

/// Where a row's values go.
pub(super) type Binds<'a, 'b> = AstPass<'a, 'b, Backend>;

/// Says in which columns of which table a row's fields go; those of the key come first, and the
/// schema knows the types. Needs [`Binds`] and [`Record`] in scope.
macro_rules! record {
    ($row:ident in $table:ident { $first:ident $(, $key:ident)* ; $($column:ident),* $(,)? }) => {
        impl Record for $row {
            const TABLE: &'static str = stringify!($table);
            const KEY: &'static [&'static str] = &[stringify!($first) $(, stringify!($key))*];
            const COLUMNS: &'static [&'static str] =
                &[stringify!($first), $(stringify!($key),)* $(stringify!($column)),*];

            fn bind<'b>(&'b self, mut out: Binds<'_, 'b>) -> ::diesel::QueryResult<()> {
                out.push_bind_param::<::diesel::dsl::SqlTypeOf<$table::$first>, _>(&self.$first)?;
                $(
                    out.push_sql(", ");
                    out.push_bind_param::<::diesel::dsl::SqlTypeOf<$table::$key>, _>(&self.$key)?;
                )*
                $(
                    out.push_sql(", ");
                    out.push_bind_param::<::diesel::dsl::SqlTypeOf<$table::$column>, _>(&self.$column)?;
                )*
                Ok(())
            }
        }
    };
}
pub(super) use record;

/// Keeps new rows.
pub(super) async fn insert<R: Record>(connection: &mut Connection, rows: &[R]) -> QueryResult<()> {
    write::<R, false>(connection, rows).await
}

/// Replaces rows by their key, which must be there: to MySQL, a row that takes any unique key of another row
/// *is* that row. Where rows have a `version`, the new one must follow the old one:
/// otherwise somebody else was faster, the version becomes null, and the statement fails.
pub(super) async fn overwrite<R: Record>(connection: &mut Connection, rows: &[R]) -> QueryResult<()> {
    write::<R, true>(connection, rows).await
}

async fn write<R: Record, const OVERWRITE: bool>(connection: &mut Connection, rows: &[R]) -> QueryResult<()> {
    for rows in rows.chunks(CHUNK) {
        match rows {
            [row] => Row::<R, OVERWRITE>(row).execute(connection).await?,
            rows => Rows { rows, overwrite: OVERWRITE }.execute(connection).await?,
        };
    }
    Ok(())
}

/// One row: what is written most often, by a statement that is always the same, and stays prepared.
struct Row<'r, R, const OVERWRITE: bool>(&'r R);

impl<R: 'static, const OVERWRITE: bool> QueryId for Row<'_, R, OVERWRITE> {
    type QueryId = Row<'static, R, OVERWRITE>;
}

impl<R: Record, const OVERWRITE: bool> QueryFragment<Backend> for Row<'_, R, OVERWRITE> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        spell(std::slice::from_ref(self.0), OVERWRITE, out)
    }
}

struct Rows<'r, R> {
    rows: &'r [R],
    overwrite: bool,
}

impl<R> QueryId for Rows<'_, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<R: Record> QueryFragment<Backend> for Rows<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        spell(self.rows, self.overwrite, out)
    }
}

fn spell<'b, R: Record>(rows: &'b [R], overwrite: bool, mut out: Binds<'_, 'b>) -> QueryResult<()> {
    out.push_sql(&format!("INSERT INTO {} ({}) VALUES ", R::TABLE, R::COLUMNS.join(", ")));
    for (at, row) in rows.iter().enumerate() {
        out.push_sql(if at == 0 { "(" } else { ", (" });
        row.bind(out.reborrow())?;
        out.push_sql(")");
    }
    if overwrite {
        out.push_sql(&on_conflict(R::KEY));
        // A table that is all key is written to itself: what remains is the lock on the row.
        let rest = &R::COLUMNS[R::KEY.len()..];
        let replaced = if rest.is_empty() { R::KEY } else { rest };
        out.push_sql(&replaced.iter().map(|it| replacement(it)).collect::<Vec<_>>().join(", "));
    }
    Ok(())
}

fn replacement(column: &str) -> String {
    let new = incoming(column);
    match column {
        "version" if !sabotage::is_on(Sabotage::UncheckedVersions) => {
            format!("version = CASE WHEN version = {new} - 1 THEN {new} END")
        }
        _ => format!("{column} = {new}"),
    }
}
