//! What whoever looks after events is promised: dead letters are seen, and decided about beside running relays; what was
//! delivered is forgotten in the end.

use auth_domain::Purpose;
use auth_domain::testing::{a_challenge, a_phone_number};
use kernel_application::{DeadLetter, DeliveryOutcome};
use persistence_adapter::{BUS, Backlog, Settings};
use shipping_domain::Item;

use crate::auth_store::request;
use crate::databases::TestDatabase;
use crate::deliveries::{ONE, OTHER, announce, announce_at, claim, kept_items, later, settle, versions};

crate::every_database_promises![
    a_dead_letter_tells_what_it_is_and_who_waits,
    what_is_confidential_stays_sealed_in_a_list,
    letters_are_listed_page_by_page,
    a_replayed_letter_comes_again_and_its_aggregate_follows_in_order,
    a_dropped_letter_frees_its_aggregate,
    only_what_is_parked_can_be_replayed_or_dropped,
    what_waits_how_long_and_what_is_parked_is_counted,
    a_decision_is_about_the_subscriber_that_is_named,
    delivered_events_are_forgotten_once_they_are_old,
    events_that_are_not_delivered_are_never_forgotten,
    two_who_forget_at_once_forget_each_event_once,
];

/// Parks the first event of an item that waits, and gives the rest of the claim back.
async fn park_first(database: &TestDatabase) {
    let claimed = claim(database, ONE, later(0)).await;
    let parked = DeliveryOutcome::Parked { reason: format!("it is refused {}", "아".repeat(200)) };
    let outcomes = std::iter::once(parked).chain(std::iter::repeat(DeliveryOutcome::Released));
    settle(database, ONE, &claimed.into_iter().zip(outcomes).collect::<Vec<_>>()).await;
}

async fn letters(database: &TestDatabase) -> Vec<DeadLetter> {
    database.settled_events().dead_letters(0, 100).await.unwrap()
}

async fn deliver_all(database: &TestDatabase) {
    let claimed = claim(database, ONE, later(0)).await;
    let settled: Vec<_> = claimed.into_iter().map(|it| (it, DeliveryOutcome::Delivered)).collect();
    settle(database, ONE, &settled).await;
}

async fn a_dead_letter_tells_what_it_is_and_who_waits(database: TestDatabase) {
    let [item] = kept_items(&database).await;
    announce(&database, &item, 3).await;
    park_first(&database).await;

    let found = letters(&database).await;

    assert_eq!(found.len(), 1);
    let letter = &found[0];
    assert_eq!((letter.subscriber.as_str(), letter.name.as_str()), (BUS, "ItemAddedToBatch"));
    assert_eq!((letter.context.as_str(), letter.aggregate_kind.as_str()), ("shipping", "item"));
    assert_eq!((letter.aggregate_id, letter.aggregate_version), (item.id().as_uuid(), 2));
    assert_eq!((letter.attempts, letter.waiting), (1, 2));
    let reason = letter.reason.as_deref().unwrap_or_default();
    assert!(reason.starts_with("it is refused 아"), "{reason}");
    assert_eq!(reason.chars().count(), 200, "no more than its beginning is kept");
    let data = letter.data.as_ref().expect("it is no secret");
    assert!(data.contains(&("item_tracking_number".to_owned(), item.tracking_number().to_string())), "{data:?}");
}

async fn what_is_confidential_stays_sealed_in_a_list(database: TestDatabase) {
    let number = a_phone_number();
    assert!(request(&database, &number, a_challenge(Purpose::SignIn), later(0)).await.unwrap());
    park_first(&database).await;

    let found = letters(&database).await;

    assert_eq!((found.len(), found[0].name.as_str(), &found[0].data), (1, "verification_attempt", &None));
    assert!(!format!("{found:?}").contains(number.as_str()), "{found:?}");
}

async fn letters_are_listed_page_by_page(database: TestDatabase) {
    let items: [Item; 5] = kept_items(&database).await;
    for item in &items {
        announce(&database, item, 1).await;
        park_first(&database).await;
    }

    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let page = database.settled_events().dead_letters(after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = last.position;
        seen.extend(page.into_iter().map(|it| it.aggregate_id));
    }

    assert_eq!(seen, items.map(|it| it.id().as_uuid()));
}

async fn a_replayed_letter_comes_again_and_its_aggregate_follows_in_order(database: TestDatabase) {
    let [item] = kept_items(&database).await;
    announce(&database, &item, 2).await;
    park_first(&database).await;
    announce(&database, &item, 1).await;
    assert_eq!(claim(&database, OTHER, later(3600)).await, []);

    let event = letters(&database).await[0].event;
    assert_eq!(database.settled_events().replay(event, None).await.unwrap(), 1);

    assert_eq!(letters(&database).await, []);
    let claimed = claim(&database, OTHER, later(3600)).await;
    assert_eq!(versions(&claimed), [2, 3, 4]);
    assert_eq!(claimed[0].attempts, 1, "as if it had never been tried");
    settle(&database, OTHER, &[(claimed[0].clone(), DeliveryOutcome::Parked { reason: "again".to_owned() })]).await;
    assert_eq!(letters(&database).await[0].reason.as_deref(), Some("again"));
}

async fn a_dropped_letter_frees_its_aggregate(database: TestDatabase) {
    let [item] = kept_items(&database).await;
    announce(&database, &item, 3).await;
    park_first(&database).await;

    let event = letters(&database).await[0].event;
    assert_eq!(database.settled_events().drop_letter(event, None).await.unwrap(), 1);

    assert_eq!(letters(&database).await, []);
    assert_eq!(versions(&claim(&database, OTHER, later(0)).await), [3, 4]);
}

async fn only_what_is_parked_can_be_replayed_or_dropped(database: TestDatabase) {
    let [waiting, delivered] = kept_items(&database).await;
    announce(&database, &delivered, 1).await;
    let claimed = claim(&database, ONE, later(0)).await;
    settle(&database, ONE, &[(claimed[0].clone(), DeliveryOutcome::Delivered)]).await;
    announce(&database, &waiting, 1).await;
    let leased = claim(&database, ONE, later(0)).await;

    for event in [claimed[0].event.id, leased[0].event.id] {
        assert_eq!(database.settled_events().replay(event, None).await.unwrap(), 0);
        assert_eq!(database.settled_events().drop_letter(event, None).await.unwrap(), 0);
    }

    assert_eq!(claim(&database, OTHER, later(9)).await, [], "the lease holds");
}

async fn a_decision_is_about_the_subscriber_that_is_named(database: TestDatabase) {
    let [item] = kept_items(&database).await;
    announce(&database, &item, 1).await;
    park_first(&database).await;
    let event = letters(&database).await[0].event;
    let events = database.settled_events();

    assert_eq!(events.replay(event, Some("nobody")).await.unwrap(), 0);
    assert_eq!(events.drop_letter(event, Some("nobody")).await.unwrap(), 0);
    assert_eq!(letters(&database).await.len(), 1);
    assert_eq!(events.drop_letter(event, Some(BUS)).await.unwrap(), 1);
}

async fn delivered_events_are_forgotten_once_they_are_old(database: TestDatabase) {
    let items: [Item; 5] = kept_items(&database).await;
    for item in &items {
        announce(&database, item, 1).await;
    }
    deliver_all(&database).await;
    let events = database.settled_events();

    assert_eq!(events.forget_delivered(later(0), 100).await.unwrap(), 0, "they happened then, not before");
    assert_eq!(events.forget_delivered(later(1), 2).await.unwrap(), 2, "no more than asked for");
    assert_eq!(events.forget_delivered(later(1), 100).await.unwrap(), 3);
    assert_eq!(events.forget_delivered(later(1), 100).await.unwrap(), 0);
}

async fn events_that_are_not_delivered_are_never_forgotten(database: TestDatabase) {
    let [parked, open] = kept_items(&database).await;
    announce(&database, &parked, 2).await;
    park_first(&database).await;
    announce(&database, &open, 1).await;

    assert_eq!(database.settled_events().forget_delivered(later(3600), 100).await.unwrap(), 0);

    assert_eq!(letters(&database).await[0].waiting, 1);
    assert_eq!(claim(&database, OTHER, later(0)).await.len(), 1);
}

async fn two_who_forget_at_once_forget_each_event_once(database: TestDatabase) {
    let [item, young] = kept_items(&database).await;
    announce(&database, &item, 60).await;
    deliver_all(&database).await;
    announce(&database, &young, 1).await;
    let others = database.reopened(&Settings::default());
    let events = [database.settled_events(), others.settled_events()];

    let (one, other) = tokio::join!(events[0].forget_delivered(later(1), 40), events[1].forget_delivered(later(1), 40));

    // On MySQL the one may have waited for the other in vain; what it did not do is left for the next time.
    let forgotten: u64 = [one, other].into_iter().map(Result::unwrap_or_default).sum();
    let rest = database.settled_events().forget_delivered(later(1), 100).await.unwrap();
    assert_eq!(forgotten + rest, 60);
    assert_eq!(claim(&database, OTHER, later(0)).await.len(), 1, "the young one is still there");
}

async fn what_waits_how_long_and_what_is_parked_is_counted(database: TestDatabase) {
    let [poisoned, healthy] = kept_items(&database).await;
    announce(&database, &poisoned, 2).await;
    announce_at(later(60), &database, &healthy, 1).await;
    let backlog = |waiting, parked, oldest| [Backlog { subscriber: BUS.to_owned(), waiting, parked, oldest }];
    assert_eq!(database.backlog().await.unwrap(), backlog(3, 0, Some(later(0))));

    park_first(&database).await;
    assert_eq!(database.backlog().await.unwrap(), backlog(2, 1, Some(later(0))));

    deliver_all(&database).await;
    assert_eq!(database.backlog().await.unwrap(), backlog(1, 1, Some(later(0))), "what is behind a letter waits");

    database.settled_events().drop_letter(letters(&database).await[0].event, None).await.unwrap();
    assert_eq!(database.backlog().await.unwrap(), backlog(1, 0, Some(later(0))));
    deliver_all(&database).await;
    assert_eq!(database.backlog().await.unwrap(), backlog(0, 0, None));
    announce_at(later(60), &database, &healthy, 1).await;
    assert_eq!(database.backlog().await.unwrap(), backlog(1, 0, Some(later(60))));
}
