//! What it means that units of work are kept together, whichever contexts they belong to.

use std::time::{Duration, Instant};

use auth_domain::testing::a_session;
use auth_domain::{RefreshTokenHash, Session};
use kernel_application::{KeptAnswer, Once, RequestKey};
use kernel_domain::StoreError;
use mysql_async::prelude::Queryable;
use persistence_adapter::{Database, Settings};
use support::sql::other_connections;
use user_application::AccountName;
use user_domain::User;
use user_domain::testing::{a_registration, noon};

use crate::databases::TestDatabase;
use crate::wire::giving_up;

crate::every_database_promises![
    units_of_work_of_two_contexts_are_kept_together_or_not_at_all,
    they_see_what_was_done_before_and_nobody_else_does,
    wherever_it_dies_both_are_kept_or_none,
    a_scope_that_begins_nothing_costs_nothing,
    within_a_request_that_acts_once_a_scope_is_undone_alone_and_kept_with_the_answer,
    a_request_whose_scope_was_left_half_way_keeps_nothing,
    a_scope_whose_connection_dies_keeps_nothing,
    a_scope_that_is_left_gives_its_connection_back,
    a_scope_that_takes_too_long_keeps_nothing,
];

async fn together<W>(database: &Database, work: W) -> Result<(), StoreError>
where
    W: Future<Output = Result<(), StoreError>> + Send,
{
    database.transaction_scope().all_or_nothing(work).await
}

fn somebody() -> User {
    User::register(a_registration(), noon()).0
}

async fn add_user(database: &Database, user: &User) -> Result<(), StoreError> {
    let mut work = database.user_store().begin().await?;
    work.users().add(user).await?;
    work.commit().await
}

async fn add_session(database: &Database, session: &Session) -> Result<(), StoreError> {
    let mut work = database.auth_store().begin().await?;
    work.sessions().add(session).await?;
    work.commit().await
}

fn token(session: &Session) -> RefreshTokenHash {
    session.snapshot().refresh_token
}

/// Whether the user and the session are there.
async fn kept(database: &Database, user: &User, session: &Session) -> (bool, bool) {
    let user = database.user_queries().account(&AccountName::Id(user.id())).await.unwrap();
    let session = database.auth_queries().account_of(token(session)).await.unwrap();
    (user.is_some(), session.is_some())
}

async fn units_of_work_of_two_contexts_are_kept_together_or_not_at_all(database: TestDatabase) {
    let (user, session) = (somebody(), a_session());
    for fails in [true, false] {
        let outcome = together(&database, async {
            add_user(&database, &user).await?;
            add_session(&database, &session).await?;
            if fails { Err(StoreError::Conflict("it".to_owned())) } else { Ok(()) }
        });

        assert_eq!(outcome.await.is_err(), fails);
        assert_eq!(kept(&database, &user, &session).await, (!fails, !fails));
    }

    let other = somebody();
    let refused = together(&database, async {
        add_user(&database, &other).await?;
        add_session(&database, &session).await
    });
    assert!(
        matches!(refused.await, Err(StoreError::Conflict(_) | StoreError::Duplicate { .. })),
        "it is there already"
    );
    assert_eq!(
        kept(&database, &other, &session).await,
        (false, true),
        "a unit of work that is refused undoes those before"
    );
}

async fn they_see_what_was_done_before_and_nobody_else_does(database: TestDatabase) {
    let (user, session) = (somebody(), a_session());

    let outcome = together(&database, async {
        add_user(&database, &user).await?;
        assert_eq!(kept(&database, &user, &session).await, (true, false));
        let (elsewhere, user, session) = ((*database).clone(), user.clone(), session.clone());
        let seen = tokio::spawn(async move { kept(&elsewhere, &user, &session).await }).await.unwrap();
        assert_eq!(seen, (false, false), "it is not kept yet");
        Ok(())
    });

    outcome.await.unwrap();
}

async fn wherever_it_dies_both_are_kept_or_none(database: TestDatabase) {
    let (mut died, mut were_kept) = (0, 0);
    for polls in 1..60 {
        let (user, session) = (somebody(), a_session());

        let outcome = giving_up(
            polls,
            together(&database, async {
                add_user(&database, &user).await?;
                add_session(&database, &session).await
            }),
        );
        died += usize::from(outcome.await.is_none());

        // Whoever adds the same waits until the database has kept or undone what was left.
        let was_kept = add_user(&database, &user).await.is_err();
        assert_eq!(kept(&database, &user, &session).await, (true, was_kept), "after {polls}");
        were_kept += usize::from(was_kept);
    }
    assert!(died > 0 && were_kept > 0, "{died} died and {were_kept} were kept: the test proves nothing");
}

async fn a_scope_that_begins_nothing_costs_nothing(database: TestDatabase) {
    let before = database.statements();

    together(&database, async { Ok(()) }).await.unwrap();

    assert_eq!(database.statements(), before);
}

async fn within_a_request_that_acts_once_a_scope_is_undone_alone_and_kept_with_the_answer(database: TestDatabase) {
    for is_answered in [false, true] {
        let (first, undone, last, session) = (somebody(), somebody(), somebody(), a_session());
        let request = RequestKey { scope: "somebody POST /users/".to_owned(), key: "a".to_owned() };
        let work = async {
            add_user(&database, &first).await.unwrap();
            let refused = together(&database, async {
                add_user(&database, &undone).await?;
                Err(StoreError::Conflict("it".to_owned()))
            });
            assert!(matches!(refused.await, Err(StoreError::Conflict(_))));
            let done = together(&database, async {
                add_user(&database, &last).await?;
                add_session(&database, &session).await
            });
            done.await.unwrap();
            is_answered.then(|| KeptAnswer(b"done".to_vec()))
        };

        let came_to = database.idempotency().once(request, [7; 32], noon(), Box::pin(work)).await.unwrap();

        assert!(came_to == Once::Done);
        assert_eq!(kept(&database, &first, &session).await, (is_answered, is_answered));
        assert_eq!(kept(&database, &last, &session).await, (is_answered, is_answered));
        assert!(!kept(&database, &undone, &session).await.0);
    }
}

async fn a_request_whose_scope_was_left_half_way_keeps_nothing(database: TestDatabase) {
    let (first, second, session) = (somebody(), somebody(), a_session());
    let request = RequestKey { scope: "somebody POST /users/".to_owned(), key: "a".to_owned() };
    let work = async {
        add_user(&database, &first).await.unwrap();
        let left = together(&database, async {
            add_user(&database, &second).await?;
            std::future::pending().await
        });
        assert!(tokio::time::timeout(Duration::from_millis(300), left).await.is_err());
        Some(KeptAnswer(b"done".to_vec()))
    };

    let came_to = database.idempotency().once(request, [7; 32], noon(), Box::pin(work)).await;

    assert!(matches!(came_to, Err(StoreError::Contended(_))));
    assert!(!kept(&database, &first, &session).await.0 && !kept(&database, &second, &session).await.0);
}

async fn a_scope_whose_connection_dies_keeps_nothing(database: TestDatabase) {
    if !database.url.starts_with("mysql") {
        return;
    }
    let (user, session) = (somebody(), a_session());
    let mut server = mysql_async::Conn::from_url(&database.url).await.unwrap();

    let outcome = together(&database, async {
        add_user(&database, &user).await?;
        for connection in other_connections(&mut server).await {
            server.query_drop(format!("KILL {connection}")).await.unwrap();
        }
        assert!(add_session(&database, &session).await.is_err());
        // Whoever does not listen is told in the end.
        Ok(())
    });

    assert!(matches!(outcome.await, Err(StoreError::Contended(_))));
    assert_eq!(kept(&database, &user, &session).await, (false, false));
}

async fn a_scope_that_is_left_gives_its_connection_back(database: TestDatabase) {
    let settings = Settings { pool_size: 1, patience: Duration::from_secs(10), ..Settings::default() };
    let shared = database.reopened(&settings);
    for _ in 0..5 {
        let (user, session) = (somebody(), a_session());
        let left = together(&shared, async {
            add_user(&shared, &user).await?;
            std::future::pending().await
        });

        assert!(tokio::time::timeout(Duration::from_millis(300), left).await.is_err());

        add_user(&shared, &somebody()).await.expect("a connection is free");
        assert!(!kept(&shared, &user, &session).await.0);
    }
}

async fn a_scope_that_takes_too_long_keeps_nothing(database: TestDatabase) {
    let hurried = database.in_a_hurry();
    let (user, session) = (somebody(), a_session());
    let mut refusal = None;

    let outcome = together(&hurried, async {
        add_user(&hurried, &user).await?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while refusal.is_none() {
            assert!(Instant::now() < deadline, "it goes on");
            refusal = add_user(&hurried, &somebody()).await.err();
        }
        // Whoever does not listen is told in the end.
        Ok(())
    });

    assert!(matches!(outcome.await, Err(StoreError::Unavailable(_))));
    assert!(matches!(refusal, Some(StoreError::Unavailable(_))), "{refusal:?}");
    assert!(!kept(&database, &user, &session).await.0);
    add_user(&database, &user).await.expect("nobody is in its way");
}
