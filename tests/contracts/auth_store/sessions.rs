//! What is promised of sessions and their refresh tokens.

use std::collections::BTreeSet;

use auth_domain::testing::{a_phone_number, a_session, an_account, noon, session_of};
use auth_domain::*;
use chrono::TimeDelta;
use kernel_application::{PageNumber, PageRequest};
use kernel_domain::StoreError;
use persistence_adapter::{Database, Settings};
use tokio::task::JoinSet;

use super::{keep_password, later};
use crate::databases::TestDatabase;

crate::every_database_promises![
    a_session_is_kept_once,
    a_session_comes_back_as_it_was_kept,
    a_refresh_token_that_was_exchanged_is_known_as_spent,
    of_many_who_renew_at_once_one_does,
    all_sessions_of_an_account_end_but_one,
    sessions_of_an_account_end_that_were_opened_by_then,
    sessions_that_go_on_are_listed_those_used_last_first,
    old_sessions_are_removed_with_their_tokens_some_at_a_time,
    what_was_never_found_cannot_be_saved,
];

fn token(number: u8) -> RefreshTokenHash {
    RefreshTokenHash::new([number; 32])
}

async fn add(database: &TestDatabase, sessions: &[&Session]) {
    let mut work = database.auth_store().begin().await.unwrap();
    for session in sessions {
        work.sessions().add(session).await.unwrap();
    }
    work.commit().await.unwrap();
}

async fn by_token(database: &Database, token: RefreshTokenHash) -> Option<FoundSession> {
    database.auth_store().begin().await.unwrap().sessions().by_refresh_token(token).await.unwrap()
}

/// Exchanges a session's token, if it is the one that may be.
async fn renew(database: &Database, shown: RefreshTokenHash, next: RefreshTokenHash) -> Result<bool, StoreError> {
    let mut work = database.auth_store().begin().await?;
    let found = work.sessions().by_refresh_token(shown).await?.expect("it is known");
    let FoundSession::Current(mut session) = found else { return Ok(false) };
    session.renew(next, later(1)).expect("it goes on");
    work.sessions().save(&session).await?;
    work.commit().await?;
    Ok(true)
}

async fn a_session_is_kept_once(database: TestDatabase) {
    let (session, other) = (a_session(), a_session());
    let hash = PasswordHash::new("proved");
    for account_id in [session.account_id(), other.account_id()] {
        keep_password(&database, account_id, &hash).await;
    }
    let before = database.statements();
    assert!(database.auth_store().open(&session, &hash).await.unwrap());
    assert_eq!(database.statements() - before, 1);
    add(&database, &[&other]).await;

    for kept in [session, other] {
        let refusal = database.auth_store().open(&kept, &hash).await;
        assert!(matches!(refusal, Err(StoreError::Conflict(_))), "{refusal:?}");
        let mut work = database.auth_store().begin().await.unwrap();
        let refusal = work.sessions().add(&kept).await;
        assert!(matches!(refusal, Err(StoreError::Conflict(_))), "{refusal:?}");
    }
}

async fn a_session_comes_back_as_it_was_kept(database: TestDatabase) {
    let mut ended = a_session();
    ended.end(noon() + TimeDelta::microseconds(123_456));
    let bare = Session::from(SessionSnapshot { device: Device::default(), ..a_session().snapshot() });
    let wordy = Device::seen(Some(&"브".repeat(300)), Some("2001:db8:85a3:8d3:1319:8a2e:370:7348"));
    let wordy = Session::from(SessionSnapshot { device: wordy, ..a_session().snapshot() });
    for session in [ended, bare, wordy] {
        add(&database, &[&session]).await;

        let mut work = database.auth_store().begin().await.unwrap();
        let found = work.sessions().find(session.account_id(), session.id()).await.unwrap();
        let foreign = work.sessions().find(an_account(), session.id()).await.unwrap();
        drop(work);

        assert_eq!((found.as_ref(), foreign), (Some(&session), None));
        let by_token = by_token(&database, session.snapshot().refresh_token).await;
        assert_eq!(by_token, Some(FoundSession::Current(session)));
    }
}

async fn a_refresh_token_that_was_exchanged_is_known_as_spent(database: TestDatabase) {
    let session = a_session();
    add(&database, &[&session]).await;
    let tokens = [session.snapshot().refresh_token, token(101), token(102)];

    for (shown, next) in tokens.iter().zip(&tokens[1..]) {
        assert!(renew(&database, *shown, *next).await.unwrap());
    }

    for spent in &tokens[..2] {
        let Some(FoundSession::Spent(found)) = by_token(&database, *spent).await else { panic!("it is spent") };
        assert_eq!((found.id(), found.snapshot().refresh_token), (session.id(), tokens[2]));
        assert_eq!(database.auth_queries().account_of(*spent).await.unwrap(), None);
    }
    assert!(matches!(by_token(&database, tokens[2]).await, Some(FoundSession::Current(_))));
    assert_eq!(by_token(&database, token(103)).await, None);
    let counting = database.reopened(&Settings::default());
    assert_eq!(counting.auth_queries().account_of(tokens[2]).await.unwrap(), Some(session.account_id()));
    assert_eq!(counting.statements(), 1);
}

async fn of_many_who_renew_at_once_one_does(database: TestDatabase) {
    let session = a_session();
    add(&database, &[&session]).await;
    let mut renewals = JoinSet::new();

    for number in 0..50 {
        let (database, shown) = ((*database).clone(), session.snapshot().refresh_token);
        renewals.spawn(async move { renew(&database, shown, token(100 + number)).await });
    }

    let renewed = renewals.join_all().await.into_iter().map(|it| it.expect("who comes later waits"));
    assert_eq!(renewed.filter(|it| *it).count(), 1);
}

async fn sessions_of_an_account_end_that_were_opened_by_then(database: TestDatabase) {
    let account = an_account();
    let opened_at = |at| Session::from(SessionSnapshot { opened_at: at, ..session_of(account).snapshot() });
    let [before, then, after] = [later(-1), later(0), later(1)].map(opened_at);
    let mut past = opened_at(later(-2));
    past.end(later(-1));
    add(&database, &[&before, &then, &after, &past, &a_session()]).await;
    let end_opened = async |by, at| {
        let mut work = database.auth_store().begin().await.unwrap();
        let ended = work.sessions().end_opened(account, by, at).await.unwrap();
        work.commit().await.unwrap();
        ended.into_iter().collect::<BTreeSet<_>>()
    };

    assert_eq!(end_opened(later(0), later(5)).await, [before.id(), then.id()].into());
    assert_eq!(end_opened(later(0), later(6)).await, [].into());

    let lately = database.auth_queries().ended_since(later(5)).await.unwrap();
    let expected = BTreeSet::from([(before.id(), later(5)), (then.id(), later(5))]);
    assert_eq!(lately.into_iter().collect::<BTreeSet<_>>(), expected);
    let mut work = database.auth_store().begin().await.unwrap();
    let left = work.sessions().find(account, after.id()).await.unwrap().expect("it is there");
    assert_eq!(left.snapshot().ended_at, None, "who came later stays");
}

async fn all_sessions_of_an_account_end_but_one(database: TestDatabase) {
    let account = an_account();
    let [mine, other, third] = [(); 3].map(|()| session_of(account));
    let foreign = a_session();
    let mut past = session_of(account);
    past.end(later(-10));
    add(&database, &[&mine, &other, &third, &foreign, &past]).await;
    let end_all = async |but, at| {
        let mut work = database.auth_store().begin().await.unwrap();
        let ended = work.sessions().end_all(account, but, at).await.unwrap();
        work.commit().await.unwrap();
        ended.into_iter().collect::<BTreeSet<_>>()
    };

    assert_eq!(end_all(Some(mine.id()), later(0)).await, [other.id(), third.id()].into());
    assert_eq!(end_all(None, later(5)).await, [mine.id()].into());
    assert_eq!(end_all(None, later(6)).await, [].into());

    let mut lately = database.auth_queries().ended_since(later(0)).await.unwrap();
    lately.sort_unstable();
    let mut expected = vec![(mine.id(), later(5)), (other.id(), later(0)), (third.id(), later(0))];
    expected.sort_unstable();
    assert_eq!(lately, expected);
    assert!(
        matches!(by_token(&database, foreign.snapshot().refresh_token).await, Some(FoundSession::Current(it)) if it == foreign)
    );
}

async fn sessions_that_go_on_are_listed_those_used_last_first(database: TestDatabase) {
    let account = an_account();
    let used = |minutes| {
        let session = session_of(account).snapshot();
        Session::from(SessionSnapshot { last_used_at: later(minutes), ..session })
    };
    let sessions = [used(2), used(7), used(2)];
    let mut ended = used(8);
    ended.end(later(9));
    let expired = Session::from(SessionSnapshot { expires_at: later(30), ..used(9).snapshot() });
    add(&database, &[&sessions[0], &sessions[1], &sessions[2], &ended, &expired, &a_session()]).await;
    let (queries, before) = (database.auth_queries(), database.statements());

    let page = queries.sessions(account, later(30), PageRequest::default()).await.unwrap().unwrap();

    assert_eq!(database.statements() - before, 1);
    let ids: Vec<_> = page.entries.iter().map(|it| it.id).collect();
    assert_eq!((page.count(), ids), (Some(3), vec![sessions[1].id(), sessions[2].id(), sessions[0].id()]));
    assert_eq!((page.entries[0].user_agent.as_deref(), page.entries[0].last_used_at), (Some("tests"), later(7)));
    let past = PageRequest::new(PageNumber::Number(2), 3).unwrap();
    assert_eq!(queries.sessions(account, later(30), past).await.unwrap(), None);
    assert_eq!(queries.sessions(account, later(29), past).await.unwrap().map(|it| it.entries.len()), Some(1));
}

async fn old_sessions_are_removed_with_their_tokens_some_at_a_time(database: TestDatabase) {
    let until = |minutes| Session::from(SessionSnapshot { expires_at: later(minutes), ..a_session().snapshot() });
    let (expired, live) = ([until(1), until(2), until(3)], until(60));
    let mut ended = [until(50), until(51)];
    ended[0].end(later(4));
    ended[1].end(later(6));
    add(&database, &[&expired[0], &expired[1], &expired[2], &ended[0], &ended[1], &live]).await;
    let spent = live.snapshot().refresh_token;
    renew(&database, spent, token(104)).await.unwrap();
    let purge = async |expired_by, ended_by, limit| {
        let mut work = database.auth_store().begin().await.unwrap();
        let removed = work.sessions().purge(expired_by, ended_by, limit).await.unwrap();
        work.commit().await.unwrap();
        removed
    };

    assert_eq!(purge(later(0), later(0), 10).await, 0);
    assert_eq!(purge(later(3), later(4), 3).await, 3);
    assert_eq!(purge(later(3), later(4), 3).await, 1, "the one that ended");
    assert_eq!(purge(later(3), later(4), 3).await, 0);
    assert!(by_token(&database, ended[1].snapshot().refresh_token).await.is_some());
    assert!(matches!(by_token(&database, spent).await, Some(FoundSession::Spent(_))));

    assert_eq!(purge(later(60), later(60), 10).await, 2);
    assert_eq!(by_token(&database, spent).await, None, "a token goes with its session");
}

async fn what_was_never_found_cannot_be_saved(database: TestDatabase) {
    let session = a_session();
    add(&database, &[&session]).await;
    let mut work = database.auth_store().begin().await.unwrap();

    let refusal = work.sessions().save(&session).await;
    assert!(matches!(refusal, Err(StoreError::Corrupt { .. })), "{refusal:?}");
    let verification = PhoneVerification::of(a_phone_number(), vec![]);
    let refusal = work.verifications().save(&verification).await;
    assert!(matches!(refusal, Err(StoreError::Corrupt { .. })), "{refusal:?}");
}
