//! `SQLite`, on blocking threads: many readers, one writer.

#[path = "store/mod.rs"]
mod store;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::AnsiTransactionManager;
use diesel::result::Error;
use diesel::{ConnectionError, ConnectionResult, QueryResult, SqliteConnection};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use kernel_application::Sealing;
use kernel_domain::BoxError;

use store::{Pool, PoolSettings, Replica, Stores};

use crate::error::is_contention;
use crate::{InvalidDatabase, Settings};

type Backend = diesel::sqlite::Sqlite;
type Connection = SyncConnectionWrapper<SqliteConnection>;

/// `SQLite` waits for no lock, checks no foreign key and trusts its disk until told otherwise. The
/// time to wait covers other processes on the same file; in this one, writers queue for the one connection. Nor does it
/// overwrite what was deleted, and much of that tells who somebody was.
const SESSION: &str = "PRAGMA busy_timeout = 2000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
    PRAGMA secure_delete = ON";

/// Readers and the writer do not block each other. The file remembers.
const WRITE_AHEAD: &str = "PRAGMA journal_mode = WAL";

/// Who switches holds the file for milliseconds only.
const WRITE_AHEAD_ATTEMPTS: usize = 100;

/// What a writer waits for the others before it: as long as for a row lock on MySQL.
const WRITER_PATIENCE: Duration = Duration::from_secs(2);

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

pub(crate) fn open(
    path: &str,
    replica: Option<&str>,
    settings: &Settings,
    sealing: Arc<dyn Sealing>,
) -> Result<Stores, InvalidDatabase> {
    if path.is_empty() {
        return Err(InvalidDatabase::Malformed("the path is missing".to_owned()));
    }
    if let Some(folder) = Path::new(path).parent() {
        std::fs::create_dir_all(folder).map_err(InvalidDatabase::Folder)?;
    }
    let statements = crate::statements::Statements::default();
    let pool = |path: &str, pool_settings| Pool::new(path.to_owned(), pool_settings, statements.clone());
    let reading = PoolSettings::from(settings);
    let readers = pool(path, reading);
    let writer = pool(path, PoolSettings { size: 1, patience: WRITER_PATIENCE, ..reading });
    let replica = replica.map(|path| Replica::of(pool(path, reading)));
    Ok(Stores::new(path.to_owned(), readers, &writer, replica, statements, settings, sealing))
}

async fn establish(path: &str) -> ConnectionResult<Connection> {
    let mut connection = Connection::establish(path).await?;
    connection.batch_execute(SESSION).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Takes the write lock at once: a transaction that reads first and writes later cannot wait for
/// it, and fails with "database is locked" instead.
async fn begin(connection: &mut Connection) -> QueryResult<()> {
    connection
        .spawn_blocking(|connection| AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE"))
        .await
}

async fn migrate(path: &str) -> Result<(), BoxError> {
    in_one_transaction(path, |connection| connection.run_pending_migrations(MIGRATIONS).map(drop)).await
}

#[cfg(feature = "testing")]
async fn revert(path: &str) -> Result<(), BoxError> {
    in_one_transaction(path, |connection| connection.revert_all_migrations(MIGRATIONS).map(drop)).await
}

/// All or nothing, and one process at a time: the schema is part of the transaction.
async fn in_one_transaction<F>(path: &str, work: F) -> Result<(), BoxError>
where
    F: FnOnce(&mut SqliteConnection) -> Result<(), BoxError> + Send + 'static,
{
    let mut connection = establish(path).await?;
    write_ahead(&mut connection).await?;
    let done = connection.spawn_blocking(|connection| {
        connection.immediate_transaction(|connection| work(connection).map_err(Error::QueryBuilderError))
    });
    done.await.map_err(BoxError::from)
}

/// `SQLite` does not wait when another process is just doing the same; so we do.
async fn write_ahead(connection: &mut Connection) -> QueryResult<()> {
    for _ in 0..WRITE_AHEAD_ATTEMPTS {
        match connection.batch_execute(WRITE_AHEAD).await {
            Err(Error::DatabaseError(_, info)) if is_contention(info.message()) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            done => return done,
        }
    }
    connection.batch_execute(WRITE_AHEAD).await
}

/// What a query says whose rows nobody may change until the transaction ends: nothing, for here a writer has the whole
/// database for itself.
const SHARED: &str = "";

/// What an insert says before it replaces what is there already.
fn on_conflict(key: &[&str]) -> String {
    format!(" ON CONFLICT ({}) DO UPDATE SET ", key.join(", "))
}

/// The value that an insert brings for a column.
fn incoming(column: &str) -> String {
    format!("excluded.{column}")
}
