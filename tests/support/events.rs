//! A publisher that remembers what went out, and a queue that can be held still.

use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel_application::{ClaimLimits, Deliveries, Delivery, DeliveryOutcome, Publisher, StoredEvent, Undelivered};
use kernel_domain::StoreError;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// How long an event may be on its way.
const DEADLINE: Duration = Duration::from_secs(20);

/// Remembers every event, in the order of its arrival.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Recorded>);

#[derive(Default)]
struct Recorded {
    events: SyncMutex<Vec<StoredEvent>>,
    arrived: Notify,
}

#[async_trait]
impl Publisher for Recorder {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), Undelivered>> {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(events);
        self.0.arrived.notify_waiters();
        events.iter().map(|_| Ok(())).collect()
    }
}

impl Recorder {
    /// What arrived so far.
    pub fn so_far(&self) -> Vec<StoredEvent> {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until more than `count` events are there, and gives them.
    pub async fn more_than(&self, count: usize) -> Vec<StoredEvent> {
        self.until_all(|events| events.len() > count).await
    }

    /// Waits until an event is there that `wanted` accepts, and gives all that arrived.
    pub async fn until(&self, wanted: impl Fn(&StoredEvent) -> bool) -> Vec<StoredEvent> {
        self.until_all(|events| events.iter().any(&wanted)).await
    }

    async fn until_all(&self, wanted: impl Fn(&[StoredEvent]) -> bool) -> Vec<StoredEvent> {
        let arrives = async {
            loop {
                let arrived = self.0.arrived.notified();
                tokio::pin!(arrived);
                arrived.as_mut().enable();
                let events = self.so_far();
                if wanted(&events) {
                    return events;
                }
                arrived.await;
            }
        };
        match tokio::time::timeout(DEADLINE, arrives).await {
            Ok(events) => events,
            Err(late) => panic!("{late}: the event did not arrive; these did: {:#?}", self.so_far()),
        }
    }
}

/// A queue of events that can be held still, so that nobody but the test asks the database.
pub struct Pausable {
    inner: Arc<dyn Deliveries>,
    pause: Pause,
}

impl Pausable {
    /// The queue, until `pause` begins.
    pub fn new(inner: Arc<dyn Deliveries>, pause: Pause) -> Self {
        Self { inner, pause }
    }
}

#[async_trait]
impl Deliveries for Pausable {
    async fn claim(&self, owner: Uuid, limits: ClaimLimits, now: DateTime<Utc>) -> Result<Vec<Delivery>, StoreError> {
        if !self.pause.enter() {
            return Ok(Vec::new());
        }
        let claimed = self.inner.claim(owner, limits, now).await;
        // What was claimed is under way until it is settled.
        if !claimed.as_ref().is_ok_and(|it| !it.is_empty()) {
            self.pause.leave();
        }
        claimed
    }

    async fn settle(&self, owner: Uuid, settled: &[(Delivery, DeliveryOutcome)]) -> Result<(), StoreError> {
        let outcome = self.inner.settle(owner, settled).await;
        self.pause.leave();
        outcome
    }

    async fn added(&self) {
        self.inner.added().await;
    }
}

/// Holds queues still; clones are the same.
#[derive(Clone)]
pub struct Pause(Arc<watch::Sender<Traffic>>);

#[derive(Default)]
struct Traffic {
    is_held: bool,
    /// Claims that were not settled yet.
    under_way: usize,
}

impl Default for Pause {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Traffic::default())))
    }
}

impl Pause {
    /// Lets nothing be claimed from now on, and waits until everything is settled that was claimed before.
    pub async fn begin(&self) {
        self.0.send_modify(|it| it.is_held = true);
        let mut traffic = self.0.subscribe();
        let settled = traffic.wait_for(|it| it.under_way == 0);
        let _settled = tokio::time::timeout(DEADLINE, settled).await.expect("what was claimed is settled");
    }

    fn enter(&self) -> bool {
        self.0.send_if_modified(|it| {
            it.under_way += usize::from(!it.is_held);
            !it.is_held
        })
    }

    fn leave(&self) {
        self.0.send_modify(|it| it.under_way = it.under_way.saturating_sub(1));
    }
}
