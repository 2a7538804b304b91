//! A pool whose connections are fresh, and whose queue is fair.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bb8::{ErrorSink, ManageConnection, PooledConnection, QueueStrategy};
use diesel_async::AsyncConnection;
use diesel_async::pooled_connection::{PoolableConnection, RecyclingMethod};
use kernel_domain::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{Span, debug_span};

use super::{Connection, begin, establish};
use crate::error::store_error;
use crate::statements::Statements;
use crate::{PoolUse, Settings};

/// A connection that was used so recently is still there; older ones are asked first. Asking on
/// each use would cost every request a round trip.
const FRESH: Duration = Duration::from_secs(5);

/// Servers close connections that idle for hours; ours do not get that old.
const MAX_LIFETIME: Duration = Duration::from_mins(30);

/// A server that does not let us in by then will not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone, Copy)]
pub(crate) struct PoolSettings {
    pub(crate) size: u32,
    pub(crate) patience: Duration,
    pub(crate) longest_transaction: Duration,
}

impl From<&Settings> for PoolSettings {
    fn from(settings: &Settings) -> Self {
        let &Settings { pool_size, patience, longest_unit_of_work, .. } = settings;
        Self { size: pool_size, patience, longest_transaction: longest_unit_of_work }
    }
}

#[derive(Clone)]
pub(crate) struct Pool {
    connections: bb8::Pool<Manager>,
    /// First come, first served: the pool itself would let a newcomer overtake those who wait.
    line: Arc<Semaphore>,
    /// Those who may take only so many of the connections wait for that first.
    share: Option<Arc<Semaphore>>,
    size: usize,
    patience: Duration,
    longest_transaction: Duration,
    waits: Arc<Waits>,
}

/// How it went for those who wanted a connection.
#[derive(Default)]
struct Waits {
    waiting: AtomicUsize,
    so_far: AtomicU64,
    in_vain: AtomicU64,
}

/// Somebody waits, for as long as this lives.
struct Waiting<'w>(&'w Waits);

impl<'w> Waiting<'w> {
    fn among(waits: &'w Waits) -> Self {
        waits.waiting.fetch_add(1, Ordering::Relaxed);
        waits.so_far.fetch_add(1, Ordering::Relaxed);
        Self(waits)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub(crate) fn new(url: String, settings: PoolSettings, statements: Statements) -> Self {
        let PoolSettings { size, patience, longest_transaction } = settings;
        let size = size.max(1);
        let connections = bb8::Pool::builder()
            .max_size(size)
            .connection_timeout(patience)
            .max_lifetime(MAX_LIFETIME)
            // What was used last is nearest at hand, in the server's caches, too, and what is seldom needed may go.
            .queue_strategy(QueueStrategy::Lifo)
            .error_sink(Box::new(Log))
            .build_unchecked(Manager { url, statements, last_break: Mutex::new(Instant::now()) });
        let size = size as usize;
        let line = Arc::new(Semaphore::new(size));
        Self { connections, line, share: None, size, patience, longest_transaction, waits: Arc::default() }
    }

    /// How much of it is used now, and how it went so far.
    pub(super) fn uses(&self, name: &'static str) -> PoolUse {
        PoolUse {
            name,
            most: self.size,
            busy: self.size.saturating_sub(self.line.available_permits()),
            idle: self.connections.state().idle_connections as usize,
            waiting: self.waits.waiting.load(Ordering::Relaxed),
            waits: self.waits.so_far.load(Ordering::Relaxed),
            refusals: self.waits.in_vain.load(Ordering::Relaxed),
        }
    }

    /// The same connections for units of work, which leave a quarter of them to reads. Some units have to read on another
    /// connection before they end, what another context knows for one: as many of them as connections would wait for each
    /// other.
    pub(super) fn for_units_of_work(&self) -> Self {
        let most = (self.size - self.size.div_ceil(4)).max(1);
        Self { share: Some(Arc::new(Semaphore::new(most))), ..self.clone() }
    }

    /// Whether both lend the same connections.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.line, &other.line)
    }

    /// A connection, when its turn comes.
    pub(super) async fn lease(&self) -> Result<Lease, StoreError> {
        let waiting = async {
            let share = match &self.share {
                Some(share) => Some(self.turn(share).await?),
                None => None,
            };
            let turn = self.turn(&self.line).await?;
            let connection = self.connections.get_owned().await.map_err(|error| match error {
                bb8::RunError::User(error) => error,
                bb8::RunError::TimedOut => StoreError::unavailable("no connection could be made in time"),
            })?;
            let span = debug_span!(target: "spans", "database", otel.kind = "client");
            // Where nobody collects traces there is none, and it costs nothing.
            let span = (!span.is_none()).then(|| Box::new(span));
            let (connection, longest_transaction) = (Box::new(connection), self.longest_transaction);
            Ok(Lease { connection, longest_transaction, began: None, _turn: turn, _share: share, _span: span })
        };
        let in_time = tokio::time::timeout(self.patience, waiting).await;
        let lease = in_time.unwrap_or_else(|_| Err(StoreError::unavailable("no connection was free in time")));
        if lease.is_err() {
            self.waits.in_vain.fetch_add(1, Ordering::Relaxed);
        }
        lease
    }

    /// A place in one of the lines. Whoever comes while somebody waits finds none free.
    async fn turn(&self, line: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StoreError> {
        if let Ok(free) = line.clone().try_acquire_owned() {
            return Ok(free);
        }
        let _waiting = Waiting::among(&self.waits);
        line.clone().acquire_owned().await.map_err(StoreError::unavailable)
    }
}

/// A connection that goes back to the pool when it is dropped; only then is it somebody else's turn.
pub(super) struct Lease {
    /// In a box, for it is large, and handed on by one future to the next.
    connection: Box<PooledConnection<'static, Manager>>,
    longest_transaction: Duration,
    /// When its last transaction began.
    began: Option<Instant>,
    _turn: OwnedSemaphorePermit,
    _share: Option<OwnedSemaphorePermit>,
    /// A step of the trace that the request is part of, for as long as the connection is its own.
    _span: Option<Box<Span>>,
}

impl Lease {
    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.connection.inner
    }

    /// Begins a transaction, whose time runs from now on.
    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        begin(self.connection()).await.map_err(store_error)?;
        self.began = Some(Instant::now());
        Ok(())
    }

    /// Refuses to go on with a transaction that is open for too long: others may wait for what it has locked.
    pub(super) fn in_time(&self) -> Result<(), StoreError> {
        match self.began {
            Some(began) if began.elapsed() >= self.longest_transaction => {
                Err(StoreError::unavailable("the unit of work took too long"))
            }
            _ => Ok(()),
        }
    }

    /// Has the connection closed instead of used again.
    pub(super) fn discard(mut self) {
        self.connection.is_doomed = true;
    }
}

/// Makes connections, and tells fresh ones from broken ones.
struct Manager {
    url: String,
    statements: Statements,
    /// When a connection last broke. The server may have closed all the others, too.
    last_break: Mutex<Instant>,
}

impl Manager {
    fn last_break(&self) -> MutexGuard<'_, Instant> {
        self.last_break.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Kept {
    inner: Connection,
    last_used: Instant,
    is_doomed: bool,
}

impl ManageConnection for Manager {
    type Connection = Kept;
    type Error = StoreError;

    async fn connect(&self) -> Result<Kept, StoreError> {
        let made = tokio::time::timeout(CONNECT_TIMEOUT, establish(&self.url)).await;
        let mut inner = made.map_err(StoreError::unavailable)?.map_err(StoreError::unavailable)?;
        inner.set_instrumentation(self.statements.clone());
        Ok(Kept { inner, last_used: Instant::now(), is_doomed: false })
    }

    async fn is_valid(&self, kept: &mut Kept) -> Result<(), StoreError> {
        if kept.last_used.elapsed() < FRESH && kept.last_used > *self.last_break() {
            return Ok(());
        }
        kept.inner.ping(&RecyclingMethod::Verified).await.map_err(StoreError::unavailable)
    }

    fn has_broken(&self, kept: &mut Kept) -> bool {
        kept.last_used = Instant::now();
        let is_broken = kept.is_doomed || std::thread::panicking() || kept.inner.is_broken();
        if is_broken {
            *self.last_break() = kept.last_used;
        }
        is_broken
    }
}

/// Failed connections are for the log: whoever asked for one hears that the store is unavailable.
#[derive(Debug, Clone, Copy)]
struct Log;

impl ErrorSink<StoreError> for Log {
    fn sink(&self, error: StoreError) {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        tracing::warn!(cause, "a database connection failed");
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<StoreError>> {
        Box::new(*self)
    }
}
