//! What a subscriber in the process is promised: an event that comes again has its effect once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use events_adapter::OncePublisher;
use kernel_application::testing::Noon;
use kernel_application::{EventHandler, Publisher, StoredEvent, Turn, Undelivered};
use kernel_domain::EventId;
use persistence_adapter::{BUS, Settings};
use shipping_domain::Item;
use uuid::Uuid;

use crate::databases::TestDatabase;
use crate::deliveries::{announce, kept_items, later};
use crate::events::waiting;

crate::every_database_promises![
    an_event_is_handled_once,
    each_subscriber_has_a_memory_of_its_own,
    of_many_who_take_at_once_one_gets_it,
    what_is_given_back_can_be_taken_again,
    whoever_died_over_it_holds_it_for_no_longer_than_they_said,
    what_was_handled_long_ago_is_forgotten_some_at_a_time,
    two_instances_forget_each_event_once,
    a_message_that_comes_three_times_in_any_order_has_its_effect_once,
    a_handler_that_fails_is_asked_again,
];

const SLACK: &str = "slack";

fn an_event(id: u128) -> EventId {
    EventId::new(Uuid::from_u128(id))
}

async fn take(database: &TestDatabase, subscriber: &str, event: EventId, at: i64) -> Turn {
    database.handled_events().take(subscriber, event, later(at), later(at + 30)).await.unwrap()
}

async fn an_event_is_handled_once(database: TestDatabase) {
    assert_eq!(take(&database, SLACK, an_event(1), 0).await, Turn::Mine);
    assert_eq!(take(&database, SLACK, an_event(1), 29).await, Turn::Elsewhere);
    database.handled_events().remember(SLACK, an_event(1), later(29)).await.unwrap();

    assert_eq!(take(&database, SLACK, an_event(1), 29).await, Turn::Over);
    assert_eq!(take(&database, SLACK, an_event(1), 3600).await, Turn::Over);
    assert_eq!(take(&database, SLACK, an_event(2), 0).await, Turn::Mine);
}

async fn each_subscriber_has_a_memory_of_its_own(database: TestDatabase) {
    assert_eq!(take(&database, SLACK, an_event(1), 0).await, Turn::Mine);
    assert_eq!(take(&database, "mail", an_event(1), 0).await, Turn::Mine);
}

async fn of_many_who_take_at_once_one_gets_it(database: TestDatabase) {
    let patient = Settings { patience: std::time::Duration::from_secs(30), ..Settings::default() };
    let instances = [database.reopened(&patient), database.reopened(&patient)];
    let mut taking = tokio::task::JoinSet::new();
    for at in 0..20 {
        let handled = instances[at % 2].handled_events();
        taking.spawn(async move { handled.take(SLACK, an_event(1), later(0), later(30)).await });
    }

    let turns: Vec<_> = taking.join_all().await.into_iter().map(Result::unwrap).collect();

    assert_eq!(turns.iter().filter(|it| **it == Turn::Mine).count(), 1, "{turns:?}");
    assert!(turns.iter().all(|it| *it != Turn::Over), "{turns:?}");
}

async fn what_is_given_back_can_be_taken_again(database: TestDatabase) {
    take(&database, SLACK, an_event(1), 0).await;
    database.handled_events().give_back(SLACK, an_event(1)).await.unwrap();
    assert_eq!(take(&database, SLACK, an_event(1), 0).await, Turn::Mine);

    database.handled_events().remember(SLACK, an_event(1), later(0)).await.unwrap();
    database.handled_events().give_back(SLACK, an_event(1)).await.unwrap();
    assert_eq!(take(&database, SLACK, an_event(1), 0).await, Turn::Over, "what was handled is not given back");
}

async fn whoever_died_over_it_holds_it_for_no_longer_than_they_said(database: TestDatabase) {
    take(&database, SLACK, an_event(1), 0).await;

    assert_eq!(take(&database, SLACK, an_event(1), 30).await, Turn::Mine);
    assert_eq!(take(&database, SLACK, an_event(1), 30).await, Turn::Elsewhere);
}

async fn remembered(database: &TestDatabase, events: u128) {
    for id in 0..events {
        let subscriber = if id % 2 == 0 { SLACK } else { "mail" };
        take(database, subscriber, an_event(id), 0).await;
        database.handled_events().remember(subscriber, an_event(id), later(0)).await.unwrap();
    }
}

async fn what_was_handled_long_ago_is_forgotten_some_at_a_time(database: TestDatabase) {
    remembered(&database, 5).await;
    take(&database, SLACK, an_event(100), 3600).await;
    let handled = database.handled_events();

    assert_eq!(handled.forget_handled(later(30), 100).await.unwrap(), 0);
    assert_eq!(handled.forget_handled(later(31), 2).await.unwrap(), 2);
    assert_eq!(handled.forget_handled(later(31), 100).await.unwrap(), 3);
    assert_eq!(take(&database, SLACK, an_event(100), 3600).await, Turn::Elsewhere);
    assert_eq!(take(&database, SLACK, an_event(0), 3600).await, Turn::Mine, "it is new again");
}

async fn two_instances_forget_each_event_once(database: TestDatabase) {
    remembered(&database, 30).await;
    take(&database, SLACK, an_event(100), 3600).await;
    let others = database.reopened(&Settings::default());

    let (one, other) = tokio::join!(async { database.handled_events().forget_handled(later(31), 100).await }, async {
        others.handled_events().forget_handled(later(31), 100).await
    },);

    let forgotten: u64 = [one, other].into_iter().map(Result::unwrap_or_default).sum();
    let rest = database.handled_events().forget_handled(later(31), 100).await.unwrap();
    assert_eq!(forgotten + rest, 30);
    assert_eq!(take(&database, SLACK, an_event(100), 3600).await, Turn::Elsewhere);
}

/// Counts what it is asked to do, and fails as often as it is told to.
#[derive(Default)]
struct Counts {
    effects: AtomicUsize,
    failures: AtomicUsize,
}

#[async_trait]
impl EventHandler for Counts {
    fn wants(&self, _: &StoredEvent) -> bool {
        true
    }

    async fn handle(&self, _: &StoredEvent) -> Result<(), Undelivered> {
        let fails = self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if fails.is_ok() {
            return Err(Undelivered::Unreachable("not now".into()));
        }
        self.effects.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn publisher(database: &TestDatabase, handler: &Arc<Counts>) -> OncePublisher {
    OncePublisher {
        subscriber: BUS,
        handled: database.handled_events(),
        handler: handler.clone(),
        clock: Arc::new(Noon),
    }
}

async fn messages(database: &TestDatabase) -> Vec<StoredEvent> {
    let items: [Item; 12] = kept_items(database).await;
    for item in &items {
        announce(database, item, 1).await;
    }
    waiting(database).await.into_iter().map(|it| it.event).collect()
}

async fn a_message_that_comes_three_times_in_any_order_has_its_effect_once(database: TestDatabase) {
    let messages = messages(&database).await;
    let handler = Arc::new(Counts::default());
    // Multiples of five, seven and eleven run through all twelve, each in another order.
    let shuffled = [5, 7, 11].iter().flat_map(|step| (0..12).map(move |at| at * step % 12));

    for at in shuffled {
        let fates = publisher(&database, &handler).publish(&messages[at..=at]).await;
        assert!(fates[0].is_ok(), "{fates:?}");
    }

    assert_eq!(handler.effects.load(Ordering::Relaxed), 12);
}

async fn a_handler_that_fails_is_asked_again(database: TestDatabase) {
    let messages = messages(&database).await;
    let handler = Arc::new(Counts { failures: AtomicUsize::new(1), ..Counts::default() });

    let failed = publisher(&database, &handler).publish(&messages[..1]).await;
    let arrived = publisher(&database, &handler).publish(&messages[..1]).await;

    assert!(matches!(failed[0], Err(Undelivered::Unreachable(_))), "{failed:?}");
    assert!(arrived[0].is_ok(), "{arrived:?}");
    assert_eq!(handler.effects.load(Ordering::Relaxed), 1);
}
