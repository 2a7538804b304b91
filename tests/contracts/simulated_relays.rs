//! Relays over a real queue in a world of seeds: what the bus does to each call and when a relay is killed comes from a number, and
//! time is not waited for. A seed that fails here fails again. A world with a defect is found out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use events_adapter::{Relay, RelaySettings};
use kernel_application::testing::CountingIds;
use kernel_application::{
    ClaimLimits, Clock, Deliveries, Delivery, DeliveryOutcome, Publisher, StoredEvent, Undelivered,
};
use kernel_domain::StoreError;
use persistence_adapter::BUS;
use shipping_domain::Item;
use shipping_domain::testing::noon;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::databases::{TestDatabase, sqlite};
use crate::deliveries::{announce, kept_items};

/// How many worlds: as many as take some seconds, unless `SIMULATED_SEEDS` says otherwise.
const SEEDS: u64 = 100;

/// A defect is found out in one of so many worlds: not in each does something happen that it makes a difference to.
const SEEDS_WITH_A_DEFECT: u64 = 20;

/// What each item's events have for versions.
const VERSIONS: [i64; 4] = [2, 3, 4, 5];

/// So many calls of the bus may fail; then it is healed, but for an event that it never takes.
const BAD_CALLS: u64 = 30;

/// Ten attempts take about ten minutes, and each relay that is killed holds events for ten seconds more.
const PATIENCE: Duration = Duration::from_hours(2);

/// Numbers that follow from a seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The time of this world, which passes when everybody waits.
struct WorldClock(Instant);

impl Clock for WorldClock {
    fn now(&self) -> DateTime<Utc> {
        noon() + TimeDelta::from_std(self.0.elapsed()).unwrap()
    }
}

/// What the bus has seen.
struct Seen {
    chance: Chance,
    calls: u64,
    /// The version of the first item that is refused until somebody takes it back.
    poison: Option<i64>,
    taken: Vec<StoredEvent>,
    refusals: BTreeMap<Uuid, u32>,
}

struct Bus {
    poisoned: Uuid,
    seen: Mutex<Seen>,
}

impl Bus {
    fn taken(&self) -> BTreeMap<Uuid, Vec<i64>> {
        let mut first_arrivals: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
        for event in &self.seen.lock().unwrap().taken {
            let versions = first_arrivals.entry(event.aggregate_id).or_default();
            if !versions.contains(&event.aggregate_version) {
                versions.push(event.aggregate_version);
            }
        }
        first_arrivals
    }

    /// What becomes of each event of a call, how long that takes, and whether anybody hears of it.
    fn decide(&self, events: &[StoredEvent]) -> (Vec<Result<(), Undelivered>>, Duration, bool) {
        let mut seen = self.seen.lock().unwrap();
        seen.calls += 1;
        let what = if seen.calls > BAD_CALLS { 0 } else { seen.chance.below(9) };
        let one = usize::try_from(seen.chance.below(10)).unwrap();
        let away = || Err(Undelivered::Unreachable("away".into()));
        let fate = |at: usize, event: &StoredEvent, poison: Option<i64>| match what {
            _ if event.aggregate_id == self.poisoned && poison == Some(event.aggregate_version) => {
                Err(Undelivered::Refused("poison".into()))
            }
            1 => away(),
            2 if at == one % events.len() => away(),
            3 if at == one % events.len() => Err(Undelivered::Refused("not now".into())),
            _ => Ok(()),
        };
        let poison = seen.poison;
        let fates: Vec<_> = events.iter().enumerate().map(|(at, it)| fate(at, it, poison)).collect();
        for (event, fate) in events.iter().zip(&fates) {
            match fate {
                Ok(()) if what != 4 => seen.taken.push(event.clone()),
                Err(Undelivered::Refused(_)) => *seen.refusals.entry(event.id.as_uuid()).or_default() += 1,
                _ => {}
            }
        }
        // It hangs and has taken nothing, or everything; it is slow; its answer is lost.
        let takes = if matches!(what, 4 | 5) { 60_000 } else { seen.chance.below(if what == 6 { 6_900 } else { 50 }) };
        (fates, Duration::from_millis(takes), what != 7)
    }
}

#[async_trait]
impl Publisher for Bus {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), Undelivered>> {
        let (fates, takes, is_heard) = self.decide(events);
        sleep(takes).await;
        if is_heard {
            return fates;
        }
        events.iter().map(|_| Err(Undelivered::Unreachable("no answer".into()))).collect()
    }
}

/// What can be wrong with a queue.
#[derive(Debug, Clone, Copy)]
enum Defect {
    /// An event counts as delivered as soon as somebody claims it.
    DeliveredBeforeItIsTaken,
    /// The events of an aggregate come by falling versions.
    LastFirst,
    /// Whatever is refused is parked at once.
    GivenUpEarly,
}

/// A queue with a defect.
struct Defective {
    queue: Arc<dyn Deliveries>,
    defect: Defect,
}

#[async_trait]
impl Deliveries for Defective {
    async fn claim(&self, owner: Uuid, limits: ClaimLimits, now: DateTime<Utc>) -> Result<Vec<Delivery>, StoreError> {
        let mut claimed = self.queue.claim(owner, limits, now).await?;
        match self.defect {
            Defect::DeliveredBeforeItIsTaken => {
                let settled: Vec<_> = claimed.iter().map(|it| (it.clone(), DeliveryOutcome::Delivered)).collect();
                self.queue.settle(owner, &settled).await?;
            }
            Defect::LastFirst => claimed.reverse(),
            Defect::GivenUpEarly => {}
        }
        Ok(claimed)
    }

    async fn settle(&self, owner: Uuid, settled: &[(Delivery, DeliveryOutcome)]) -> Result<(), StoreError> {
        let mut settled = settled.to_vec();
        if matches!(self.defect, Defect::GivenUpEarly) {
            for (_, outcome) in settled.iter_mut().filter(|(_, it)| matches!(it, DeliveryOutcome::RetryAt(_))) {
                *outcome = DeliveryOutcome::Parked { reason: "once is enough".to_owned() };
            }
        }
        self.queue.settle(owner, &settled).await
    }

    async fn added(&self) {
        self.queue.added().await;
    }
}

/// Delivers until it is killed.
fn run(
    queue: &Arc<dyn Deliveries>,
    bus: &Arc<Bus>,
    began: Instant,
    ids: &Arc<CountingIds>,
) -> tokio::task::JoinHandle<()> {
    let relay = Relay {
        deliveries: queue.clone(),
        publisher: bus.clone(),
        clock: Arc::new(WorldClock(began)),
        ids: ids.clone(),
        // In this world nobody is in a hurry, and each look costs real time.
        settings: RelaySettings { idle: Duration::from_secs(20), ..RelaySettings::default() },
    };
    tokio::spawn(async move { relay.run(std::future::pending()).await })
}

/// Lives through the world of a seed, over this database's queue or a defective one; tells what is wrong with it.
async fn live(seed: u64, database: &TestDatabase, defect: Option<Defect>) -> Result<(), String> {
    let items: [Item; 3] = kept_items(database).await;
    for item in &items {
        announce(database, item, VERSIONS.len()).await;
    }
    let mut chance = Chance(seed);
    let poison = (chance.below(4) == 0).then(|| VERSIONS[usize::try_from(chance.below(4)).unwrap()]);
    let kills = chance.below(4);
    let poisoned = items[0].id().as_uuid();
    let sight = Seen { chance: Chance(!seed), calls: 0, poison, taken: Vec::new(), refusals: BTreeMap::new() };
    let bus = Arc::new(Bus { poisoned, seen: Mutex::new(sight) });
    let (began, ids) = (Instant::now(), Arc::new(CountingIds::default()));
    let queue = database.deliveries(BUS);
    let queue: Arc<dyn Deliveries> = match defect {
        Some(defect) => Arc::new(Defective { queue, defect }),
        None => queue,
    };

    let mut relay = run(&queue, &bus, began, &ids);
    for _ in 0..kills {
        sleep(Duration::from_millis(chance.below(15_000))).await;
        relay.abort();
        let _ = relay.await;
        relay = run(&queue, &bus, began, &ids);
    }
    let outcome = watch(&items, database, &bus, began).await;
    relay.abort();
    let _ = relay.await;
    outcome
}

/// Waits until everything has arrived and is settled.
async fn watch(items: &[Item], database: &TestDatabase, bus: &Bus, began: Instant) -> Result<(), String> {
    let ids_of_items: BTreeSet<Uuid> = items.iter().map(|it| it.id().as_uuid()).collect();
    loop {
        let taken = bus.taken();
        for (item, versions) in &taken {
            must(VERSIONS.starts_with(versions), || format!("{item} came as {versions:?}"))?;
        }
        if ids_of_items.iter().all(|it| taken.get(it).is_some_and(|it| *it == VERSIONS)) {
            break;
        }
        let letters = database.settled_events().dead_letters(0, 10).await.unwrap();
        for letter in &letters {
            let refusals = bus.seen.lock().unwrap().refusals.get(&letter.event.as_uuid()).copied().unwrap_or_default();
            must(letter.attempts == 10, || format!("given up too early: {letter:?}"))?;
            must(refusals > 0, || format!("an event is parked that nobody refused: {letter:?}"))?;
            bus.seen.lock().unwrap().poison = None;
            database.settled_events().replay(letter.event, Some(BUS)).await.unwrap();
        }
        must(began.elapsed() < PATIENCE, || format!("something is lost: {taken:?}"))?;
        sleep(Duration::from_secs(10)).await;
    }
    // The last answer may be on its way or lost, and nothing may be left for the next world.
    while database.backlog().await.unwrap().iter().any(|it| it.waiting > 0) {
        must(began.elapsed() < PATIENCE, || "what has arrived is delivered for ever".to_owned())?;
        sleep(Duration::from_secs(10)).await;
    }
    Ok(())
}

fn must(is_so: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(fault()) }
}

#[tokio::test(start_paused = true)]
async fn whatever_a_seed_makes_the_bus_do_nothing_is_lost_or_out_of_order_or_given_up_early() {
    let database = sqlite().await;
    #[expect(clippy::disallowed_methods, reason = "that is how a longer run is asked for")]
    let seeds = std::env::var("SIMULATED_SEEDS").map_or(SEEDS, |it| it.parse().expect("a number"));

    for seed in 0..seeds {
        assert_eq!(live(seed, &database, None).await, Ok(()), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_defect_of_a_queue_is_found_out() {
    for (defect, fault) in [
        (Defect::DeliveredBeforeItIsTaken, "something is lost"),
        (Defect::DeliveredBeforeItIsTaken, "came as"),
        (Defect::LastFirst, "came as"),
        (Defect::GivenUpEarly, "given up too early"),
    ] {
        let mut faults = Vec::new();
        for seed in 0..SEEDS_WITH_A_DEFECT {
            // What a defect leaves behind is not for the next world.
            faults.extend(live(seed, &sqlite().await, Some(defect)).await.err());
            if faults.iter().any(|it| it.contains(fault)) {
                break;
            }
        }
        assert!(faults.iter().any(|it| it.contains(fault)), "{defect:?}: {faults:#?}");
    }
}
