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
            Self::MySql(connection) if is_mariadb(connection) => Ok(connection.query(without_arrows(query)).await?),
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

/// The other connections to the database of this one.
pub async fn other_connections(server: &mut Conn) -> Vec<u64> {
    let (table, of) = sessions(server);
    let others = format!("SELECT {of}id FROM {table} WHERE {of}db = DATABASE() AND {of}id <> CONNECTION_ID()");
    server.query(others).await.expect("the server tells of its sessions")
}

/// The table of a server's sessions, and what the names of its columns begin with. `MariaDB` has them in its list of processes
/// alone. MySQL cannot fill that one while an id is in what any session has just sent, for that is no text (error 3854).
pub fn sessions(server: &Conn) -> (&'static str, &'static str) {
    if is_mariadb(server) {
        ("information_schema.processlist", "")
    } else {
        ("performance_schema.threads", "processlist_")
    }
}

/// MySQL is far from a tenth version.
fn is_mariadb(connection: &Conn) -> bool {
    connection.server_version().0 >= 10
}

/// `MariaDB` has no `->>`: `column ->> '$.path'` becomes `JSON_VALUE(column, '$.path')`.
fn without_arrows(query: &str) -> String {
    let mut parts = query.split(" ->> ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let column = text.split_off(text.rfind([' ', '(']).map_or(0, |at| at + 1));
        let path = part.match_indices('\'').nth(1).map_or(part.len(), |(at, _)| at + 1);
        text = [&text, "JSON_VALUE(", &column, ", ", &part[..path], ")", &part[path..]].concat();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::without_arrows;

    #[test]
    fn arrows_become_functions() {
        assert_eq!(
            without_arrows("SELECT MAX(it.payload ->> '$.uuid') FROM it WHERE payload ->> '$.alias' = 'x'"),
            "SELECT MAX(JSON_VALUE(it.payload, '$.uuid')) FROM it WHERE JSON_VALUE(payload, '$.alias') = 'x'"
        );
        assert_eq!(without_arrows("SELECT 1"), "SELECT 1");
    }
}
