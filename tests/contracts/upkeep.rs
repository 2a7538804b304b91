//! What is deleted on every instance, at the same time: each row once, and no other.

use auth_domain::testing::a_session;
use auth_domain::{Session, SessionSnapshot};
use chrono::{DateTime, TimeDelta, Utc};
use kernel_application::{KeptAnswer, Once, RequestKey};
use kernel_domain::StoreError;
use persistence_adapter::{Database, Settings};
use shipping_domain::testing::noon;

use crate::databases::TestDatabase;

crate::every_database_promises![two_instances_delete_each_session_once, two_instances_forget_each_answer_once];

fn later(minutes: i64) -> DateTime<Utc> {
    noon() + TimeDelta::minutes(minutes)
}

async fn purge(database: &Database, expired_by: DateTime<Utc>) -> Result<u64, StoreError> {
    let mut work = database.auth_store().begin().await?;
    let removed = work.sessions().purge(expired_by, noon(), 30).await?;
    work.commit().await?;
    Ok(removed)
}

async fn two_instances_delete_each_session_once(database: TestDatabase) {
    let mut work = database.auth_store().begin().await.unwrap();
    for at in 0..45 {
        let expires_at = later(if at < 40 { 1 } else { 60 });
        work.sessions().add(&Session::from(SessionSnapshot { expires_at, ..a_session().snapshot() })).await.unwrap();
    }
    work.commit().await.unwrap();
    let others = database.reopened(&Settings::default());

    let (one, other) = tokio::join!(purge(&database, later(2)), purge(&others, later(2)));

    // One of them may have waited for the other in vain; what it did not do is left for the next time.
    let removed: u64 = [one, other].into_iter().map(Result::unwrap_or_default).sum();
    let mut rest = 0;
    for _ in 0..2 {
        rest += purge(&database, later(2)).await.unwrap();
    }
    assert_eq!(removed + rest, 40);
    assert_eq!(purge(&database, later(61)).await.unwrap(), 5, "the others were still there");
}

async fn answer(database: &Database, key: usize, at: DateTime<Utc>) -> Once {
    let request = RequestKey { scope: "somebody".to_owned(), key: key.to_string() };
    let work = Box::pin(async { Some(KeptAnswer(vec![1])) });
    database.idempotency().once(request, [1; 32], at, work).await.unwrap()
}

async fn two_instances_forget_each_answer_once(database: TestDatabase) {
    for key in 0..40 {
        assert!(matches!(answer(&database, key, later(0)).await, Once::Done));
    }
    assert!(matches!(answer(&database, 100, later(5)).await, Once::Done));
    let others = database.reopened(&Settings::default());

    let (one, other) = tokio::join!(async { database.idempotency().forget(later(1), 30).await }, async {
        others.idempotency().forget(later(1), 30).await
    },);

    let forgotten: u64 = [one, other].into_iter().map(Result::unwrap_or_default).sum();
    let rest = database.idempotency().forget(later(1), 100).await.unwrap();
    assert_eq!(forgotten + rest, 40);
    assert!(matches!(answer(&database, 100, later(6)).await, Once::Before(_)), "the young one is still there");
}
