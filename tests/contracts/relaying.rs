//! What becomes of events between the outbox and whoever wants them: relays on a real database, and a publisher that
//! fails in every way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use events_adapter::{Relay, RelaySettings};
use kernel_application::testing::CountingIds;
use kernel_application::{Clock, DeliveryOutcome, Publisher, StoredEvent, Undelivered};
use kernel_domain::EventId;
use persistence_adapter::BUS;
use shipping_domain::Item;
use shipping_domain::testing::{an_item, noon};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::databases::TestDatabase;
use crate::deliveries::{ONE, announce, claim, event_of, kept_items, settle};
use crate::events::recorded;
use crate::shipping_store::keep;

crate::every_database_promises![
    an_idle_look_costs_one_statement,
    ten_events_cost_as_many_statements_as_one,
    every_event_arrives_though_answers_get_lost,
    two_relays_keep_the_order_of_each_aggregate_though_the_bus_throttles,
    a_relay_that_died_is_succeeded_when_its_lease_ends_and_not_heard_any_more,
    a_poison_event_stops_only_its_own_aggregate_is_seen_and_can_be_replayed,
    a_transaction_that_commits_after_many_others_loses_nothing,
    while_the_bus_is_down_no_write_fails_and_the_backlog_drains_after,
];

/// How long everything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A clock that is moved, or that hurries: each look at it takes so many milliseconds.
#[derive(Clone, Default)]
struct TestClock {
    millis: Arc<AtomicI64>,
    hurry: i64,
}

impl TestClock {
    fn hurrying() -> Self {
        Self { hurry: 10, ..Self::default() }
    }

    fn advance(&self, time: TimeDelta) {
        self.millis.fetch_add(time.num_milliseconds(), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        noon() + TimeDelta::milliseconds(self.millis.fetch_add(self.hurry, Ordering::Relaxed))
    }
}

/// How a bus fails.
enum Failing {
    /// It takes events, and every third answer is lost.
    LosesAnswers,
    /// It throttles the third entry of every other call.
    Throttles,
    /// It does not take this event.
    Refuses(Mutex<Option<EventId>>),
    /// It is down while this is true.
    IsDown(AtomicBool),
}

/// A bus that remembers what it took, in order.
struct Bus {
    failing: Failing,
    calls: AtomicUsize,
    taken: Mutex<Vec<StoredEvent>>,
}

impl Bus {
    fn that(failing: Failing) -> Arc<Self> {
        Arc::new(Self { failing, calls: AtomicUsize::new(0), taken: Mutex::default() })
    }

    fn taken(&self) -> Vec<StoredEvent> {
        self.taken.lock().unwrap().clone()
    }

    /// How many different events were taken.
    fn different(&self) -> usize {
        self.taken().iter().map(|it| it.id).collect::<BTreeSet<_>>().len()
    }

    /// Each aggregate's versions in the order in which they arrived first.
    fn first_arrivals(&self) -> BTreeMap<Uuid, Vec<i64>> {
        let mut arrivals: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
        for event in self.taken() {
            let versions = arrivals.entry(event.aggregate_id).or_default();
            if !versions.contains(&event.aggregate_version) {
                versions.push(event.aggregate_version);
            }
        }
        arrivals
    }

    fn fate(&self, at: usize, call: usize, event: &StoredEvent) -> Result<(), Undelivered> {
        match &self.failing {
            Failing::Throttles if at == 2 && call.is_multiple_of(2) => {
                Err(Undelivered::Unreachable("throttled".into()))
            }
            Failing::Refuses(poison) if *poison.lock().unwrap() == Some(event.id) => {
                Err(Undelivered::Refused("malformed".into()))
            }
            Failing::IsDown(down) if down.load(Ordering::Relaxed) => Err(Undelivered::Unreachable("down".into())),
            Failing::LosesAnswers | Failing::Throttles | Failing::Refuses(_) | Failing::IsDown(_) => Ok(()),
        }
    }
}

#[async_trait]
impl Publisher for Bus {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), Undelivered>> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let fates: Vec<_> = events.iter().enumerate().map(|(at, event)| self.fate(at, call, event)).collect();
        let taken = events.iter().zip(&fates).filter(|(_, fate)| fate.is_ok()).map(|(event, _)| event.clone());
        self.taken.lock().unwrap().extend(taken);
        if matches!(self.failing, Failing::LosesAnswers) && call.is_multiple_of(3) {
            return events.iter().map(|_| Err(Undelivered::Unreachable("no answer".into()))).collect();
        }
        fates
    }
}

fn relay(database: &TestDatabase, bus: &Arc<Bus>, clock: &TestClock) -> Relay {
    Relay {
        deliveries: database.deliveries(BUS),
        publisher: bus.clone(),
        clock: Arc::new(clock.clone()),
        ids: Arc::new(CountingIds::default()),
        settings: RelaySettings { idle: Duration::from_millis(20), ..RelaySettings::default() },
    }
}

/// Relays that deliver until they are stopped.
struct Running(Vec<(oneshot::Sender<()>, tokio::task::JoinHandle<()>)>);

impl Running {
    fn start(relays: impl IntoIterator<Item = Relay>) -> Self {
        let running = relays.into_iter().map(|relay| {
            let (stop, stopped) = oneshot::channel::<()>();
            let stopped = async {
                let _ = stopped.await;
            };
            (stop, tokio::spawn(async move { relay.run(stopped).await }))
        });
        Self(running.collect())
    }

    async fn stop(self) {
        for (stop, relay) in self.0 {
            drop(stop);
            timeout(PATIENCE, relay).await.expect("it stops in time").expect("it does not panic");
        }
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Announces one event of each item, all in one transaction.
async fn announce_all(database: &TestDatabase, items: &[Item]) {
    let mut work = database.shipping_store().begin().await.unwrap();
    let numbers: Vec<_> = items.iter().map(|it| it.tracking_number().clone()).collect();
    let found = work.items().find(&numbers).await.unwrap();
    work.items().save(&found).await.unwrap();
    let events: Vec<_> = items.iter().map(event_of).collect();
    work.outbox().append(&recorded(&events)).await.unwrap();
    work.commit().await.unwrap();
}

async fn an_idle_look_costs_one_statement(database: TestDatabase) {
    claim(&database, ONE, noon()).await;
    let before = database.statements();

    claim(&database, ONE, noon()).await;

    assert_eq!(database.statements() - before, 1);
}

/// `BEGIN` and `COMMIT`, which go to the database like everything else.
const TRANSACTION: u64 = 2;

/// A look, what is free, its events and their lease in one transaction, and what became of them in another.
async fn ten_events_cost_as_many_statements_as_one(database: TestDatabase) {
    let items: [Item; 10] = kept_items(&database).await;
    for announced in [&items[..1], &items] {
        announce_all(&database, announced).await;
        let before = database.statements();

        let claimed = claim(&database, ONE, noon()).await;
        assert_eq!(claimed.len(), announced.len());
        let delivered: Vec<_> = claimed.into_iter().map(|it| (it, DeliveryOutcome::Delivered)).collect();
        settle(&database, ONE, &delivered).await;

        assert_eq!(database.statements() - before, 5 + 2 * TRANSACTION);
    }
}

async fn every_event_arrives_though_answers_get_lost(database: TestDatabase) {
    let items: [Item; 8] = kept_items(&database).await;
    for item in &items {
        announce(&database, item, 3).await;
    }
    let (bus, clock) = (Bus::that(Failing::LosesAnswers), TestClock::default());
    let relay = relay(&database, &bus, &clock);

    for _ in 0..50 {
        relay.drain().await.unwrap();
    }

    assert_eq!(bus.different(), 24, "at least once");
    assert!(bus.taken().len() > 24, "some came twice, or nothing was lost on the way");
    assert!(bus.first_arrivals().values().all(|it| *it == [2, 3, 4]), "{:?}", bus.first_arrivals());
    assert_eq!(database.settled_events().dead_letters(0, 10).await.unwrap(), [], "it was nobody's fault");
    assert_eq!(relay.drain().await.unwrap(), 0);
}

async fn two_relays_keep_the_order_of_each_aggregate_though_the_bus_throttles(database: TestDatabase) {
    let items: [Item; 10] = kept_items(&database).await;
    let (bus, clock) = (Bus::that(Failing::Throttles), TestClock::hurrying());
    let running = Running::start([relay(&database, &bus, &clock), relay(&database, &bus, &clock)]);

    for _ in 0..5 {
        announce_all(&database, &items).await;
    }
    until("all of them arrive", || bus.different() == 50).await;
    running.stop().await;

    let arrivals = bus.first_arrivals();
    assert!(arrivals.values().all(|it| *it == [2, 3, 4, 5, 6]), "in order and without a gap: {arrivals:?}");
}

async fn a_relay_that_died_is_succeeded_when_its_lease_ends_and_not_heard_any_more(database: TestDatabase) {
    let [item] = kept_items(&database).await;
    announce(&database, &item, 2).await;
    let (bus, clock) = (Bus::that(Failing::Refuses(Mutex::default())), TestClock::default());
    let successor = relay(&database, &bus, &clock);
    let dead = claim(&database, ONE, clock.now()).await;

    clock.advance(successor.settings.lease - TimeDelta::milliseconds(1));
    assert_eq!(successor.drain().await.unwrap(), 0, "the lease holds");
    clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(successor.drain().await.unwrap(), 2);

    let late: Vec<_> = dead.into_iter().map(|it| (it, DeliveryOutcome::Parked { reason: String::new() })).collect();
    settle(&database, ONE, &late).await;
    assert_eq!(database.settled_events().dead_letters(0, 10).await.unwrap(), [], "its fence is old");
    assert_eq!(successor.drain().await.unwrap(), 0);
}

async fn a_poison_event_stops_only_its_own_aggregate_is_seen_and_can_be_replayed(database: TestDatabase) {
    let [poisoned] = kept_items(&database).await;
    announce(&database, &poisoned, 3).await;
    let poison = claim(&database, ONE, noon()).await[0].event.id;
    let (bus, clock) = (Bus::that(Failing::Refuses(Mutex::new(Some(poison)))), TestClock::default());
    clock.advance(TimeDelta::seconds(10));
    let relay = relay(&database, &bus, &clock);
    for _ in 0..4 {
        let healthy: Vec<Item> = (0..250).map(|_| an_item().build()).collect();
        keep(&database, &healthy, &[], &[]).await;
        announce_all(&database, &healthy).await;
    }

    relay.drain().await.unwrap();
    assert_eq!(bus.different(), 1_000, "others are not held up");
    let mut attempts = 1;
    while database.settled_events().dead_letters(0, 10).await.unwrap().is_empty() {
        attempts += 1;
        assert!(attempts <= relay.settings.max_attempts, "it is never given up");
        clock.advance(TimeDelta::minutes(4));
        relay.drain().await.unwrap();
    }

    let letters = database.settled_events().dead_letters(0, 10).await.unwrap();
    assert_eq!((letters.len(), letters[0].event), (1, poison));
    // One of the attempts was the claim that showed which event it is.
    assert_eq!((letters[0].attempts, letters[0].waiting), (relay.settings.max_attempts, 2));
    assert_eq!(letters[0].reason.as_deref(), Some("the event was refused: malformed"));
    assert_eq!(bus.different(), 1_000, "what comes after it waits");
    if let Failing::Refuses(poison) = &bus.failing {
        poison.lock().unwrap().take();
    }
    assert_eq!(database.settled_events().replay(poison, Some(BUS)).await.unwrap(), 1);
    relay.drain().await.unwrap();
    assert_eq!(bus.first_arrivals()[&poisoned.id().as_uuid()], [2, 3, 4]);
}

async fn a_transaction_that_commits_after_many_others_loses_nothing(database: TestDatabase) {
    let others: [Item; 20] = kept_items(&database).await;
    let [slow] = kept_items(&database).await;
    let (bus, clock) = (Bus::that(Failing::Refuses(Mutex::default())), TestClock::default());
    let running = Running::start([relay(&database, &bus, &clock)]);

    if database.url.starts_with("mysql") {
        let mut work = database.shipping_store().begin().await.unwrap();
        let found = work.items().find(std::slice::from_ref(slow.tracking_number())).await.unwrap();
        work.items().save(&found).await.unwrap();
        work.outbox().append(&recorded(&[event_of(&slow)])).await.unwrap();
        for item in &others {
            announce(&database, item, 5).await;
        }
        until("the others arrive meanwhile", || bus.different() == 100).await;
        work.commit().await.unwrap();
    } else {
        // One writer: nobody commits before those who began earlier.
        announce(&database, &slow, 1).await;
        for item in &others {
            announce(&database, item, 5).await;
        }
    }
    until("everything arrives", || bus.different() == 101).await;
    running.stop().await;

    assert_eq!(bus.first_arrivals()[&slow.id().as_uuid()], [2]);
}

async fn while_the_bus_is_down_no_write_fails_and_the_backlog_drains_after(database: TestDatabase) {
    let items: [Item; 20] = kept_items(&database).await;
    let (bus, clock) = (Bus::that(Failing::IsDown(AtomicBool::new(true))), TestClock::default());
    let running = Running::start([relay(&database, &bus, &clock)]);

    for _ in 0..5 {
        announce_all(&database, &items).await;
    }
    until("the bus is tried more than once", || bus.calls.load(Ordering::Relaxed) > 2).await;
    assert_eq!(bus.different(), 0);
    if let Failing::IsDown(down) = &bus.failing {
        down.store(false, Ordering::Relaxed);
    }
    // The clock stands still: nothing that was tried in vain has to wait for its next attempt.
    until("the backlog drains", || bus.different() == 100).await;
    running.stop().await;

    assert_eq!(bus.taken().len(), 100, "and each comes once");
    assert!(bus.first_arrivals().values().all(|it| *it == [2, 3, 4, 5, 6]), "{:?}", bus.first_arrivals());
}
