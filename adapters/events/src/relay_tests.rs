//! What a relay does with what it claimed.

use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel_application::testing::{CountingIds, Noon, noon};
use kernel_domain::{CorrelationId, EventId};
use tokio::sync::Notify;

use super::*;

/// Hands out what it was given, once, and remembers how it was settled.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Vec<Delivery>>,
    settled: Mutex<Vec<(EventId, DeliveryOutcome)>>,
    claims: Mutex<Vec<Instant>>,
    bell: Notify,
    settles: Notify,
}

#[async_trait]
impl Deliveries for Queue {
    async fn claim(&self, _: Uuid, limits: ClaimLimits, _: DateTime<Utc>) -> Result<Vec<Delivery>, StoreError> {
        self.claims.lock().expect("claims").push(Instant::now());
        let mut waiting = self.waiting.lock().expect("nobody panics here");
        let take = waiting.len().min(limits.events as usize);
        Ok(waiting.drain(..take).collect())
    }

    async fn settle(&self, _: Uuid, settled: &[(Delivery, DeliveryOutcome)]) -> Result<(), StoreError> {
        let settled = settled.iter().map(|(delivery, outcome)| (delivery.event.id, outcome.clone()));
        self.settled.lock().expect("nobody panics here").extend(settled);
        self.settles.notify_one();
        Ok(())
    }

    async fn added(&self) {
        self.bell.notified().await;
    }
}

impl Queue {
    fn of(waiting: Vec<Delivery>) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::new(waiting), ..Self::default() })
    }

    fn settled(&self) -> Vec<(EventId, DeliveryOutcome)> {
        self.settled.lock().expect("settled").clone()
    }
}

/// Does with each event what is said, and remembers the order in which they came.
struct Picky {
    fate: fn(EventId) -> Result<(), Undelivered>,
    takes: Duration,
    seen: Mutex<Vec<EventId>>,
}

impl Picky {
    fn who(fate: fn(EventId) -> Result<(), Undelivered>) -> Arc<Self> {
        Arc::new(Self { fate, takes: Duration::ZERO, seen: Mutex::default() })
    }

    /// Takes everything, and so long for each call.
    fn who_needs(takes: Duration) -> Arc<Self> {
        Arc::new(Self { fate: |_| Ok(()), takes, seen: Mutex::default() })
    }

    fn seen(&self) -> Vec<EventId> {
        self.seen.lock().expect("seen").clone()
    }
}

#[async_trait]
impl Publisher for Picky {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), Undelivered>> {
        self.seen.lock().expect("nobody panics here").extend(events.iter().map(|it| it.id));
        sleep(self.takes).await;
        events.iter().map(|it| (self.fate)(it.id)).collect()
    }
}

fn refused() -> Result<(), Undelivered> {
    Err(Undelivered::Refused("malformed".into()))
}

fn unreachable() -> Result<(), Undelivered> {
    Err(Undelivered::Unreachable("gone".into()))
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

/// Five events of one thing that happened to it one after the other.
fn a_history() -> Vec<Delivery> {
    (1..=5).map(|it| an_event(it, 70, i64::try_from(it).expect("small"))).collect()
}

/// More than two full claims, each event of something else.
fn a_backlog() -> Vec<Delivery> {
    (1..=25).map(|it| an_event(it, it, 1)).collect()
}

fn id(id: u128) -> EventId {
    EventId::new(Uuid::from_u128(id))
}

fn relay(queue: &Arc<Queue>, publisher: &Arc<Picky>) -> Relay {
    Relay {
        deliveries: queue.clone(),
        publisher: publisher.clone(),
        clock: Arc::new(Noon),
        ids: Arc::new(CountingIds::default()),
        settings: RelaySettings::default(),
    }
}

async fn deliver(
    waiting: Vec<Delivery>,
    fate: fn(EventId) -> Result<(), Undelivered>,
) -> (Vec<(EventId, DeliveryOutcome)>, Vec<EventId>) {
    let (queue, publisher) = (Queue::of(waiting), Picky::who(fate));
    relay(&queue, &publisher).drain().await.expect("the queue answers");
    (queue.settled(), publisher.seen())
}

#[tokio::test]
async fn what_arrives_is_settled_batch_after_batch() {
    let (queue, publisher) = (Queue::of(a_backlog()), Picky::who(|_| Ok(())));

    let settled = relay(&queue, &publisher).drain().await.expect("the queue answers");

    assert_eq!((settled, publisher.seen().len()), (25, 25));
    assert!(queue.settled().iter().all(|(_, outcome)| *outcome == DeliveryOutcome::Delivered));
}

/// Whoever refuses an event is there, and may take the next one.
#[tokio::test]
async fn what_is_refused_does_not_hold_up_what_comes_after_it() {
    let (settled, seen) = deliver(a_backlog(), |it| if it == id(25) { Ok(()) } else { refused() }).await;

    assert_eq!(seen.len(), 25);
    assert_eq!(settled.last(), Some(&(id(25), DeliveryOutcome::Delivered)));
}

#[tokio::test]
async fn after_a_failure_the_same_aggregate_waits_and_the_others_go_on() {
    let waiting = vec![an_event(1, 70, 1), an_event(2, 70, 2), an_event(3, 80, 1), an_event(4, 70, 3)];

    let (settled, seen) = deliver(waiting, |it| if it == id(1) { refused() } else { Ok(()) }).await;

    assert_eq!(seen, [id(1), id(3)], "what comes after a failure is not even tried");
    let fate = |event: EventId| settled.iter().find(|(it, _)| *it == event).map(|(_, outcome)| outcome.clone());
    assert!(matches!(fate(id(1)), Some(DeliveryOutcome::RetryAt(at)) if at > noon()));
    assert_eq!(fate(id(2)), Some(DeliveryOutcome::Released));
    assert_eq!(fate(id(3)), Some(DeliveryOutcome::Delivered));
    assert_eq!(fate(id(4)), Some(DeliveryOutcome::Released));
}

#[tokio::test]
async fn an_event_that_was_tried_often_enough_is_parked() {
    let tired = Delivery { attempts: RelaySettings::default().max_attempts, ..an_event(1, 70, 1) };

    let (settled, _) = deliver(vec![tired], |_| refused()).await;

    assert_eq!(settled, [(id(1), DeliveryOutcome::Parked { reason: "the event was refused: malformed".to_owned() })]);
}

/// However long nobody is there: it is not the event's fault.
#[tokio::test]
async fn while_nobody_can_be_reached_nothing_counts_and_nothing_is_parked() {
    let tired = Delivery { attempts: RelaySettings::default().max_attempts, ..an_event(1, 70, 1) };

    let (settled, seen) = deliver(vec![tired, an_event(2, 70, 2), an_event(3, 80, 1)], |_| unreachable()).await;

    assert_eq!(seen, [id(1), id(3)], "there is no second round");
    assert_eq!(settled.len(), 3);
    assert!(settled.iter().all(|(_, outcome)| *outcome == DeliveryOutcome::Released), "{settled:?}");
}

#[tokio::test]
async fn whoever_takes_other_events_can_be_reached() {
    let waiting = vec![an_event(1, 70, 1), an_event(2, 80, 1)];

    let (settled, _) = deliver(waiting, |it| if it == id(1) { unreachable() } else { Ok(()) }).await;

    assert!(matches!(settled[0], (_, DeliveryOutcome::RetryAt(_))), "{settled:?}");
    assert_eq!(settled[1].1, DeliveryOutcome::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_does_not_answer_is_given_up() {
    let (queue, publisher) = (Queue::of(a_history()), Picky::who_needs(Duration::from_hours(1)));

    relay(&queue, &publisher).drain().await.expect("the queue answers");

    assert_eq!(publisher.seen(), [id(1)]);
    assert_eq!(
        queue.settled(),
        a_history().iter().map(|it| (it.event.id, DeliveryOutcome::Released)).collect::<Vec<_>>()
    );
}

/// Another relay may have the events by the time that this one sends them.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_could_outlast_the_lease() {
    let (queue, publisher) = (Queue::of(a_history()), Picky::who_needs(Duration::from_millis(2_900)));

    relay(&queue, &publisher).drain().await.expect("the queue answers");

    assert_eq!(publisher.seen(), [id(1), id(2)], "the third would have until 12.8 s after the claim");
    let delivered = queue.settled().iter().filter(|(_, it)| *it == DeliveryOutcome::Delivered).count();
    let released = queue.settled().iter().filter(|(_, it)| *it == DeliveryOutcome::Released).count();
    assert_eq!((delivered, released), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_stops_settles_what_is_on_its_way_and_gives_the_rest_back() {
    let (queue, publisher) = (Queue::of(a_history()), Picky::who_needs(Duration::from_secs(1)));

    let stop = sleep(Duration::from_millis(1_500));
    timeout(Duration::from_secs(5), relay(&queue, &publisher).run(stop)).await.expect("it stops");

    assert_eq!(publisher.seen(), [id(1), id(2)]);
    let outcomes: Vec<_> = queue.settled().iter().map(|(_, it)| it.clone()).collect();
    assert!(outcomes[..2].iter().all(|it| *it == DeliveryOutcome::Delivered), "{outcomes:?}");
    assert!(outcomes[2..].iter().all(|it| *it == DeliveryOutcome::Released), "{outcomes:?}");
    assert_eq!(outcomes.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_relay_wakes_up_for_an_event_and_looks_seldom_otherwise() {
    let (queue, publisher) = (Queue::of(vec![]), Picky::who(|_| Ok(())));
    let (settings, begin) = (RelaySettings::default(), Instant::now());
    let stop = async {
        sleep(settings.idle * 5 + Duration::from_millis(100)).await;
        let looked = queue.claims.lock().expect("claims").len();
        assert!(looked <= 6, "looked {looked} times in {:?}", begin.elapsed());

        queue.waiting.lock().expect("waiting").push(an_event(1, 70, 1));
        let added = Instant::now();
        queue.bell.notify_one();
        queue.settles.notified().await;
        assert!(added.elapsed() < settings.linger * 2, "{:?}", added.elapsed());
    };

    timeout(Duration::from_mins(1), relay(&queue, &publisher).run(stop)).await.expect("it stops");

    assert_eq!(publisher.seen(), [id(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_keeps_up_lets_events_gather() {
    let (queue, publisher) = (Queue::of(vec![]), Picky::who_needs(Duration::from_millis(1)));
    let lasts = Duration::from_secs(1);
    let stop = async {
        for it in 1..=200 {
            queue.waiting.lock().expect("waiting").push(an_event(it, it, 1));
            queue.bell.notify_one();
            sleep(lasts / 200).await;
        }
    };

    let linger = RelaySettings::default().linger;
    timeout(Duration::from_mins(1), relay(&queue, &publisher).run(stop)).await.expect("it stops");

    let claims = queue.claims.lock().expect("claims").len();
    assert!(claims as u128 <= lasts.as_millis() / linger.as_millis() + 1, "{claims} claims");
    assert!(publisher.seen().len() > 190, "{} arrived", publisher.seen().len());
}

#[tokio::test(start_paused = true)]
async fn a_relay_with_a_backlog_works_it_off_without_a_rest() {
    let (queue, publisher) = (Queue::of(a_backlog()), Picky::who(|_| Ok(())));

    relay(&queue, &publisher).run(sleep(Duration::from_secs(1))).await;

    let claims = queue.claims.lock().expect("claims").clone();
    assert!(claims[2] - claims[0] < RelaySettings::default().linger, "{claims:?}");
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_reaches_nobody_rests_longer_each_time() {
    let (queue, publisher) =
        (Queue::of((1..=200).map(|it| an_event(it, it, 1)).collect()), Picky::who(|_| unreachable()));

    relay(&queue, &publisher).run(sleep(Duration::from_secs(30))).await;

    let claims = queue.claims.lock().expect("claims").clone();
    let rests: Vec<_> = claims.windows(2).map(|it| it[1] - it[0]).collect();
    assert!((5..=15).contains(&rests.len()), "{rests:?}");
    assert!(rests[4] > rests[0] * 4, "{rests:?}");
}

#[tokio::test]
async fn a_relay_stops_when_it_is_told_to() {
    let (queue, publisher) = (Queue::of(vec![an_event(1, 1, 1)]), Picky::who(|_| Ok(())));

    timeout(Duration::from_secs(5), relay(&queue, &publisher).run(async {})).await.expect("it stops");
}
