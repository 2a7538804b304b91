//! SQL that a test asks past the application.

use diesel::connection::SimpleConnection;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query, sql_types};
use kernel_domain::BoxError;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

/// A connection of the test's own.
pub enum Sql {
    /// To MySQL.
    MySql(Box<Conn>),
    /// To a file.
    Sqlite(Box<SqliteConnection>),
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = sql_types::Text)]
    line: String,
}

impl Sql {
    /// Connects to what `DATABASE_URL` names.
    pub async fn open(url: &str) -> Self {
        match url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut connection = SqliteConnection::establish(path).expect("the file opens");
                let settings = "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON";
                connection.batch_execute(settings).expect("SQLite is set up");
                Self::Sqlite(Box::new(connection))
            }
            None => Self::MySql(Box::new(Conn::from_url(url).await.expect("MySQL answers"))),
        }
    }

    /// What a query finds in its one column, which is a text and named `line`.
    pub async fn lines(&mut self, query: &str) -> Result<Vec<String>, BoxError> {
        match self {
            Self::MySql(connection) => Ok(connection.query(query).await?),
            Self::Sqlite(connection) => {
                let found: Vec<Line> = sql_query(query).load(&mut **connection)?;
                Ok(found.into_iter().map(|it| it.line).collect())
            }
        }
    }

    /// Runs a statement.
    pub async fn run(&mut self, statement: &str) -> Result<(), BoxError> {
        match self {
            Self::MySql(connection) => Ok(connection.query_drop(statement).await?),
            Self::Sqlite(connection) => Ok(connection.batch_execute(statement)?),
        }
    }
}
