//! A migrated database for each test, of either kind.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use kernel_application::Sealing;
use kernel_domain::BoxError;
use persistence_adapter::{Database, Settings};
use support::containers::{fresh_database_on, fresh_mariadb_database, fresh_mysql_database};
use tempfile::TempDir;

/// Hides what it seals from whoever looks at a table, and knows what it belongs to.
struct Mask;

impl Sealing for Mask {
    fn seal(&self, plain: &[u8], belongs_to: &[u8]) -> Vec<u8> {
        [belongs_to, plain].concat().into_iter().map(|it| !it).collect()
    }

    fn open(&self, sealed: &[u8], belongs_to: &[u8]) -> Result<Vec<u8>, BoxError> {
        let open: Vec<u8> = sealed.iter().map(|it| !it).collect();
        open.strip_prefix(belongs_to).map(<[u8]>::to_vec).ok_or_else(|| "it belongs elsewhere".into())
    }
}

/// How tests seal.
pub(crate) fn sealing() -> Arc<dyn Sealing> {
    Arc::new(Mask)
}

/// A database that nobody else uses.
pub(crate) struct TestDatabase {
    database: Database,
    pub(crate) url: String,
    /// Removed with the database.
    _folder: Option<TempDir>,
}

impl Deref for TestDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

impl TestDatabase {
    /// The same database through a pool whose units of work may be open for a second.
    pub(crate) fn in_a_hurry(&self) -> Database {
        let (patience, longest_unit_of_work) = (Duration::from_secs(30), Duration::from_secs(1));
        self.reopened(&Settings { patience, longest_unit_of_work, ..Settings::default() })
    }

    /// The same database through another pool.
    pub(crate) fn reopened(&self, settings: &Settings) -> Database {
        Database::open(&self.url, settings, sealing()).expect("it opened before")
    }
}

/// An empty `SQLite` database in a folder of its own.
pub(crate) fn empty_sqlite() -> TestDatabase {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    opened(url, Some(folder))
}

/// An empty MySQL database, where there is a server.
pub(crate) async fn empty_mysql() -> Option<TestDatabase> {
    Some(opened(fresh_mysql_database().await?, None))
}

pub(crate) async fn sqlite() -> TestDatabase {
    migrated(empty_sqlite()).await
}

pub(crate) async fn mysql() -> Option<TestDatabase> {
    Some(migrated(empty_mysql().await?).await)
}

pub(crate) async fn mariadb() -> Option<TestDatabase> {
    Some(migrated(opened(fresh_mariadb_database().await?, None)).await)
}

/// Another one of the same kind.
pub(crate) async fn another_like(database: &TestDatabase) -> TestDatabase {
    if database.url.starts_with("sqlite") {
        return sqlite().await;
    }
    migrated(opened(fresh_database_on(&database.url).await, None)).await
}

/// Races are about who wins, and not about how fast the machine is: nobody is sent away for being slow.
fn opened(url: String, folder: Option<TempDir>) -> TestDatabase {
    let long = Duration::from_secs(30);
    let patient = Settings { patience: long, longest_unit_of_work: long, ..Settings::default() };
    let database = Database::open(&url, &patient, sealing()).expect("the URL is well formed");
    TestDatabase { database, url, _folder: folder }
}

async fn migrated(database: TestDatabase) -> TestDatabase {
    database.migrate().await.expect("it migrates");
    database
}
