//! MySQL and `MariaDB`.

mod authority;
mod guarded;
mod written;

#[path = "store/mod.rs"]
mod store;

use std::sync::Arc;

use diesel::sql_types::{BigInt, Nullable};
use diesel::{ConnectionError, ConnectionResult, QueryResult};
use diesel_async::{AsyncConnection, AsyncMigrationHarness, RunQueryDsl, SimpleAsyncConnection, TransactionManager};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use kernel_application::Sealing;
use kernel_domain::BoxError;

use guarded::Connection;
use store::{Pool, PoolSettings, Replica, Stores};

use crate::sabotage::{self, Sabotage};
use crate::{InvalidDatabase, Settings};

type Backend = diesel::mysql::Mysql;

/// Row locks and versions guard our rows, so that the gap locks of the default level only add deadlocks.
/// A read may take longer than the wait for a lock, which the server measures in whole seconds: who waits
/// in vain must hear that it was a lock. `MariaDB` does not know `max_execution_time`, and skips comments
/// with just this version; what it knows instead is for writes, too.
const SESSION: &str = "\
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
    SET SESSION sql_mode = 'TRADITIONAL,ONLY_FULL_GROUP_BY', time_zone = '+00:00', \
    /*!50701 max_execution_time = 4000, */ /*M! max_statement_time = 4, */ innodb_lock_wait_timeout = 2";

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/mysql");

/// Schema changes commit by themselves: only one instance may migrate a database at a time.
const MIGRATION_LOCK: &str = "GET_LOCK(LEFT(CONCAT('migrations of ', DATABASE()), 64), 60)";

/// Migrations may take their time.
const NO_HURRY: &str = "\
    SET SESSION /*!50701 max_execution_time = 0, */ /*M! max_statement_time = 0, */ innodb_lock_wait_timeout = 60";

pub(crate) fn open(
    url: &str,
    replica: Option<&str>,
    settings: &Settings,
    sealing: Arc<dyn Sealing>,
) -> Result<Stores, InvalidDatabase> {
    for url in [Some(url), replica].into_iter().flatten() {
        authority::check(url)?;
    }
    let statements = crate::statements::Statements::default();
    let pool = |url: &str| Pool::new(url.to_owned(), PoolSettings::from(settings), statements.clone());
    let (primary, replica) = (pool(url), replica.map(|url| Replica::of(pool(url))));
    Ok(Stores::new(url.to_owned(), primary.clone(), &primary, replica, statements, settings, sealing))
}

async fn establish(url: &str) -> ConnectionResult<Connection> {
    let mut connection = Connection::establish(url).await?;
    connection.batch_execute(SESSION).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    if sabotage::is_on(Sabotage::RepeatableRead) {
        let level = connection.batch_execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").await;
        level.map_err(ConnectionError::CouldntSetupConfiguration)?;
    }
    Ok(connection)
}

async fn begin(connection: &mut Connection) -> QueryResult<()> {
    <Connection as AsyncConnection>::TransactionManager::begin_transaction(connection).await
}

async fn migrate(url: &str) -> Result<(), BoxError> {
    let connection = migrating(url).await?;
    in_harness(connection, |harness| harness.run_pending_migrations(MIGRATIONS).map(drop)).await
}

#[cfg(feature = "testing")]
async fn revert(url: &str) -> Result<(), BoxError> {
    let connection = migrating(url).await?;
    in_harness(connection, |harness| harness.revert_all_migrations(MIGRATIONS).map(drop)).await
}

/// A connection that holds the migration lock until it is dropped.
async fn migrating(url: &str) -> Result<Connection, BoxError> {
    let mut connection = establish(url).await?.patient();
    connection.batch_execute(NO_HURRY).await?;
    let lock = diesel::select(diesel::dsl::sql::<Nullable<BigInt>>(MIGRATION_LOCK));
    match lock.get_result::<Option<i64>>(&mut connection).await? {
        Some(1) => Ok(connection),
        _ => Err("another instance is still migrating this database".into()),
    }
}

async fn in_harness<F>(connection: Connection, work: F) -> Result<(), BoxError>
where
    F: FnOnce(&mut AsyncMigrationHarness<Connection>) -> Result<(), BoxError> + Send + 'static,
{
    tokio::task::spawn_blocking(move || work(&mut AsyncMigrationHarness::new(connection))).await?
}

/// What a query says whose rows nobody may change until the transaction ends.
const SHARED: &str = crate::sql::LOCK_IN_SHARE_MODE;

/// What an insert says before it replaces what is there already: MySQL finds the key by itself.
fn on_conflict(_key: &[&str]) -> String {
    " ON DUPLICATE KEY UPDATE ".to_owned()
}

/// The value that an insert brings for a column.
fn incoming(column: &str) -> String {
    format!("VALUES({column})")
}
