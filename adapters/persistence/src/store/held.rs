//! The transaction that somebody holds over several units of work: it begins with the first change, and ends with the
//! answer of a request that acts once, or with the scope of units of work that are kept together.
//!
//! Whoever works within it finds the transaction by itself, through the task. So units of work need not know whether
//! they are kept on their own or together with others, and with the request's name and its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel_async::{AsyncConnection, TransactionManager};
use kernel_application::{KeptAnswer, Once, ScopedWork};
use kernel_domain::StoreError;
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};
use tokio::time::timeout;

use super::Connection;
use super::idempotency::Request;
use super::outbox::Bells;
use super::pool::{Lease, Pool};
use crate::error::store_error;
use crate::sabotage::{self, Sabotage};

type Manager = <Connection as AsyncConnection>::TransactionManager;

tokio::task_local! {
    static HELD: Arc<Held>;
}

/// Whoever waits this long for the transaction waits for a unit of work that waits for them.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is held while it is worked for.
pub(super) struct Held {
    writers: Pool,
    /// What is claimed with the transaction; nothing by a scope.
    request: Option<Request>,
    state: Arc<Mutex<State>>,
    /// Reads do not wait for a unit of work: it may be waiting for them.
    unit_is_open: Arc<AtomicBool>,
}

enum State {
    /// Nothing was begun yet.
    Idle,
    Open(Open),
    /// Somebody else does the same, or has done it.
    Taken(Once),
    /// The transaction broke, and with it what was to be kept.
    Lost,
}

impl State {
    /// Whether a transaction broke, and none was begun since.
    fn has_broken(&self) -> bool {
        matches!(self, Self::Open(Open { is_uncertain: true, .. }))
    }
}

/// The transaction. Dropped without an end, its connection is closed, and the database undoes everything.
struct Open {
    lease: Lease,
    /// A request is claimed with it.
    is_claimed: bool,
    /// A unit of work was committed into it.
    has_changes: bool,
    /// Something was begun or ended in it, and nobody heard how that went.
    is_uncertain: bool,
    /// Who wants to know of what its units of work announced.
    bells: Bells,
}

/// The transaction, for as long as somebody works with it.
pub(super) struct Hold {
    open: OwnedMappedMutexGuard<State, Open>,
    unit: Option<OpenUnit>,
}

struct OpenUnit(Arc<AtomicBool>);

impl Drop for OpenUnit {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Held {
    pub(super) fn by(request: Request, writers: Pool) -> Arc<Self> {
        Self::new(writers, Some(request))
    }

    pub(super) fn by_scope(writers: Pool) -> Arc<Self> {
        Self::new(writers, None)
    }

    fn new(writers: Pool, request: Option<Request>) -> Arc<Self> {
        let state = Arc::new(Mutex::new(State::Idle));
        Arc::new(Self { writers, request, state, unit_is_open: Arc::default() })
    }

    /// What is held that this task works within, if it does, in the database of these writers.
    pub(super) fn current(writers: &Pool) -> Option<Arc<Self>> {
        HELD.try_with(Arc::clone).ok().filter(|it| it.writers.is(writers))
    }

    /// Whether a request is claimed with its transaction.
    pub(super) fn has_claimed(&self) -> bool {
        self.state.try_lock().is_ok_and(|state| matches!(*state, State::Open(Open { is_claimed: true, .. })))
    }

    /// Works within it.
    pub(super) async fn during<F: Future>(self: &Arc<Self>, work: F) -> F::Output {
        HELD.scope(self.clone(), work).await
    }

    /// The transaction for a unit of work, which waits for the one before it.
    pub(super) async fn for_unit(&self) -> Result<Hold, StoreError> {
        let open = self.opened().await?;
        self.unit_is_open.store(true, Ordering::Release);
        Ok(Hold { open, unit: Some(OpenUnit(self.unit_is_open.clone())) })
    }

    /// The transaction for one statement that changes something.
    pub(super) async fn for_change(&self) -> Result<Hold, StoreError> {
        let mut open = self.opened().await?;
        open.has_changes = true;
        Ok(Hold { open, unit: None })
    }

    /// The transaction for reading what was changed in it; nothing while a unit of work has it, or nothing was begun.
    pub(super) async fn for_reading(&self) -> Option<Hold> {
        if self.unit_is_open.load(Ordering::Acquire) {
            return None;
        }
        let state = self.lock().await.ok()?;
        let open = OwnedMutexGuard::try_map(state, |state| match state {
            State::Open(open) if !open.is_uncertain => Some(open),
            State::Open(_) | State::Idle | State::Taken(_) | State::Lost => None,
        });
        open.ok().map(|open| Hold { open, unit: None })
    }

    /// Works within a part of it, which is kept with everything else or undone alone.
    pub(super) async fn in_part(&self, work: ScopedWork<'_>) -> Result<(), StoreError> {
        // From here on the transaction has changes: if it breaks, it must not be begun anew without this part's beginning.
        self.for_change().await?.begin().await?;
        let is_kept = work.await;
        let part = self.for_change().await?;
        if is_kept {
            return part.commit(Bells::default()).await;
        }
        part.roll_back().await;
        Ok(())
    }

    /// Keeps everything, or nothing.
    pub(super) async fn close(&self, is_kept: bool) -> Result<(), StoreError> {
        let mut state = self.lock().await?;
        let is_broken = state.has_broken();
        match std::mem::replace(&mut *state, State::Lost) {
            State::Open(open) if is_kept && !is_broken => open.commit().await,
            State::Open(open) => {
                open.roll_back().await;
                if is_kept { Err(lost()) } else { Ok(()) }
            }
            State::Idle => Ok(()),
            State::Taken(_) | State::Lost => Err(lost()),
        }
    }

    /// Keeps everything and the answer, or nothing if there is none.
    pub(super) async fn end(&self, answer: Option<KeptAnswer>) -> Result<Once, StoreError> {
        let mut state = self.lock().await?;
        if sabotage::is_on(Sabotage::RetryWithoutKey) && state.has_broken() {
            return Ok(Once::Done);
        }
        if answer.is_some() {
            self.open(&mut state).await?;
        }
        match (std::mem::replace(&mut *state, State::Lost), answer) {
            (State::Open(open), Some(answer)) => match &self.request {
                Some(request) => open.answer(request, answer).await,
                None => open.commit().await.map(|()| Once::Done),
            },
            (State::Open(open), None) => {
                open.roll_back().await;
                Ok(Once::Done)
            }
            (State::Taken(by_others), _) => Ok(by_others),
            (State::Idle, _) => Ok(Once::Done),
            (State::Lost, _) => Err(lost()),
        }
    }

    async fn lock(&self) -> Result<OwnedMutexGuard<State>, StoreError> {
        let late = |_| StoreError::unavailable("another unit of work of this request did not end");
        timeout(PATIENCE, self.state.clone().lock_owned()).await.map_err(late)
    }

    async fn opened(&self) -> Result<OwnedMappedMutexGuard<State, Open>, StoreError> {
        let mut state = self.lock().await?;
        self.open(&mut state).await?;
        if let State::Open(open) = &*state {
            open.lease.in_time()?;
        }
        let open = OwnedMutexGuard::try_map(state, |state| match state {
            State::Open(open) => Some(open),
            State::Idle | State::Taken(_) | State::Lost => None,
        });
        open.map_err(|state| match &*state {
            State::Taken(_) => StoreError::Conflict("the request".to_owned()),
            State::Idle | State::Open(_) | State::Lost => lost(),
        })
    }

    /// Begins the transaction, and claims the request with it. One that broke before anything was kept in it is begun
    /// again: a deadlock, for one, undoes all of it.
    async fn open(&self, state: &mut State) -> Result<(), StoreError> {
        if let State::Open(Open { has_changes, is_uncertain: true, .. }) = state {
            *state = if *has_changes { State::Lost } else { State::Idle };
        }
        if let State::Idle = state {
            let mut lease = self.writers.lease().await?;
            lease.begin().await?;
            let is_claimed = self.request.is_some();
            let open = Open { lease, is_claimed, has_changes: false, is_uncertain: false, bells: Bells::default() };
            *state = self.claim(open).await?;
        }
        Ok(())
    }

    async fn claim(&self, mut open: Open) -> Result<State, StoreError> {
        if sabotage::is_on(Sabotage::KeyAfterCommit) {
            return Ok(State::Open(open));
        }
        let Some(request) = &self.request else { return Ok(State::Open(open)) };
        match request.claim(open.lease.connection()).await? {
            None => Ok(State::Open(open)),
            Some(by_others) => {
                open.roll_back().await;
                Ok(State::Taken(by_others))
            }
        }
    }
}

impl Open {
    /// Keeps everything, and the answer to the request with it.
    async fn answer(mut self, request: &Request, answer: KeptAnswer) -> Result<Once, StoreError> {
        if sabotage::is_on(Sabotage::KeyAfterCommit) {
            Manager::commit_transaction(self.lease.connection()).await.map_err(store_error)?;
            sabotage::dawdle(Sabotage::KeyAfterCommit).await;
            self.lease.begin().await?;
            if let Some(by_others) = request.claim(self.lease.connection()).await? {
                self.roll_back().await;
                return Ok(by_others);
            }
        }
        if let Err(error) = request.answer(self.lease.connection(), &answer).await {
            self.roll_back().await;
            return Err(error);
        }
        self.commit().await?;
        Ok(Once::Done)
    }

    async fn commit(mut self) -> Result<(), StoreError> {
        if let Err(late) = self.lease.in_time() {
            self.roll_back().await;
            return Err(late);
        }
        if self.is_in_part() {
            self.lease.discard();
            return Err(lost());
        }
        let kept = Manager::commit_transaction(self.lease.connection()).await;
        if let Err(error) = kept {
            // Nobody knows now whether the transaction is still open.
            self.lease.discard();
            return Err(store_error(error));
        }
        self.bells.ring();
        Ok(())
    }

    /// Whether a part of it was left before its end: then to commit would end that part only.
    fn is_in_part(&mut self) -> bool {
        let status = Manager::transaction_manager_status_mut(self.lease.connection());
        !matches!(status.transaction_depth(), Ok(Some(depth)) if depth.get() == 1)
    }

    async fn roll_back(mut self) {
        if let Err(error) = Manager::rollback_transaction(self.lease.connection()).await {
            tracing::warn!(%error, "a transaction could not be rolled back: its connection is closed instead");
            self.lease.discard();
        }
    }
}

impl Hold {
    pub(super) fn lease(&mut self) -> &mut Lease {
        &mut self.open.lease
    }

    fn connection(&mut self) -> &mut Connection {
        self.lease().connection()
    }

    /// Begins a unit of work within the transaction.
    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        self.open.is_uncertain = true;
        Manager::begin_transaction(self.connection()).await.map_err(store_error)?;
        self.open.is_uncertain = false;
        Ok(())
    }

    /// Leaves what the unit of work did to the transaction.
    pub(super) async fn commit(mut self, bells: Bells) -> Result<(), StoreError> {
        self.open.is_uncertain = true;
        if self.open.is_claimed && sabotage::now_and_then(Sabotage::RetryWithoutKey) {
            // As a deadlock would, this undoes the claim of the key, too.
            self.unit = None;
            Manager::rollback_transaction(self.connection()).await.map_err(store_error)?;
            Manager::rollback_transaction(self.connection()).await.map_err(store_error)?;
            return Err(StoreError::Contended("on purpose".into()));
        }
        Manager::commit_transaction(self.connection()).await.map_err(store_error)?;
        self.open.is_uncertain = false;
        self.open.has_changes = true;
        self.open.bells.extend(bells);
        Ok(())
    }

    /// From now on, the unit of work is to be undone: whoever wants the transaction waits for that.
    pub(super) fn abandon(&mut self) {
        self.open.is_uncertain = true;
        self.unit = None;
    }

    /// Undoes the unit of work, and nothing else.
    pub(super) async fn roll_back(mut self) {
        match Manager::rollback_transaction(self.connection()).await {
            Ok(()) => self.open.is_uncertain = false,
            Err(error) => tracing::warn!(%error, "a unit of work could not be undone: its whole transaction is"),
        }
    }
}

fn lost() -> StoreError {
    StoreError::Contended("the transaction of the request broke".into())
}
