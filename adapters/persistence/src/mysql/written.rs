//! The texts of queries, each written once. Diesel would put them together for every use, and quote every name again, only to
//! find that the statement is prepared.

use std::any::TypeId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use diesel::QueryResult;
use diesel::mysql::{Mysql, MysqlQueryBuilder};
use diesel::query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId};

/// The texts that a connection has used, at most as many as there are queries with an id: diesel takes those with the same id
/// for the same statement.
#[derive(Default)]
pub(super) struct Texts(HashMap<TypeId, String>);

impl Texts {
    /// A query with its text, if that is always the same.
    pub(super) fn written<Q>(&mut self, query: Q) -> Written<'_, Q>
    where
        Q: QueryFragment<Mysql> + QueryId,
    {
        let text = Q::query_id().and_then(|id| self.text_of(id, &query));
        Written { query, text }
    }

    /// Why a text cannot be written is said by diesel, which tries it, too.
    fn text_of(&mut self, id: TypeId, query: &impl QueryFragment<Mysql>) -> Option<&str> {
        match self.0.entry(id) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(unknown) => {
                if !query.is_safe_to_cache_prepared(&Mysql).ok()? {
                    return None;
                }
                let mut text = MysqlQueryBuilder::new();
                query.to_sql(&mut text, &Mysql).ok()?;
                Some(unknown.insert(text.finish()))
            }
        }
    }
}

/// A query, and its text if that is known.
pub(super) struct Written<'t, Q> {
    query: Q,
    text: Option<&'t str>,
}

impl<Q: Query> Query for Written<'_, Q> {
    type SqlType = Q::SqlType;
}

impl<Q: QueryId> QueryId for Written<'_, Q> {
    type QueryId = Q::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<Q: QueryFragment<Mysql>> QueryFragment<Mysql> for Written<'_, Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        self.query.walk_ast(out)
    }

    fn to_sql(&self, out: &mut MysqlQueryBuilder, backend: &Mysql) -> QueryResult<()> {
        match self.text {
            Some(text) => {
                out.push_sql(text);
                Ok(())
            }
            None => self.query.to_sql(out, backend),
        }
    }

    fn is_safe_to_cache_prepared(&self, backend: &Mysql) -> QueryResult<bool> {
        if self.text.is_some() { Ok(true) } else { self.query.is_safe_to_cache_prepared(backend) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::sql::Prepared;

    /// A query that tells how often it was asked for its text.
    struct Asked<'a>(&'a AtomicU32);

    impl QueryId for Asked<'_> {
        type QueryId = Asked<'static>;
    }

    impl QueryFragment<Mysql> for Asked<'_> {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
            out.push_identifier("known")
        }

        fn to_sql(&self, out: &mut MysqlQueryBuilder, _backend: &Mysql) -> QueryResult<()> {
            self.0.fetch_add(1, Ordering::Relaxed);
            out.push_identifier("known")
        }
    }

    fn text_of<Q: QueryFragment<Mysql> + QueryId>(texts: &mut Texts, query: Q) -> (String, bool) {
        let written = texts.written(query);
        let mut text = MysqlQueryBuilder::new();
        written.to_sql(&mut text, &Mysql).expect("it can be written");
        (text.finish(), written.is_safe_to_cache_prepared(&Mysql).expect("it can be told"))
    }

    #[test]
    fn a_text_that_is_always_the_same_is_written_once() {
        let (mut texts, times) = (Texts::default(), AtomicU32::new(0));

        for _ in 0..3 {
            assert_eq!(text_of(&mut texts, Asked(&times)), ("`known`".to_owned(), true));
        }

        assert_eq!(times.into_inner(), 1);
    }

    #[test]
    fn a_text_that_comes_in_several_shapes_is_not_remembered() {
        let (mut texts, times) = (Texts::default(), AtomicU32::new(0));

        for is_common in [true, false] {
            let query = Prepared::kept_if(is_common, Asked(&times));

            assert_eq!(text_of(&mut texts, query), ("`known`".to_owned(), is_common));
            assert!(texts.0.is_empty());
        }
    }
}
