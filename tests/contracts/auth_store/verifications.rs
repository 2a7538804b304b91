//! What is promised of numbers that are being proved.

use auth_domain::testing::{a_challenge, a_phone_number, an_account, hash_of, noon};
use auth_domain::*;
use chrono::TimeDelta;
use kernel_domain::StoreError;
use tokio::task::JoinSet;

use super::{confirm, later, request, until_somebody_waits, verification};
use crate::databases::TestDatabase;
use crate::events::waiting;

crate::every_database_promises![
    a_challenge_comes_back_as_it_was_kept_in_every_state,
    the_right_token_confirms_once_however_many_show_it,
    of_many_first_requests_one_is_kept,
    who_waited_for_a_number_does_not_confirm_a_token_that_is_void,
    everything_about_a_number_can_be_forgotten,
];

async fn a_challenge_comes_back_as_it_was_kept_in_every_state(database: TestDatabase) {
    let number = a_phone_number();
    assert_eq!(verification(&database, &number).await, PhoneVerification::of(number.clone(), vec![]));
    let at = noon() + TimeDelta::microseconds(123_456);
    let states = [
        ChallengeState::Confirmed { at },
        ChallengeState::Spent { at },
        ChallengeState::Failed { at },
        ChallengeState::Open,
        ChallengeState::Open,
        ChallengeState::Open,
    ];
    let mut kept = Vec::new();
    for (day, state) in (0..).zip(states) {
        let requested = later(day * 24 * 60);
        let purpose = if day % 2 == 0 { Purpose::SignIn } else { Purpose::SignUp };
        let account_id = (day % 2 == 0).then(an_account);
        assert!(
            request(&database, &number, NewChallenge { account_id, ..a_challenge(purpose) }, requested).await.unwrap()
        );
        let mut work = database.auth_store().begin().await.unwrap();
        let found = work.verifications().find(&number).await.unwrap();
        let changed = Challenge { state, wrong_tries: 3, failures_before: 7, ..found.newest().unwrap().clone() };
        work.verifications().save(&PhoneVerification::of(number.clone(), vec![changed.clone()])).await.unwrap();
        work.commit().await.unwrap();
        kept.insert(0, changed);
    }

    kept.truncate(PhoneVerification::REQUESTS);
    assert_eq!(kept[0].sequence, 6);
    assert_eq!(verification(&database, &number).await, PhoneVerification::of(number, kept));
}

async fn the_right_token_confirms_once_however_many_show_it(database: TestDatabase) {
    let number = a_phone_number();
    request(&database, &number, a_challenge(Purpose::SignIn), noon()).await.unwrap();
    let mut tries = JoinSet::new();

    for _ in 0..200 {
        let (database, number) = ((*database).clone(), number.clone());
        tries.spawn(async move { confirm(&database, &number).await });
    }

    let right = tries.join_all().await.into_iter().filter(|it| matches!(it, Ok(Ok(Comparison::Right))));
    assert_eq!(right.count(), 1);
}

async fn of_many_first_requests_one_is_kept(database: TestDatabase) {
    let number = a_phone_number();
    let mut requests = JoinSet::new();
    for _ in 0..50 {
        let (database, number) = ((*database).clone(), number.clone());
        requests.spawn(async move { request(&database, &number, a_challenge(Purpose::SignIn), noon()).await });
    }
    let mut sent = 0;
    for requested in requests.join_all().await {
        match requested {
            Ok(was_sent) => sent += usize::from(was_sent),
            Err(StoreError::Conflict(_) | StoreError::Contended(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    while request(&database, &number, a_challenge(Purpose::SignIn), noon()).await.unwrap() {
        sent += 1;
    }

    assert_eq!(sent, PhoneVerification::REQUESTS, "five in a day, and no more");
    assert_eq!(waiting(&database).await.len(), sent, "each was sent once");
    assert_eq!(verification(&database, &number).await.newest().map(|it| it.sequence), Some(5));
}

async fn who_waited_for_a_number_does_not_confirm_a_token_that_is_void(database: TestDatabase) {
    let number = a_phone_number();
    request(&database, &number, a_challenge(Purpose::SignIn), noon()).await.unwrap();
    let other = NewChallenge { token_hash: hash_of("654321"), ..a_challenge(Purpose::SignIn) };

    let mut work = database.auth_store().begin().await.unwrap();
    let mut found = work.verifications().find(&number).await.unwrap();
    let waiting = tokio::spawn({
        let (database, number) = ((*database).clone(), number.clone());
        async move { confirm(&database, &number).await }
    });
    until_somebody_waits(&database).await;
    found.request(other, ShownBy::Anybody, noon()).unwrap();
    work.verifications().save(&found).await.unwrap();
    work.commit().await.unwrap();

    match waiting.await.unwrap() {
        Ok(comparison) => assert_eq!(comparison, Ok(Comparison::Wrong)),
        Err(error) => assert!(matches!(error, StoreError::Conflict(_)), "{error:?}"),
    }
}

async fn everything_about_a_number_can_be_forgotten(database: TestDatabase) {
    let (account, number, other) = (an_account(), a_phone_number(), a_phone_number());
    let ask = async |number, account_id, minutes| {
        let new = NewChallenge { account_id, ..a_challenge(Purpose::SignIn) };
        request(&database, number, new, later(minutes)).await.unwrap();
    };
    for (number, account_id) in [(&number, None), (&number, Some(account)), (&other, Some(an_account()))] {
        ask(number, account_id, 0).await;
    }
    let forget = async |account, minutes| {
        let mut work = database.auth_store().begin().await.unwrap();
        work.verifications().forget(account, later(minutes)).await.unwrap();
        work.commit().await.unwrap();
    };

    forget(an_account(), 1).await;
    forget(account, 0).await;

    assert_eq!(verification(&database, &number).await.newest(), None);
    assert!(verification(&database, &other).await.newest().is_some());

    ask(&number, Some(account), 1).await;
    ask(&number, None, 3).await;
    forget(account, 2).await;
    forget(account, 2).await;
    let left = verification(&database, &number).await;
    assert_eq!(left.newest().map(|it| it.requested_at), Some(later(3)), "the next owner's");
}
