//! A MySQL connection that knows when it can no longer be trusted.
//!
//! The driver is not cancel safe: when a future is dropped between question and answer (the client
//! left, a deadline passed), the answer stays on the wire and the *next* question reads it, even
//! after the connection went through a pool. So a flag is up from the question until the last row of its
//! answer; a connection with its flag up answers nothing any more, and the pool throws it away.

use std::future::Future;
use std::time::Duration;

use diesel::connection::{CacheSize, Instrumentation};
use diesel::mysql::Mysql;
use diesel::query_builder::{AsQuery, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::{ConnectionError, ConnectionResult, QueryResult};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncConnectionCore, AsyncMysqlConnection, SimpleAsyncConnection,
};
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, TryStreamExt};

use super::authority::believing_one_authority;
use super::written::Texts;
use crate::error::{is_broken_rule, is_contention};

/// Longer than any lock wait or read that the server itself would cut off: whoever waits this long
/// waits for a server that is gone.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Connection {
    inner: AsyncMysqlConnection,
    wire: Wire,
    texts: Texts,
}

/// What is known of the exchange of questions and answers.
struct Wire {
    /// A question was sent, and its answer has not been read to the end.
    in_flight: bool,
    patience: Duration,
}

impl Wire {
    /// Waits for an `answer`. If this future is dropped half way, the flag stays up.
    async fn exchange<T>(&mut self, answer: impl Future<Output = QueryResult<T>> + Send) -> QueryResult<T> {
        if self.in_flight {
            return Err(lost("an earlier answer was never read"));
        }
        self.in_flight = true;
        let answer =
            tokio::time::timeout(self.patience, answer).await.unwrap_or_else(|_| Err(lost("no answer in time")));
        self.in_flight = !is_whole(&answer);
        answer
    }
}

fn lost(why: &str) -> Error {
    Error::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(why.to_owned()))
}

/// Whether the answer was certainly read to its end: it came, or the server said by name what is wrong.
/// Anything else may be a broken socket, for diesel reports those as errors of an unknown kind.
fn is_whole<T>(answer: &QueryResult<T>) -> bool {
    match answer {
        Ok(_) => true,
        Err(Error::DatabaseError(DatabaseErrorKind::Unknown, info)) => {
            let message = info.message();
            is_contention(message) || is_broken_rule(message) || message.starts_with("Query execution was interrupted")
        }
        Err(Error::DatabaseError(kind, _)) => matches!(
            kind,
            DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
        ),
        Err(_) => false,
    }
}

impl Connection {
    /// Waits for long statements, as migrations may be.
    pub(crate) fn patient(mut self) -> Self {
        self.wire.patience = Duration::from_hours(1);
        self
    }
}

impl SimpleAsyncConnection for Connection {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.wire.exchange(self.inner.batch_execute(query)).await
    }
}

impl AsyncConnectionCore for Connection {
    type ExecuteFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<usize>>;
    type LoadFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<Self::Stream<'conn, 'query>>>;
    type Stream<'conn, 'query> = stream::Iter<std::vec::IntoIter<QueryResult<Self::Row<'conn, 'query>>>>;
    type Row<'conn, 'query> = <AsyncMysqlConnection as AsyncConnectionCore>::Row<'conn, 'query>;
    type Backend = Mysql;

    /// Reads the whole answer before it gives out the first row: rows that nobody asks for any
    /// more cannot stay behind.
    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Mysql> + QueryId + 'query,
    {
        let Self { inner, wire, texts } = self;
        let answer = inner.load(texts.written(source.as_query()));
        let rows = async move { answer.await?.map_ok(Ok).try_collect::<Vec<_>>().await };
        async move { wire.exchange(rows).await.map(stream::iter) }.boxed()
    }

    fn execute_returning_count<'conn, 'query, T>(&'conn mut self, source: T) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Mysql> + QueryId + 'query,
    {
        let Self { inner, wire, texts } = self;
        let answer = inner.execute_returning_count(texts.written(source));
        async move { wire.exchange(answer).await }.boxed()
    }
}

impl AsyncConnection for Connection {
    type TransactionManager = AnsiTransactionManager;

    async fn establish(url: &str) -> ConnectionResult<Self> {
        let options = believing_one_authority(url);
        let options = options.map_err(|why| ConnectionError::InvalidConnectionUrl(why.to_string()))?;
        let inner = match options {
            // Some statements slower than the other way, which takes no options.
            Some(options) => {
                let connection = mysql_async::Conn::new(options).await;
                let connection = connection.map_err(|why| ConnectionError::BadConnection(why.to_string()))?;
                AsyncMysqlConnection::try_from(connection).await?
            }
            None => AsyncMysqlConnection::establish(url).await?,
        };
        Ok(Self { inner, wire: Wire { in_flight: false, patience: PATIENCE }, texts: Texts::default() })
    }

    fn transaction_state(&mut self) -> &mut AnsiTransactionManager {
        self.inner.transaction_state()
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.inner.instrumentation()
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.inner.set_instrumentation(instrumentation);
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        self.inner.set_prepared_statement_cache_size(size);
    }
}

impl PoolableConnection for Connection {
    fn is_broken(&mut self) -> bool {
        self.wire.in_flight || self.inner.is_broken()
    }
}
