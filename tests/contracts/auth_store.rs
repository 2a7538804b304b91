//! What the store of auth promises.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use auth_domain::testing::{
    a_challenge, a_new_api_key, a_phone_number, a_session, an_account, hash_of, noon, session_of,
};
use auth_domain::*;
use chrono::{DateTime, TimeDelta, Utc};
use kernel_application::testing::CountingIds;
use kernel_application::{DeliveryOutcome, PageNumber, PageRequest, record};
use kernel_domain::{DomainEvent, StoreError};
use mysql_async::prelude::Queryable;
use persistence_adapter::{BUS, Database, Interest, Settings, Subscriber};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::databases::TestDatabase;
use crate::events::{ALL, correlation, waiting};

crate::every_database_promises![
    a_password_replaces_the_last_one_and_can_be_forgotten,
    a_session_is_kept_once,
    a_session_is_opened_with_todays_password_only,
    a_session_comes_back_as_it_was_kept,
    a_refresh_token_that_was_exchanged_is_known_as_spent,
    of_many_who_renew_at_once_one_does,
    all_sessions_of_an_account_end_but_one,
    sessions_of_an_account_end_that_were_opened_by_then,
    sessions_that_go_on_are_listed_those_used_last_first,
    old_sessions_are_removed_with_their_tokens_some_at_a_time,
    what_was_never_found_cannot_be_saved,
    a_challenge_comes_back_as_it_was_kept_in_every_state,
    the_right_token_confirms_once_however_many_show_it,
    of_many_first_requests_one_is_kept,
    who_waited_for_a_number_does_not_confirm_a_token_that_is_void,
    everything_about_a_number_can_be_forgotten,
    an_api_key_comes_back_as_it_was_kept,
    a_taken_prefix_is_named,
    uses_of_api_keys_are_noted_and_move_forwards_only,
    api_keys_are_listed_newest_first_without_those_revoked,
    a_number_is_allowed_described_anew_and_removed,
    a_secret_is_sealed_until_it_is_delivered_and_forgotten_then,
    a_secret_that_nobody_waits_for_is_not_kept,
    what_is_withheld_is_kept_like_anything_else_and_delivered_to_nobody,
    an_event_that_cannot_be_read_holds_up_nobody_else_and_is_parked_in_the_end,
    an_event_that_cannot_be_read_is_not_overtaken_by_those_after_it,
    a_subscriber_gets_what_it_wants,
];

/// MySQL tells who is busy, but not when somebody begins to wait.
const PAUSE: Duration = Duration::from_millis(5);
const DEADLINE: Duration = Duration::from_secs(2);

static IDS: LazyLock<CountingIds> = LazyLock::new(CountingIds::default);

fn later(minutes: i64) -> DateTime<Utc> {
    noon() + TimeDelta::minutes(minutes)
}

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

async fn keep_password(database: &Database, account_id: AccountId, password_hash: &PasswordHash) {
    let mut work = database.auth_store().begin().await.unwrap();
    let credential = Credential { account_id, password_hash: password_hash.clone() };
    work.credentials().save(&credential).await.unwrap();
    work.commit().await.unwrap();
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

    assert_eq!(database.statements() - before, 2);
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

pub(crate) async fn verification(database: &Database, number: &PhoneNumber) -> PhoneVerification {
    database.auth_store().begin().await.unwrap().verifications().find(number).await.unwrap()
}

/// Requests a token and announces it.
pub(crate) async fn request(
    database: &Database,
    number: &PhoneNumber,
    new: NewChallenge,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut work = database.auth_store().begin().await?;
    let mut verification = work.verifications().find(number).await?;
    let Ok(event) = verification.request(new, ShownBy::Anybody, at) else { return Ok(false) };
    work.verifications().save(&verification).await?;
    work.outbox().append(&[record(&event, &correlation(), &*IDS, at)]).await?;
    work.commit().await?;
    Ok(true)
}

/// Shows the token that [`a_challenge`] has.
pub(crate) async fn confirm(
    database: &Database,
    number: &PhoneNumber,
) -> Result<Result<Comparison, CannotConfirm>, StoreError> {
    let mut work = database.auth_store().begin().await?;
    let mut verification = work.verifications().find(number).await?;
    let comparison = verification.confirm(Purpose::SignIn, hash_of("123456"), ShownBy::Anybody, noon());
    if comparison.is_ok() {
        work.verifications().save(&verification).await?;
        work.commit().await?;
    }
    Ok(comparison)
}

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

/// Waits until MySQL holds somebody up who wants a row. On `SQLite`, everybody waits for the one writer, and nobody tells.
async fn until_somebody_waits(database: &TestDatabase) {
    if !database.url.starts_with("mysql") {
        return;
    }
    let mut server = mysql_async::Conn::from_url(&database.url).await.unwrap();
    // MariaDB knows no better table. MySQL cannot fill it while an id is in what somebody asks, for that is no text.
    let is_mariadb = server.server_version().0 >= 10;
    let (table, of) = if is_mariadb {
        ("information_schema.processlist", "")
    } else {
        ("performance_schema.threads", "processlist_")
    };
    let busy = format!(
        "SELECT COUNT(*) FROM {table} \
        WHERE {of}db = DATABASE() AND {of}id <> CONNECTION_ID() AND {of}command <> 'Sleep'"
    );
    // What waits for nothing is over by the next look.
    let deadline = Instant::now() + DEADLINE;
    let mut looks = 0;
    while looks < 5 {
        assert!(Instant::now() < deadline, "nobody waits");
        looks = if server.query_first::<u64, _>(&busy).await.unwrap() == Some(1) { looks + 1 } else { 0 };
        sleep(PAUSE).await;
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

async fn a_number_is_allowed_described_anew_and_removed(database: TestDatabase) {
    let (number, other) = (a_phone_number(), a_phone_number());
    let is_allowed = async |number| database.auth_queries().is_allowed(number).await.unwrap();
    for text in ["Kim", "Kim of the night shift"] {
        let allowed = AllowedNumber { phone_number: number.clone(), description: Description::parse(text).unwrap() };
        let mut work = database.auth_store().begin().await.unwrap();
        work.allowed_numbers().save(&allowed).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!((is_allowed(&number).await, is_allowed(&other).await), (true, false));
    }

    let mut work = database.auth_store().begin().await.unwrap();
    assert!(work.allowed_numbers().remove(&number).await.unwrap());
    assert!(!work.allowed_numbers().remove(&number).await.unwrap());
    work.commit().await.unwrap();
    assert!(!is_allowed(&number).await);
}

/// The payloads in the outbox; only MySQL lets the test look.
async fn payloads(database: &TestDatabase) -> Option<Vec<String>> {
    if !database.url.starts_with("mysql") {
        return None;
    }
    let mut server = mysql_async::Conn::from_url(&database.url).await.unwrap();
    Some(server.query("SELECT payload FROM outbox ORDER BY position").await.unwrap())
}

fn subscribers<const N: usize>(subscribers: [(&str, Interest); N]) -> Settings {
    let subscriber = |(name, contexts): (&str, Interest)| Subscriber { name: name.to_owned(), contexts };
    Settings { subscribers: subscribers.map(subscriber).to_vec(), ..Settings::default() }
}

async fn a_secret_is_sealed_until_it_is_delivered_and_forgotten_then(database: TestDatabase) {
    let shared =
        database.reopened(&subscribers([(BUS, Interest::All), ("second", Interest::Only(AuthEvent::CONTEXT))]));
    let number = a_phone_number();
    request(&shared, &number, a_challenge(Purpose::SignIn), noon()).await.unwrap();
    if let Some(kept) = payloads(&database).await {
        let is_sealed = |it: &String| !it.is_empty() && !it.contains("123456") && !it.contains("token");
        assert!(kept.len() == 2 && kept.iter().all(is_sealed), "{kept:?}");
    }

    for (subscriber, forgotten) in [(BUS, [true, false]), ("second", [true, true])] {
        let queue = shared.deliveries(subscriber);
        let claimed = queue.claim(Uuid::from_u128(1), ALL, noon()).await.unwrap();
        let secret = ("token".to_owned(), "123456".to_owned());
        assert!(claimed[0].event.is_confidential && claimed[0].event.data.contains(&secret));

        queue.settle(Uuid::from_u128(1), &[(claimed[0].clone(), DeliveryOutcome::RetryAt(noon()))]).await.unwrap();
        let claimed = queue.claim(Uuid::from_u128(1), ALL, noon()).await.unwrap();
        assert!(claimed[0].event.data.contains(&secret), "it can be tried again");
        queue.settle(Uuid::from_u128(1), &[(claimed[0].clone(), DeliveryOutcome::Delivered)]).await.unwrap();

        if let Some(kept) = payloads(&database).await {
            let are_empty: Vec<_> = kept.iter().map(String::is_empty).collect();
            assert_eq!(are_empty, forgotten, "whoever still waits for it gets it");
        }
    }
}

async fn a_secret_that_nobody_waits_for_is_not_kept(database: TestDatabase) {
    let shared = database.reopened(&subscribers([("second", Interest::Only("user"))]));

    request(&shared, &a_phone_number(), a_challenge(Purpose::SignIn), noon()).await.unwrap();

    assert_eq!(shared.deliveries("second").claim(Uuid::from_u128(1), ALL, noon()).await.unwrap(), []);
    if let Some(kept) = payloads(&database).await {
        assert!(kept.is_empty(), "{kept:?}");
    }
}

async fn what_is_withheld_is_kept_like_anything_else_and_delivered_to_nobody(database: TestDatabase) {
    let number = a_phone_number();
    let mut work = database.auth_store().begin().await.unwrap();
    let mut verification = work.verifications().find(&number).await.unwrap();
    let attempt = verification.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, noon()).unwrap();
    work.verifications().save(&verification).await.unwrap();
    work.outbox().append(&[record(&attempt.withheld(), &correlation(), &*IDS, noon())]).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(database.deliveries(BUS).claim(Uuid::from_u128(1), ALL, later(60)).await.unwrap(), []);
    if let Some(kept) = payloads(&database).await {
        let is_sealed = |it: &String| !it.is_empty() && !it.contains("123456") && !it.contains(number.as_str());
        assert!(kept.len() == 1 && kept.iter().all(is_sealed), "{kept:?}");
    }
}

async fn an_event_that_cannot_be_read_holds_up_nobody_else_and_is_parked_in_the_end(database: TestDatabase) {
    // Nobody but the test can spoil what is kept, and only MySQL lets it.
    if !database.url.starts_with("mysql") {
        return;
    }
    let mut server = mysql_async::Conn::from_url(&database.url).await.unwrap();
    for minutes in 0..3 {
        request(&database, &a_phone_number(), a_challenge(Purpose::SignIn), later(minutes)).await.unwrap();
    }
    let spoilt = format!("UPDATE outbox SET payload = 'bm90IG91cnM=' WHERE occurred_at = '{}'", later(1).naive_utc());
    server.query_drop(spoilt).await.unwrap();
    let claim = async |at| database.deliveries(BUS).claim(Uuid::from_u128(1), ALL, at).await.unwrap();
    let state = "SELECT state, attempts FROM outbox ORDER BY position LIMIT 1 OFFSET 1";

    let claimed = claim(later(10)).await;
    assert_eq!(claimed.iter().map(|it| it.event.occurred_at).collect::<Vec<_>>(), [later(0), later(2)]);
    assert_eq!(server.query_first(state).await.unwrap(), Some(("OPEN".to_owned(), 1)));
    let settled: Vec<_> = claimed.into_iter().map(|it| (it, DeliveryOutcome::Delivered)).collect();
    database.deliveries(BUS).settle(Uuid::from_u128(1), &settled).await.unwrap();

    for time in 1..12 {
        assert_eq!(claim(later(10 + time)).await, []);
    }
    assert_eq!(server.query_first(state).await.unwrap(), Some(("PARKED".to_owned(), 10)));
}

async fn an_event_that_cannot_be_read_is_not_overtaken_by_those_after_it(database: TestDatabase) {
    if !database.url.starts_with("mysql") {
        return;
    }
    let number = a_phone_number();
    let mut work = database.auth_store().begin().await.unwrap();
    let mut found = work.verifications().find(&number).await.unwrap();
    let event = found.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, noon()).unwrap();
    for _ in 0..2 {
        work.verifications().save(&found).await.unwrap();
        work.outbox().append(&[record(&event, &correlation(), &*IDS, noon())]).await.unwrap();
    }
    work.commit().await.unwrap();
    let mut server = mysql_async::Conn::from_url(&database.url).await.unwrap();
    let first = "WHERE aggregate_version = 1";
    let payload = format!("SELECT payload FROM outbox {first}");
    let payload: String = server.query_first(payload).await.unwrap().unwrap();
    let claim = async |at| database.deliveries(BUS).claim(Uuid::from_u128(1), ALL, at).await.unwrap();

    server.query_drop(format!("UPDATE outbox SET payload = '?' {first}")).await.unwrap();
    assert_eq!(claim(later(1)).await, []);
    assert_eq!(claim(later(1)).await, []);

    server.query_drop(format!("UPDATE outbox SET payload = '{payload}' {first}")).await.unwrap();
    let versions: Vec<_> =
        claim(later(2)).await.into_iter().map(|it| (it.event.aggregate_version, it.attempts)).collect();
    assert_eq!(versions, [(1, 2), (2, 1)]);
}

async fn a_subscriber_gets_what_it_wants(database: TestDatabase) {
    let wishes = [(BUS, Interest::All), ("auth's", Interest::Only("auth")), ("user's", Interest::Only("user"))];
    let shared = database.reopened(&subscribers(wishes));

    request(&shared, &a_phone_number(), a_challenge(Purpose::SignIn), noon()).await.unwrap();

    for (subscriber, events) in [(BUS, 1), ("auth's", 1), ("user's", 0)] {
        let claimed = shared.deliveries(subscriber).claim(Uuid::from_u128(1), ALL, noon()).await.unwrap();
        assert_eq!(claimed.len(), events, "{subscriber}");
    }
}
