//! The database, whichever it is.

use std::sync::Arc;
use std::time::Duration;

use auth_application::AuthQueries;
use auth_domain::AuthStore;
use distribution_application::DistributionQueries;
use distribution_domain::DistributionStore;
use kernel_application::{
    Deliveries, HandledEvents, Idempotency, Sealing, SettledEvents, TraceParent, TransactionScope,
};
use kernel_domain::StoreError;
use shipping_application::ShippingQueries;
use shipping_domain::ShippingStore;
use user_application::UserQueries;
use user_domain::UserStore;

use crate::{Backlog, PoolUse, mysql, sqlite};

/// The subscriber that takes events out of the process.
pub const BUS: &str = "bus";

/// How much of a database to use, and for whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Connections at most.
    pub pool_size: u32,
    /// How long a request waits for a connection before it is told that the store is unavailable.
    pub patience: Duration,
    /// How long a unit of work may be open, and hold locks that others wait for: one that goes on for longer is refused
    /// what it asks for next, and undone.
    pub longest_unit_of_work: Duration,
    /// Who hears of events: each of these has a queue of deliveries of its own, with every event that it
    /// wants from the moment it is named here.
    pub subscribers: Vec<Subscriber>,
    /// From how many rows on a list is so long that its count is remembered for a moment.
    pub long_lists_from: u32,
    /// The step of a trace that the task at hand is: it is kept with each event that follows from it.
    pub trace: fn() -> Option<TraceParent>,
}

/// Who hears of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// The name of its queue.
    pub name: String,
    /// Whose events it wants.
    pub contexts: Interest,
}

/// Whose events somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Everybody's.
    All,
    /// Those of one context.
    Only(&'static str),
}

impl Interest {
    pub(crate) fn covers(self, context: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(wanted) => wanted == context,
        }
    }
}

impl Default for Settings {
    /// A few connections per core are all that a database can use; there are more, so that a
    /// burst that waits for one row leaves some to everybody else. Half a second is long for a
    /// queue, and events go to one bus. Three seconds, and two to wait for the next lock, are what a request may
    /// take. Ten thousand rows are counted in less than a millisecond.
    fn default() -> Self {
        let bus = Subscriber { name: BUS.to_owned(), contexts: Interest::All };
        Self {
            pool_size: 32,
            patience: Duration::from_millis(500),
            longest_unit_of_work: Duration::from_secs(3),
            subscribers: vec![bus],
            long_lists_from: 10_000,
            trace: || None,
        }
    }
}

/// Why a URL leads to no database. The URL itself is never repeated: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDatabase {
    /// It names no backend that we speak.
    #[error("the database URL starts with neither mysql:// nor sqlite://")]
    Scheme,
    /// Its replica is another kind of database.
    #[error("the replica is not of the same kind as the database")]
    Replica,
    /// It cannot be read.
    #[error("the database URL is malformed: {0}")]
    Malformed(String),
    /// There is no folder for the file.
    #[error("the database's folder cannot be made: {0}")]
    Folder(#[source] std::io::Error),
}

/// What each backend offers.
#[async_trait::async_trait]
pub(crate) trait Backend:
    AuthStore
    + AuthQueries
    + DistributionStore
    + DistributionQueries
    + HandledEvents
    + Idempotency
    + SettledEvents
    + ShippingStore
    + ShippingQueries
    + TransactionScope
    + UserStore
    + UserQueries
{
    async fn migrate(&self) -> Result<(), StoreError>;
    #[cfg(feature = "testing")]
    async fn revert(&self) -> Result<(), StoreError>;
    async fn ping(&self) -> Result<(), StoreError>;
    async fn ping_replica(&self) -> Result<(), StoreError>;
    async fn pending(&self) -> Result<Vec<String>, StoreError>;
    async fn backlog(&self) -> Result<Vec<Backlog>, StoreError>;
    fn pools(&self) -> Vec<PoolUse>;
    fn deliveries(&self, subscriber: &str) -> Arc<dyn Deliveries>;
    fn statements(&self) -> u64;
}

/// A pool of connections to a database, and the stores that it serves.
#[derive(Clone)]
pub struct Database(Arc<dyn Backend>);

impl Database {
    /// Opens `mysql://user:password@host/name` or `sqlite://path/to/file`, inside a runtime.
    /// Connections are made when they are needed: a server that is down now may be up then. What
    /// nobody may read who reads the database is sealed.
    pub fn open(url: &str, settings: &Settings, sealing: Arc<dyn Sealing>) -> Result<Self, InvalidDatabase> {
        Self::open_with_replica(url, None, settings, sealing)
    }

    /// The same, with a copy of the database that follows it, for lists: nothing is decided by what is read there, and
    /// nothing is written. While it gives no connection, lists come from the database itself.
    pub fn open_with_replica(
        url: &str,
        replica: Option<&str>,
        settings: &Settings,
        sealing: Arc<dyn Sealing>,
    ) -> Result<Self, InvalidDatabase> {
        let scheme = |url: &str| url.split_once("://").map(|(scheme, _)| scheme.to_owned());
        if replica.is_some_and(|replica| scheme(replica) != scheme(url)) {
            return Err(InvalidDatabase::Replica);
        }
        match url.split_once("://") {
            Some(("mysql", _)) => Ok(Self(Arc::new(mysql::open(url, replica, settings, sealing)?))),
            Some(("sqlite", path)) => {
                let replica = replica.and_then(|it| it.strip_prefix("sqlite://"));
                Ok(Self(Arc::new(sqlite::open(path, replica, settings, sealing)?)))
            }
            _ => Err(InvalidDatabase::Scheme),
        }
    }

    /// Brings the schema up to date. Safe to call from several instances at once.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.0.migrate().await
    }

    /// Takes every migration back, and all data with it.
    #[cfg(feature = "testing")]
    pub async fn revert(&self) -> Result<(), StoreError> {
        self.0.revert().await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.0.ping().await
    }

    /// Whether the replica answers; where there is none, nothing is amiss.
    pub async fn ping_replica(&self) -> Result<(), StoreError> {
        self.0.ping_replica().await
    }

    /// The changes of the schema that this release needs and the database does not have, in their order. Looks, and changes
    /// nothing.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        self.0.pending().await
    }

    /// How many events wait for each of the [`Settings::subscribers`].
    pub async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        self.0.backlog().await
    }

    /// How much its pools are used.
    pub fn pools(&self) -> Vec<PoolUse> {
        self.0.pools()
    }

    /// How many statements the database was asked through this pool so far, `BEGIN` and `COMMIT` included.
    pub fn statements(&self) -> u64 {
        self.0.statements()
    }

    /// The events that wait for one of the [`Settings::subscribers`].
    pub fn deliveries(&self, subscriber: &str) -> Arc<dyn Deliveries> {
        self.0.deliveries(subscriber)
    }

    /// Events that were delivered, or given up on.
    pub fn settled_events(&self) -> Arc<dyn SettledEvents> {
        self.0.clone()
    }

    /// What the subscribers of this process have handled.
    pub fn handled_events(&self) -> Arc<dyn HandledEvents> {
        self.0.clone()
    }

    /// Has requests act once, whatever stores of this database they use.
    pub fn idempotency(&self) -> Arc<dyn Idempotency> {
        self.0.clone()
    }

    /// Keeps units of work together, whatever stores of this database they use.
    pub fn transaction_scope(&self) -> Arc<dyn TransactionScope> {
        self.0.clone()
    }

    /// Where auth's units of work begin.
    pub fn auth_store(&self) -> Arc<dyn AuthStore> {
        self.0.clone()
    }

    /// Auth's read side.
    pub fn auth_queries(&self) -> Arc<dyn AuthQueries> {
        self.0.clone()
    }

    /// Where distribution's units of work begin.
    pub fn distribution_store(&self) -> Arc<dyn DistributionStore> {
        self.0.clone()
    }

    /// Distribution's read side.
    pub fn distribution_queries(&self) -> Arc<dyn DistributionQueries> {
        self.0.clone()
    }

    /// Where shipping's units of work begin.
    pub fn shipping_store(&self) -> Arc<dyn ShippingStore> {
        self.0.clone()
    }

    /// Shipping's read side.
    pub fn shipping_queries(&self) -> Arc<dyn ShippingQueries> {
        self.0.clone()
    }

    /// Where the user context's units of work begin.
    pub fn user_store(&self) -> Arc<dyn UserStore> {
        self.0.clone()
    }

    /// The user context's read side.
    pub fn user_queries(&self) -> Arc<dyn UserQueries> {
        self.0.clone()
    }
}
