//! What it means that a request acts once, whatever it does and whenever it dies.

use std::sync::Arc;
use std::time::Duration;

use auth_domain::testing::a_session;
use auth_domain::{Credential, PasswordHash};
use chrono::{DateTime, TimeDelta, Utc};
use kernel_application::{ANSWERS_ARE_KEPT, KeptAnswer, Once, RequestKey};
use kernel_domain::StoreError;
use mysql_async::prelude::Queryable;
use persistence_adapter::{Database, Settings};
use support::sql::other_connections;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use user_application::AccountName;
use user_domain::testing::{a_registration, noon};
use user_domain::{User, UserId};

use crate::databases::TestDatabase;
use crate::wire::giving_up;

crate::every_database_promises![
    of_many_who_ask_at_once_one_acts,
    wherever_it_dies_the_effect_and_the_answer_are_kept_together,
    work_without_an_answer_keeps_nothing,
    work_that_changes_nothing_is_answered_once_too,
    a_unit_of_work_that_is_refused_is_undone_and_those_around_it_stay,
    work_sees_what_it_did_and_nobody_else_does,
    a_read_within_a_unit_of_work_does_not_wait_for_it,
    a_second_unit_of_work_waits_for_the_first,
    a_single_statement_is_kept_with_everything_else,
    what_was_answered_before_is_told_with_what_was_asked,
    requests_of_other_names_have_nothing_to_do_with_it,
    who_reads_the_table_does_not_read_the_answer,
    an_answer_is_kept_for_a_day,
    old_requests_are_forgotten_some_at_a_time,
    who_asks_while_it_is_done_hears_so,
    work_that_loses_a_deadlock_may_be_tried_again,
    work_whose_connection_dies_keeps_nothing,
    a_request_that_is_left_gives_its_connection_back,
    a_request_that_takes_too_long_keeps_nothing_and_may_be_made_again,
];

/// How long the database may take to undo what somebody left, and how often to look.
const DEADLINE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

const ASKED: [u8; 32] = [7; 32];

fn named(key: &str) -> RequestKey {
    RequestKey { scope: "somebody POST /users/".to_owned(), key: key.to_owned() }
}

fn answer(text: &str) -> KeptAnswer {
    KeptAnswer(text.as_bytes().to_vec())
}

async fn once<W>(database: &Database, key: &str, work: W) -> Result<Once, StoreError>
where
    W: Future<Output = Option<KeptAnswer>> + Send,
{
    once_at(database, key, noon(), work).await
}

async fn once_at<W>(database: &Database, key: &str, now: DateTime<Utc>, work: W) -> Result<Once, StoreError>
where
    W: Future<Output = Option<KeptAnswer>> + Send,
{
    database.idempotency().once(named(key), ASKED, now, Box::pin(work)).await
}

fn somebody() -> User {
    User::register(a_registration(), noon()).0
}

async fn add(database: &Database, user: &User) -> Result<(), StoreError> {
    let mut work = database.user_store().begin().await?;
    work.users().add(user).await?;
    work.commit().await
}

async fn exists(database: &Database, id: UserId) -> bool {
    database.user_queries().account(&AccountName::Id(id)).await.unwrap().is_some()
}

/// Adds a user; whatever comes of it is the answer.
async fn adding(database: &Database, user: &User) -> Option<KeptAnswer> {
    match add(database, user).await {
        Ok(()) => Some(answer("added")),
        Err(error) => Some(answer(&error.to_string())),
    }
}

async fn of_many_who_ask_at_once_one_acts(database: TestDatabase) {
    let users: Vec<_> = (0..100).map(|_| somebody()).collect();
    let mut requests = JoinSet::new();
    for user in users.clone() {
        let database = (*database).clone();
        requests.spawn(async move { once(&database, "a", adding(&database, &user)).await });
    }

    let mut done = 0;
    for came_to in requests.join_all().await {
        match came_to.expect("nobody fails") {
            Once::Done => done += 1,
            Once::Before(before) => assert!(before.answer == answer("added")),
            Once::Running => {}
        }
    }

    let mut added = 0;
    for user in users {
        added += usize::from(exists(&database, user.id()).await);
    }
    assert_eq!((done, added), (1, 1));
}

/// Asks again until nobody is at it any more.
async fn settled(database: &Database, key: &str, user: &User) -> Once {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match once(database, key, adding(database, user)).await.unwrap() {
            Once::Running => assert!(Instant::now() < deadline, "what was left is still running"),
            came_to => return came_to,
        }
        sleep(PAUSE).await;
    }
}

async fn wherever_it_dies_the_effect_and_the_answer_are_kept_together(database: TestDatabase) {
    let (mut died, mut was_kept) = (0, 0);
    for polls in 1..60 {
        let key = format!("dies after {polls}");
        let (first, second, third) = (somebody(), somebody(), somebody());

        let came_to = giving_up(
            polls,
            once(&database, &key, async {
                add(&database, &first).await.ok()?;
                add(&database, &second).await.ok()?;
                Some(answer("added"))
            }),
        );
        died += usize::from(came_to.await.is_none());

        let again = settled(&database, &key, &third).await;
        let kept = [&first, &second, &third].map(User::id);
        let kept =
            [exists(&database, kept[0]).await, exists(&database, kept[1]).await, exists(&database, kept[2]).await];
        match again {
            Once::Before(_) => assert_eq!(kept, [true, true, false], "after {polls}"),
            Once::Done => assert_eq!(kept, [false, false, true], "after {polls}"),
            Once::Running => unreachable!("it is settled"),
        }
        was_kept += usize::from(kept[0]);
    }
    assert!(died > 0 && was_kept > 0, "{died} died and {was_kept} were kept: the test proves nothing");
}

async fn work_without_an_answer_keeps_nothing(database: TestDatabase) {
    let user = somebody();

    let came_to = once(&database, "a", async {
        add(&database, &user).await.unwrap();
        None
    });

    assert!(came_to.await.unwrap() == Once::Done);
    assert!(!exists(&database, user.id()).await);
    assert!(once(&database, "a", adding(&database, &user)).await.unwrap() == Once::Done, "it can be done now");
    assert!(exists(&database, user.id()).await);
}

async fn work_that_changes_nothing_is_answered_once_too(database: TestDatabase) {
    assert!(once(&database, "a", async { Some(answer("no")) }).await.unwrap() == Once::Done);
    assert!(once(&database, "b", async { None }).await.unwrap() == Once::Done);

    let before = database.statements();
    let again = once(&database, "a", async { panic!("it is not done again") }).await.unwrap();
    assert!(matches!(again, Once::Before(it) if it.answer == answer("no")));
    assert_eq!(database.statements() - before, 1, "that it was answered is found at once");
    assert!(once(&database, "b", async { Some(answer("yes")) }).await.unwrap() == Once::Done);
}

async fn a_unit_of_work_that_is_refused_is_undone_and_those_around_it_stay(database: TestDatabase) {
    let users = [(); 5].map(|()| somebody());

    let came_to = once(&database, "a", async {
        add(&database, &users[0]).await.unwrap();
        for refused in [&users[1], &users[2]] {
            let mut work = database.user_store().begin().await.unwrap();
            work.users().add(refused).await.unwrap();
            drop(work);
            assert!(exists(&database, users[0].id()).await, "what came before is seen at once");
        }
        let taken = add(&database, &users[0]).await;
        assert!(matches!(taken, Err(StoreError::Conflict(_) | StoreError::Duplicate { .. })), "{taken:?}");
        add(&database, &users[3]).await.unwrap();
        Some(answer("added"))
    });

    assert!(came_to.await.unwrap() == Once::Done);
    let mut kept = Vec::new();
    for user in &users {
        kept.push(exists(&database, user.id()).await);
    }
    assert_eq!(kept, [true, false, false, true, false]);
}

async fn work_sees_what_it_did_and_nobody_else_does(database: TestDatabase) {
    let user = somebody();

    let came_to = once(&database, "a", async {
        assert!(!exists(&database, user.id()).await);
        add(&database, &user).await.unwrap();
        assert!(exists(&database, user.id()).await);
        let (elsewhere, id) = ((*database).clone(), user.id());
        let seen = tokio::spawn(async move { exists(&elsewhere, id).await }).await.unwrap();
        assert!(!seen, "it is not kept yet");
        Some(answer("added"))
    });

    assert!(came_to.await.unwrap() == Once::Done);
    assert!(exists(&database, user.id()).await);
}

async fn a_read_within_a_unit_of_work_does_not_wait_for_it(database: TestDatabase) {
    let user = somebody();

    let came_to = once(&database, "a", async {
        let mut work = database.user_store().begin().await.unwrap();
        work.users().add(&user).await.unwrap();
        assert!(!exists(&database, user.id()).await);
        work.commit().await.unwrap();
        Some(answer("added"))
    });

    assert!(tokio::time::timeout(Duration::from_secs(2), came_to).await.expect("nobody waits").unwrap() == Once::Done);
}

async fn a_second_unit_of_work_waits_for_the_first(database: TestDatabase) {
    let users = [(); 4].map(|()| somebody());

    let came_to = once(&database, "a", async {
        let [one, two, three, four] = users.each_ref().map(|it| add(&database, it));
        let (one, two, three, four) = tokio::join!(one, two, three, four);
        for added in [one, two, three, four] {
            added.unwrap();
        }
        Some(answer("added"))
    });

    assert!(came_to.await.unwrap() == Once::Done);
    for user in &users {
        assert!(exists(&database, user.id()).await);
    }
}

async fn a_single_statement_is_kept_with_everything_else(database: TestDatabase) {
    let session = a_session();
    let hash = PasswordHash::new("proved");
    let mut work = database.auth_store().begin().await.unwrap();
    let credential = Credential { account_id: session.account_id(), password_hash: hash.clone() };
    work.credentials().save(&credential).await.unwrap();
    work.commit().await.unwrap();
    let token = session.snapshot().refresh_token;
    for (given, kept) in [(None, None), (Some(answer("opened")), Some(session.account_id()))] {
        let came_to = once(&database, "a", async {
            assert!(database.auth_store().open(&session, &hash).await.unwrap());
            given
        });

        assert!(came_to.await.unwrap() == Once::Done);
        assert_eq!(database.auth_queries().account_of(token).await.unwrap(), kept);
    }
}

async fn what_was_answered_before_is_told_with_what_was_asked(database: TestDatabase) {
    once(&database, "a", async { Some(answer("first")) }).await.unwrap();

    let again = database.idempotency().once(named("a"), [8; 32], noon(), Box::pin(async { None })).await.unwrap();

    let Once::Before(before) = again else { panic!("it was done before") };
    assert!(before.fingerprint == ASKED && before.answer == answer("first"));
}

async fn requests_of_other_names_have_nothing_to_do_with_it(database: TestDatabase) {
    let longest = "키".repeat(255);
    let names = [
        named("a"),
        named("A"),
        named("a "),
        named(""),
        named(&longest),
        RequestKey { scope: "somebody POST /users/|a".to_owned(), key: String::new() },
        RequestKey { scope: longest.clone(), key: longest },
    ];
    for name in &names {
        let given = answer(&format!("{name:?}"));
        let came_to = database.idempotency().once(name.clone(), ASKED, noon(), Box::pin(async { Some(given) })).await;
        assert!(came_to.unwrap() == Once::Done, "{name:?}");
    }
    for name in names {
        let again = database.idempotency().once(name.clone(), ASKED, noon(), Box::pin(async { None })).await;
        assert!(matches!(again.unwrap(), Once::Before(it) if it.answer == answer(&format!("{name:?}"))), "{name:?}");
    }
}

async fn who_reads_the_table_does_not_read_the_answer(database: TestDatabase) {
    once(&database, "a", async { Some(answer("an unmistakable secret")) }).await.unwrap();

    let kept = if let Some(path) = database.url.strip_prefix("sqlite://") {
        ["", "-wal"].iter().filter_map(|it| std::fs::read(format!("{path}{it}")).ok()).flatten().collect()
    } else {
        let mut server = mysql_async::Conn::from_url(&database.url).await.unwrap();
        server.query_first::<Vec<u8>, _>("SELECT answer FROM idempotency_requests").await.unwrap().unwrap()
    };

    assert!(!kept.is_empty());
    assert!(!String::from_utf8_lossy(&kept).contains("unmistakable"));
}

async fn an_answer_is_kept_for_a_day(database: TestDatabase) {
    once(&database, "a", async { Some(answer("first")) }).await.unwrap();
    let a_day_later = noon() + ANSWERS_ARE_KEPT;

    let just_before = a_day_later - TimeDelta::microseconds(1);
    let again = once_at(&database, "a", just_before, async { None }).await.unwrap();
    assert!(matches!(again, Once::Before(_)));

    let user = somebody();
    assert!(once_at(&database, "a", a_day_later, adding(&database, &user)).await.unwrap() == Once::Done);
    assert!(exists(&database, user.id()).await);
    let again = once_at(&database, "a", a_day_later, async { None }).await.unwrap();
    assert!(matches!(again, Once::Before(it) if it.answer == answer("added")));
    assert_eq!(database.idempotency().forget(a_day_later, 10).await.unwrap(), 0, "it is not old any more");
}

async fn old_requests_are_forgotten_some_at_a_time(database: TestDatabase) {
    for number in 0..120 {
        once_at(&database, &number.to_string(), noon() + TimeDelta::seconds(number / 2), async { Some(answer("")) })
            .await
            .unwrap();
    }
    let idempotency = database.idempotency();
    let forget = async |limit| idempotency.forget(noon() + TimeDelta::seconds(59), limit).await.unwrap();

    assert_eq!(forget(3).await, 3, "though two were made at the same time");
    assert_eq!(forget(1000).await, 115);
    assert_eq!(forget(1000).await, 0);
    let kept = once_at(&database, "119", noon() + TimeDelta::seconds(60), async { None }).await.unwrap();
    assert!(matches!(kept, Once::Before(_)));
}

async fn who_asks_while_it_is_done_hears_so(database: TestDatabase) {
    // There is one writer on SQLite: everybody else waits for it.
    if !database.url.starts_with("mysql") {
        return;
    }
    let (user, other) = (somebody(), somebody());

    let came_to = once(&database, "a", async {
        add(&database, &user).await.unwrap();
        let elsewhere = (*database).clone();
        let asked = Instant::now();
        let other = tokio::spawn(async move { once(&elsewhere, "a", adding(&elsewhere, &other)).await.unwrap() });
        assert!(other.await.unwrap() == Once::Running);
        assert!(asked.elapsed() < Duration::from_secs(1), "nobody waits: {:?}", asked.elapsed());
        Some(answer("added"))
    });

    assert!(came_to.await.unwrap() == Once::Done);
}

/// Locks two users in this order, the second when everybody has their first, and adds somebody.
async fn lock_and_add(
    database: &Database,
    users: [UserId; 2],
    met: Option<&Barrier>,
    new: &User,
) -> Result<(), StoreError> {
    let mut work = database.user_store().begin().await?;
    work.users().find(users[0]).await?;
    if let Some(met) = met {
        met.wait().await;
    }
    work.users().find(users[1]).await?;
    work.users().add(new).await?;
    work.commit().await
}

/// A deadlock undoes the whole transaction, the claim of the request with it.
async fn work_that_loses_a_deadlock_may_be_tried_again(database: TestDatabase) {
    // On SQLite nobody holds anything that another one waits for.
    if !database.url.starts_with("mysql") {
        return;
    }
    let (one, other, new) = (somebody(), somebody(), [somebody(), somebody()]);
    add(&database, &one).await.unwrap();
    add(&database, &other).await.unwrap();
    let met = Arc::new(Barrier::new(2));
    let mut requests = JoinSet::new();

    for (new, users) in new.clone().into_iter().zip([[one.id(), other.id()], [other.id(), one.id()]]) {
        let (database, met) = ((*database).clone(), met.clone());
        requests.spawn(async move {
            let (key, mut attempts) = (new.id().to_string(), 1);
            let came_to = once(&database, &key, async {
                let first = lock_and_add(&database, users, Some(&met), &new).await;
                if let Err(StoreError::Contended(_)) = first {
                    attempts += 1;
                    lock_and_add(&database, users, None, &new).await.unwrap();
                } else {
                    first.unwrap();
                }
                Some(answer("added"))
            });
            assert!(came_to.await.unwrap() == Once::Done);
            attempts
        });
    }

    assert_eq!(requests.join_all().await.into_iter().sum::<u32>(), 3, "one of them was the victim");
    for new in new {
        assert!(exists(&database, new.id()).await);
        let again = once(&database, &new.id().to_string(), async { None }).await.unwrap();
        assert!(matches!(again, Once::Before(_)));
    }
}

async fn work_whose_connection_dies_keeps_nothing(database: TestDatabase) {
    if !database.url.starts_with("mysql") {
        return;
    }
    let users = [(); 3].map(|()| somebody());
    let mut server = mysql_async::Conn::from_url(&database.url).await.unwrap();

    let came_to = once(&database, "a", async {
        add(&database, &users[0]).await.unwrap();
        for connection in other_connections(&mut server).await {
            server.query_drop(format!("KILL {connection}")).await.unwrap();
        }
        assert!(add(&database, &users[1]).await.is_err());
        let lost = add(&database, &users[2]).await;
        assert!(matches!(lost, Err(StoreError::Contended(_))), "{lost:?}");
        Some(answer("added"))
    });

    let refusal = came_to.await;
    assert!(matches!(refusal, Err(StoreError::Contended(_))));
    let again = settled(&database, "a", &users[1]).await;
    assert!(again == Once::Done);
    assert!(!exists(&database, users[0].id()).await && exists(&database, users[1].id()).await);
}

async fn a_request_that_is_left_gives_its_connection_back(database: TestDatabase) {
    let shared = database.reopened(&Settings { pool_size: 1, patience: DEADLINE, ..Settings::default() });
    for number in 0..5 {
        let (user, key) = (somebody(), format!("left {number}"));
        let left = once(&shared, &key, async {
            add(&shared, &user).await.unwrap();
            let mut work = shared.user_store().begin().await.unwrap();
            work.users().add(&somebody()).await.unwrap();
            std::future::pending().await
        });

        assert!(tokio::time::timeout(Duration::from_millis(300), left).await.is_err());

        add(&shared, &somebody()).await.expect("a connection is free");
        assert!(!exists(&shared, user.id()).await);
    }
}

async fn a_request_that_takes_too_long_keeps_nothing_and_may_be_made_again(database: TestDatabase) {
    let hurried = database.in_a_hurry();
    let user = somebody();
    let (mut refusal, mut part) = (None, Ok(()));

    let came_to = once(&hurried, "a", async {
        add(&hurried, &user).await.expect("it has only begun");
        let deadline = Instant::now() + DEADLINE;
        while refusal.is_none() {
            assert!(Instant::now() < deadline, "it goes on");
            refusal = add(&hurried, &somebody()).await.err();
        }
        part = hurried.transaction_scope().all_or_nothing(async { Ok(()) }).await;
        Some(answer("added"))
    });

    assert!(matches!(came_to.await, Err(StoreError::Unavailable(_))));
    assert!(matches!(refusal, Some(StoreError::Unavailable(_))), "{refusal:?}");
    assert!(matches!(part, Err(StoreError::Unavailable(_))), "{part:?}");
    assert!(!exists(&database, user.id()).await);
    assert!(settled(&database, "a", &user).await == Once::Done, "it has its own time again");
    assert!(exists(&database, user.id()).await);
}
