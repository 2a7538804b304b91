//! Many clients over few objects at once: whatever they asked for, what must be true is true when they are done.
//!
//! What each client asks for follows from a seed; how they meet does not. Every POST has an `Idempotency-Key`, and some are
//! sent twice at once. What was answered is held against the events and against what is left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use support::app::{Answer, Stack, TestApp, Visitor};
use support::invariants::broken;
use support::sql::Sql;
use support::storm::{Choice, Command, Entry, History, Left, World, disorder, faults, old_names};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use crate::metrics::Scraped;

on_both_stacks![whatever_many_clients_ask_for_at_once_what_must_be_true_is_true];

const CLIENTS: u64 = 32;
/// Drivers: fewer than transports, so that some are busy.
const DRIVERS: usize = 3;
/// Commands of all clients together.
const COMMANDS: usize = 2_000;
/// On `SQLite` there is one writer, and nobody there ever meets anybody: it is about the same rules, not about races.
const COMMANDS_EMBEDDED: usize = 1_000;
/// What is not done by then hangs.
const DEADLINE: Duration = Duration::from_mins(4);
/// How often a client asks again that was told to.
const REPETITIONS: usize = 2;

/// How often a thousand writes may be tried again. Four transports and eight batches are wanted by thirty-two clients at once: that
/// somebody was faster is the rule here.
const MOST_RETRIES: f64 = 500.0;

/// No transaction is open for longer than a request may take.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(5);
/// How long a name may be shown that a center has no more.
const NAMES_LAST: Duration = Duration::from_secs(1);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// What has to have happened now and then: a storm in which nobody meets anybody shows nothing.
const SOMETIMES: &[&str] = &[
    "replayed",
    "asked again",
    "renamed",
    "driven by somebody else",
    "status 200",
    "status 201",
    "status 204",
    "status 404",
    "idempotency_key_in_use",
    "DistributionCenterInUse",
    "DistributionCenterNotExist",
    "ShippingBatchCompleted",
    "ShippingBatchDeparted",
    "ShippingBatchItemAddInvalidStatus",
    "ShippingBatchItemNotAvailable",
    "ShippingBatchItemNotExist",
    "ShippingInUse",
    "ShippingItemInvalidTransition",
    "ShippingTransportAlreadyCompleted",
    "ShippingTransportAlreadyDeparted",
    "ShippingTransportDriverBusy",
    "ShippingTransportNoBatch",
    "ShippingTransportNotDeparted",
    "event ItemAddedToBatch",
    "event ItemRemovedFromBatch",
    "event BatchAddedToTransport",
    "event TransportStarted",
    "event TransportComplete",
];

struct Storm {
    visitor: Visitor,
    world: World,
    history: History,
    /// Commands that are left to be chosen.
    budget: AtomicUsize,
    asked_again: AtomicUsize,
}

async fn whatever_many_clients_ask_for_at_once_what_must_be_true_is_true(first: TestApp) {
    let scraped = Scraped::at_a_free_port().await;
    let app = first.beside_with(&[("METRICS_ADDR", &scraped.address)]).await;
    first.stop().await;
    let mut drivers = Vec::new();
    for _ in 0..DRIVERS {
        drivers.push(app.driver().await.user_id);
    }
    let budget = if app.stack == Stack::Networked { COMMANDS } else { COMMANDS_EMBEDDED };
    let storm = Arc::new(Storm {
        visitor: app.manager().await,
        world: World::driven_by(drivers),
        history: History::default(),
        budget: AtomicUsize::new(budget),
        asked_again: AtomicUsize::new(0),
    });
    let mut sql = Sql::open(app.variable("DATABASE_URL")).await;

    let mut clients = JoinSet::new();
    for seed in 0..CLIENTS {
        let storm = Arc::clone(&storm);
        clients.spawn(async move { storm.client(seed).await });
    }
    let oldest = timeout(DEADLINE, watched(clients, &mut sql)).await.expect("nobody hangs");
    assert!(oldest < LONGEST_TRANSACTION, "a transaction was open for {oldest:?}");
    let _quiet = app.quiet().await;

    let entries = storm.history.entries();
    let left = Left::of(&mut sql).await;
    let faults = faults(&entries, &left);
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(disorder(&entries, &left), [] as [String; 0]);
    assert_eq!(old_names(&entries, NAMES_LAST, &[]), [] as [String; 0]);
    assert_eq!(broken(&mut sql).await, [], "by their ids, in support::invariants");

    let mut happened = counted(&entries, &left);
    happened.insert("asked again".to_owned(), storm.asked_again.load(Ordering::Relaxed));
    let never: Vec<_> = SOMETIMES.iter().filter(|it| !happened.contains_key(**it)).collect();
    // Whoever has the only writer meets nobody who starts at once.
    assert!(never.is_empty() || app.stack == Stack::Embedded, "never happened: {never:?}; what did: {happened:#?}");
    assert!(happened.get("event TransportComplete").is_some_and(|it| *it > 0), "{happened:#?}");

    let is_write = |it: &Entry| it.command.request(&storm.visitor).build().expect("a request").method() != Method::GET;
    let writes = entries.iter().filter(|it| is_write(it)).count();
    let retries = scraped.value("majestic_retries_total").await;
    let per_thousand = retries * 1_000.0 / f64::from(u32::try_from(writes).expect("a few thousand"));
    assert!(per_thousand < MOST_RETRIES, "of {writes} writes, {per_thousand} in a thousand were tried again");
    assert!(retries > 0.0 || app.stack == Stack::Embedded, "nobody met anybody");
}

impl Storm {
    /// Asks for one thing after the other, until all commands are given.
    async fn client(&self, seed: u64) {
        let mut choice = Choice::seeded(seed);
        let take = |left: usize| left.checked_sub(1);
        while let Ok(number) = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            let command = self.world.next(&mut choice);
            let key = command.is_post().then(|| format!("{seed}-{number}"));
            let mut status = if key.is_some() && choice.one_in(8) {
                let both = tokio::join!(self.ask(&command, key.as_deref()), self.ask(&command, key.as_deref()));
                both.0.max(both.1)
            } else {
                self.ask(&command, key.as_deref()).await
            };
            for _ in 0..REPETITIONS {
                if !matches!(status, 409 | 503) {
                    break;
                }
                self.asked_again.fetch_add(1, Ordering::Relaxed);
                status = self.ask(&command, key.as_deref()).await;
            }
        }
    }

    /// Asks once, notes what was answered, and gives the status.
    async fn ask(&self, command: &Command, key: Option<&str>) -> u16 {
        let mut request = command.request(&self.visitor);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let sent = Instant::now();
        let answer = Answer::to(request).await;
        let entry = Entry::of(command.clone(), key, sent, answer);
        self.world.learn(&entry);
        let status = entry.status.unwrap_or_default();
        self.history.add(entry);
        status
    }
}

/// Waits for all clients, and gives the age of the oldest transaction that was seen meanwhile. `SQLite` shows none.
async fn watched(mut clients: JoinSet<()>, sql: &mut Sql) -> Duration {
    let ages = "SELECT CAST(COALESCE(MAX(open.timer_wait DIV 1000000000), 0) AS CHAR) AS line \
        FROM performance_schema.events_transactions_current open \
        JOIN performance_schema.threads session ON session.thread_id = open.thread_id \
        WHERE open.state = 'ACTIVE' AND session.processlist_db = DATABASE()";
    let mut oldest = Duration::ZERO;
    let mut looks = interval(LOOK);
    loop {
        tokio::select! {
            done = clients.join_next() => match done {
                Some(client) => client.expect("no client panics"),
                None => return oldest,
            },
            _ = looks.tick(), if matches!(sql, Sql::MySql(_)) => {
                let age = sql.lines(ages).await.expect("MySQL tells of transactions").remove(0);
                oldest = oldest.max(Duration::from_millis(age.parse().expect("a number")));
            }
        }
    }
}

/// How often each thing happened.
fn counted(entries: &[Entry], left: &Left) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut count = |what: String| *counts.entry(what).or_insert(0) += 1;
    for entry in entries {
        let status = entry.status.unwrap_or_default();
        count(format!("status {status}"));
        if status >= 400 {
            count(entry.code.clone());
        }
        match entry.command {
            Command::RenameBatch { .. } if status == 200 => count("renamed".to_owned()),
            Command::Replan { driver: Some(_), .. } if status == 200 => count("driven by somebody else".to_owned()),
            _ => {}
        }
        if entry.is_replayed {
            count("replayed".to_owned());
        }
    }
    for event in &left.events {
        count(format!("event {}", event.name));
    }
    counts
}
