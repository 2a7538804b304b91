//! What is promised of API keys.

use auth_domain::testing::{a_new_api_key, an_account, noon};
use auth_domain::*;
use chrono::{DateTime, TimeDelta, Utc};
use kernel_application::{PageNumber, PageRequest};
use kernel_domain::StoreError;

use super::later;
use crate::databases::TestDatabase;

crate::every_database_promises![
    an_api_key_comes_back_as_it_was_kept,
    a_taken_prefix_is_named,
    uses_of_api_keys_are_noted_and_move_forwards_only,
    api_keys_are_listed_newest_first_without_those_revoked,
];

async fn add_key(database: &TestDatabase, key: &ApiKey) -> Result<(), StoreError> {
    let mut work = database.auth_store().begin().await?;
    work.api_keys().add(key).await?;
    work.commit().await
}

fn a_key(new: NewApiKey) -> ApiKey {
    ApiKey::create(new, noon()).unwrap()
}

async fn an_api_key_comes_back_as_it_was_kept(database: TestDatabase) {
    let full = ApiKey::from(ApiKeySnapshot {
        scopes: Scope::ALL.into(),
        created_by: Some(an_account()),
        expires_at: Some(later(60)),
        last_used_at: Some(later(1)),
        ..a_key(a_new_api_key()).snapshot()
    });
    for mut key in [full, a_key(a_new_api_key())] {
        add_key(&database, &key).await.unwrap();
        key.revoke(later(2));
        let mut work = database.auth_store().begin().await.unwrap();
        let mut found = work.api_keys().find(key.id()).await.unwrap().unwrap();
        found.revoke(later(2));
        work.api_keys().save(&found).await.unwrap();
        work.commit().await.unwrap();
        let prefix = key.snapshot().prefix;
        let before = database.statements();

        assert_eq!(database.auth_queries().api_key(&prefix).await.unwrap(), Some(key));
        assert_eq!(database.statements() - before, 1);
        for unlike in [format!("{prefix} "), prefix.to_uppercase(), String::new()] {
            assert_eq!(database.auth_queries().api_key(&unlike).await.unwrap(), None, "{unlike:?}");
        }
    }
    let unknown = a_new_api_key().id;
    assert_eq!(database.auth_store().begin().await.unwrap().api_keys().find(unknown).await.unwrap(), None);
}

async fn a_taken_prefix_is_named(database: TestDatabase) {
    let first = a_new_api_key();
    let prefix = first.prefix.clone();
    add_key(&database, &a_key(first)).await.unwrap();

    let refusal = add_key(&database, &a_key(NewApiKey { prefix, ..a_new_api_key() })).await;

    assert!(matches!(refusal, Err(StoreError::Duplicate { key: "prefix" })), "{refusal:?}");
}

async fn uses_of_api_keys_are_noted_and_move_forwards_only(database: TestDatabase) {
    let keys = [(); 3].map(|()| a_key(a_new_api_key()));
    for key in &keys {
        add_key(&database, key).await.unwrap();
    }
    let used = async |uses: &[(ApiKeyId, DateTime<Utc>)]| {
        let mut work = database.auth_store().begin().await.unwrap();
        let before = database.statements();
        work.api_keys().used(uses).await.unwrap();
        let statements = database.statements() - before;
        work.commit().await.unwrap();
        statements
    };
    let last_uses = async || {
        let mut noted = Vec::new();
        for key in &keys {
            let key = database.auth_queries().api_key(&key.snapshot().prefix).await.unwrap().unwrap();
            noted.push(key.snapshot().last_used_at);
        }
        noted
    };
    let [first, second, _] = keys.each_ref().map(ApiKey::id);
    let fraction = noon() + TimeDelta::microseconds(123_456);

    assert_eq!(used(&[(first, later(5)), (a_new_api_key().id, later(5)), (second, fraction)]).await, 1);
    assert_eq!(last_uses().await, [Some(later(5)), Some(fraction), None]);
    used(&[(first, later(4)), (second, later(6)), (second, later(2))]).await;
    assert_eq!(last_uses().await, [Some(later(5)), Some(later(6)), None]);
    assert_eq!(used(&[]).await, 0);
    let many: Vec<_> = (0..350).map(|_| (a_new_api_key().id, noon())).chain([(first, later(7))]).collect();
    assert_eq!(used(&many).await, 4, "a statement notes a hundred");
    assert_eq!(last_uses().await[0], Some(later(7)));
}

async fn api_keys_are_listed_newest_first_without_those_revoked(database: TestDatabase) {
    let mut keys = Vec::new();
    for minutes in [2, 1, 3] {
        keys.push(ApiKey::create(a_new_api_key(), later(minutes)).unwrap());
        add_key(&database, &keys[keys.len() - 1]).await.unwrap();
    }
    let mut revoked = a_key(a_new_api_key());
    revoked.revoke(noon());
    add_key(&database, &revoked).await.unwrap();

    let page = database.auth_queries().api_keys(PageRequest::default()).await.unwrap().unwrap();

    let ids: Vec<_> = page.entries.iter().map(|it| it.id).collect();
    assert_eq!((page.count(), ids), (Some(3), vec![keys[2].id(), keys[0].id(), keys[1].id()]));
    assert_eq!(page.entries[0].scopes, Scope::usual().into_iter().collect::<Vec<_>>());
    let past = PageRequest::new(PageNumber::Number(2), 3).unwrap();
    assert_eq!(database.auth_queries().api_keys(past).await.unwrap(), None);
}
