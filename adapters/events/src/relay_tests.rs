//! What a relay does with what it claimed.

use std::sync::Mutex;

use async_trait::async_trait;
use kernel_application::testing::{CountingIds, Noon, noon};
use kernel_domain::{BoxError, CorrelationId, EventId};

use super::*;

/// Hands out what it was given, once, and remembers how it was settled.
struct Queue {
    waiting: Mutex<Vec<Delivery>>,
    settled: Mutex<Vec<(EventId, DeliveryOutcome)>>,
}

#[async_trait]
impl Deliveries for Queue {
    async fn claim(&self, _: Uuid, limits: ClaimLimits, _: DateTime<Utc>) -> Result<Vec<Delivery>, StoreError> {
        let mut waiting = self.waiting.lock().expect("nobody panics here");
        let take = waiting.len().min(limits.events as usize);
        Ok(waiting.drain(..take).collect())
    }

    async fn settle(&self, _: Uuid, settled: &[(Delivery, DeliveryOutcome)]) -> Result<(), StoreError> {
        let settled = settled.iter().map(|(delivery, outcome)| (delivery.event.id, *outcome));
        self.settled.lock().expect("nobody panics here").extend(settled);
        Ok(())
    }
}

/// Fails the events with these ids, and remembers the order in which events came.
#[derive(Default)]
struct Picky {
    refuses: Vec<EventId>,
    seen: Mutex<Vec<EventId>>,
}

#[async_trait]
impl Publisher for Picky {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), BoxError>> {
        self.seen.lock().expect("nobody panics here").extend(events.iter().map(|it| it.id));
        events.iter().map(|it| if self.refuses.contains(&it.id) { Err("refused".into()) } else { Ok(()) }).collect()
    }
}

fn an_event(id: u128, aggregate: u128, version: i64) -> Delivery {
    Delivery {
        event: StoredEvent {
            id: EventId::new(Uuid::from_u128(id)),
            context: "shipping".to_owned(),
            name: "ItemAddedToBatch".to_owned(),
            aggregate_kind: "item".to_owned(),
            aggregate_id: Uuid::from_u128(aggregate),
            aggregate_version: version,
            data: Vec::new(),
            is_confidential: false,
            occurred_at: noon(),
            correlation_id: CorrelationId::from(Uuid::from_u128(9)),
            trace_parent: None,
        },
        attempts: 1,
        fence: 1,
    }
}

fn id(id: u128) -> EventId {
    EventId::new(Uuid::from_u128(id))
}

async fn deliver(waiting: Vec<Delivery>, refuses: Vec<EventId>) -> (Vec<(EventId, DeliveryOutcome)>, Vec<EventId>) {
    let queue = Arc::new(Queue { waiting: Mutex::new(waiting), settled: Mutex::default() });
    let publisher = Arc::new(Picky { refuses, seen: Mutex::default() });
    let relay = Relay {
        deliveries: queue.clone(),
        publisher: publisher.clone(),
        clock: Arc::new(Noon),
        ids: Arc::new(CountingIds::default()),
        settings: RelaySettings::default(),
    };
    relay.drain().await.expect("the queue answers");
    let (settled, seen) = (queue.settled.lock().expect("settled"), publisher.seen.lock().expect("seen"));
    (settled.clone(), seen.clone())
}

#[tokio::test]
async fn what_arrives_is_settled_batch_after_batch() {
    let waiting: Vec<_> = (1..=25).map(|it| an_event(it, it, 1)).collect();

    let (settled, seen) = deliver(waiting, vec![]).await;

    assert_eq!(seen.len(), 25);
    assert!(settled.iter().all(|(_, outcome)| *outcome == DeliveryOutcome::Delivered));
}

#[tokio::test]
async fn after_a_failure_the_same_aggregate_waits_and_the_others_go_on() {
    let waiting = vec![an_event(1, 70, 1), an_event(2, 70, 2), an_event(3, 80, 1), an_event(4, 70, 3)];

    let (settled, seen) = deliver(waiting, vec![id(1)]).await;

    assert_eq!(seen, [id(1), id(3)], "what comes after a failure is not even tried");
    let fate = |event: EventId| settled.iter().find(|(it, _)| *it == event).map(|(_, outcome)| *outcome);
    assert!(matches!(fate(id(1)), Some(DeliveryOutcome::RetryAt(at)) if at > noon()));
    assert_eq!(fate(id(2)), Some(DeliveryOutcome::Released));
    assert_eq!(fate(id(3)), Some(DeliveryOutcome::Delivered));
    assert_eq!(fate(id(4)), Some(DeliveryOutcome::Released));
}

#[tokio::test]
async fn an_event_that_was_tried_often_enough_is_parked() {
    let tired = Delivery { attempts: RelaySettings::default().max_attempts, ..an_event(1, 70, 1) };

    let (settled, _) = deliver(vec![tired], vec![id(1)]).await;

    assert_eq!(settled, [(id(1), DeliveryOutcome::Parked)]);
}

#[tokio::test]
async fn pauses_grow_and_end() {
    let relay = Relay {
        deliveries: Arc::new(Queue { waiting: Mutex::default(), settled: Mutex::default() }),
        publisher: Arc::new(Picky::default()),
        clock: Arc::new(Noon),
        ids: Arc::new(CountingIds::default()),
        settings: RelaySettings::default(),
    };

    let pauses: Vec<_> = (1..=12).map(|attempts| (relay.next_attempt(attempts) - noon()).num_seconds()).collect();

    assert!(pauses.is_sorted(), "{pauses:?}");
    assert_eq!(pauses.first(), Some(&1));
    assert!(pauses.iter().all(|it| *it <= MAX_BACKOFF_SECONDS * 3 / 2), "{pauses:?}");
}

#[tokio::test]
async fn a_relay_stops_when_it_is_told_to() {
    let relay = Relay {
        deliveries: Arc::new(Queue { waiting: Mutex::new(vec![an_event(1, 1, 1)]), settled: Mutex::default() }),
        publisher: Arc::new(Picky::default()),
        clock: Arc::new(Noon),
        ids: Arc::new(CountingIds::default()),
        settings: RelaySettings::default(),
    };

    tokio::time::timeout(Duration::from_secs(5), relay.run(async {})).await.expect("it stops");
}
