//! What is promised of passwords, and of sessions that are opened with one.

use auth_domain::testing::{a_session, an_account, noon, session_of};
use auth_domain::*;

use super::{keep_password, until_somebody_waits};
use crate::databases::TestDatabase;

crate::every_database_promises![
    a_password_replaces_the_last_one_and_can_be_forgotten,
    a_session_is_opened_with_todays_password_only,
];

async fn a_password_replaces_the_last_one_and_can_be_forgotten(database: TestDatabase) {
    let (account_id, other) = (an_account(), an_account());
    for hash in ["$argon2id$first", "$argon2id$second"] {
        let mut work = database.auth_store().begin().await.unwrap();
        work.credentials().save(&Credential { account_id, password_hash: PasswordHash::new(hash) }).await.unwrap();
        work.commit().await.unwrap();
    }
    let kept = database.auth_queries().password_hash(account_id).await.unwrap();
    assert_eq!(kept, Some(PasswordHash::new("$argon2id$second")));
    assert_eq!(database.auth_queries().password_hash(other).await.unwrap(), None);

    let mut work = database.auth_store().begin().await.unwrap();
    work.credentials().remove(account_id).await.unwrap();
    work.credentials().remove(other).await.expect("there is nothing to forget");
    work.commit().await.unwrap();
    assert_eq!(database.auth_queries().password_hash(account_id).await.unwrap(), None);
}

async fn a_session_is_opened_with_todays_password_only(database: TestDatabase) {
    let (old, new) = (PasswordHash::new("old"), PasswordHash::new("new"));
    let (first, second, third) = (a_session(), a_session(), a_session());
    let store = database.auth_store();
    assert!(!store.open(&first, &old).await.unwrap(), "nobody has a password");
    keep_password(&database, first.account_id(), &new).await;
    keep_password(&database, second.account_id(), &old).await;
    assert!(!store.open(&first, &old).await.unwrap(), "it was changed");
    assert!(!store.open(&third, &old).await.unwrap(), "it is another account's");
    assert_eq!(database.auth_queries().account_of(first.snapshot().refresh_token).await.unwrap(), None);
    assert!(store.open(&first, &new).await.unwrap());

    // Who changes a password while somebody signs in with the old one finds the session, or keeps it from being opened.
    let mut work = store.begin().await.unwrap();
    let changed = Credential { account_id: second.account_id(), password_hash: new.clone() };
    work.credentials().save(&changed).await.unwrap();
    let late = session_of(second.account_id());
    let opening = tokio::spawn({
        let (store, late, old) = (store.clone(), late.clone(), old.clone());
        async move { store.open(&late, &old).await }
    });
    until_somebody_waits(&database).await;
    work.sessions().end_all(second.account_id(), None, noon()).await.unwrap();
    work.commit().await.unwrap();
    assert!(!opening.await.unwrap().unwrap(), "the old password opens nothing any more");
}
