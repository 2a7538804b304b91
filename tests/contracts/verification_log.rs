//! What the log of verifications promises: it is forgotten in the end, and with it nothing that still counts.

use auth_domain::testing::{a_challenge, a_phone_number};
use auth_domain::{Challenge, ChallengeState, PhoneNumber, PhoneVerification, Purpose};
use chrono::{DateTime, Utc};
use kernel_domain::StoreError;
use persistence_adapter::{Database, Settings};

use crate::auth_store::{request, verification};
use crate::databases::TestDatabase;
use crate::deliveries::later;

crate::every_database_promises![
    old_challenges_are_removed_some_at_a_time,
    wrong_tokens_since_the_last_right_one_are_remembered,
    a_number_whose_log_is_gone_begins_anew,
    two_instances_remove_each_challenge_once,
];

async fn purge(database: &Database, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    let mut work = database.auth_store().begin().await?;
    let removed = work.verifications().purge(before, limit).await?;
    work.commit().await?;
    Ok(removed)
}

async fn ask(database: &Database, number: &PhoneNumber, at: i64) {
    assert!(request(database, number, a_challenge(Purpose::SignIn), later(at)).await.unwrap());
}

async fn old_challenges_are_removed_some_at_a_time(database: TestDatabase) {
    let (number, other) = (a_phone_number(), a_phone_number());
    for at in 0..3 {
        ask(&database, &number, at).await;
    }
    ask(&database, &other, 100).await;

    assert_eq!(purge(&database, later(0), 10).await.unwrap(), 0);
    assert_eq!(purge(&database, later(3), 2).await.unwrap(), 2);
    assert_eq!(verification(&database, &number).await.newest().map(|it| it.sequence), Some(3), "the oldest go first");
    assert_eq!(purge(&database, later(3), 2).await.unwrap(), 1);
    assert_eq!(verification(&database, &number).await.newest(), None);
    assert!(verification(&database, &other).await.newest().is_some());
}

/// Keeps the newest challenge of a number as if it had been shown so many wrong tokens.
async fn with_failures(database: &Database, number: &PhoneNumber, state: ChallengeState) {
    let mut work = database.auth_store().begin().await.unwrap();
    let found = work.verifications().find(number).await.unwrap();
    let newest = found.newest().unwrap().clone();
    let changed = Challenge { wrong_tries: 5, failures_before: PhoneVerification::FAILURES, state, ..newest };
    work.verifications().save(&PhoneVerification::of(number.clone(), vec![changed])).await.unwrap();
    work.commit().await.unwrap();
}

/// Else a number that was stopped would be believed again after a while.
async fn wrong_tokens_since_the_last_right_one_are_remembered(database: TestDatabase) {
    let (stopped, proved) = (a_phone_number(), a_phone_number());
    for number in [&stopped, &proved] {
        ask(&database, number, 0).await;
        ask(&database, number, 1).await;
    }
    with_failures(&database, &stopped, ChallengeState::Failed { at: later(2) }).await;
    with_failures(&database, &proved, ChallengeState::Confirmed { at: later(2) }).await;

    assert_eq!(purge(&database, later(100), 10).await.unwrap(), 3);

    assert_eq!(verification(&database, &proved).await.newest(), None);
    let left = verification(&database, &stopped).await;
    assert_eq!(left.newest().map(|it| it.failures_before), Some(PhoneVerification::FAILURES));
    assert!(left.newest().is_some_and(|it| it.sequence == 2));
}

async fn a_number_whose_log_is_gone_begins_anew(database: TestDatabase) {
    let number = a_phone_number();
    ask(&database, &number, 0).await;
    purge(&database, later(1), 10).await.unwrap();

    ask(&database, &number, 2).await;

    assert_eq!(verification(&database, &number).await.newest().map(|it| it.sequence), Some(1));
}

async fn two_instances_remove_each_challenge_once(database: TestDatabase) {
    let young = a_phone_number();
    for _ in 0..20 {
        ask(&database, &a_phone_number(), 0).await;
    }
    ask(&database, &young, 100).await;
    let others = database.reopened(&Settings::default());

    let (one, other) = tokio::join!(purge(&database, later(1), 15), purge(&others, later(1), 15));

    let removed: u64 = [one, other].into_iter().map(Result::unwrap_or_default).sum();
    let rest = purge(&database, later(1), 100).await.unwrap();
    assert_eq!(removed + rest, 20);
    assert!(verification(&database, &young).await.newest().is_some());
}
