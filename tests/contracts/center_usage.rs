//! What shipping promises to whoever closes centers: to know which of them open transports use.

use shipping_domain::Transport;
use shipping_domain::testing::{a_driver, a_transport, center};

use crate::databases::TestDatabase;
use crate::shipping_store::keep;

crate::every_database_promises![
    a_center_is_used_until_the_last_transport_from_or_to_it_has_arrived,
    a_plan_that_is_written_down_but_not_kept_is_waited_for,
];

async fn used(database: &TestDatabase) -> Vec<&'static str> {
    let mut used = Vec::new();
    for code in ["ABC001", "ABC002", "abc001", "XYZ"] {
        if database.shipping_queries().is_center_used(&center(code)).await.unwrap() {
            used.push(code);
        }
    }
    used
}

/// Changes a transport that is kept.
async fn change(database: &TestDatabase, changed: &Transport) {
    let mut work = database.shipping_store().begin().await.unwrap();
    work.transports().find(changed.id()).await.unwrap().expect("it is there");
    work.transports().save(changed).await.unwrap();
    work.commit().await.unwrap();
}

async fn a_center_is_used_until_the_last_transport_from_or_to_it_has_arrived(database: TestDatabase) {
    assert_eq!(used(&database).await, [] as [&str; 0]);

    // Both go from ABC001 to ABC002, as every transport of these tests.
    let (planned, arrived) = (a_transport().driven_by(a_driver()).build(), a_transport().arrived().build());
    keep(&database, &[], &[], std::slice::from_ref(&arrived)).await;
    assert_eq!(used(&database).await, [] as [&str; 0]);

    keep(&database, &[], &[], std::slice::from_ref(&planned)).await;
    assert_eq!(used(&database).await, ["ABC001", "ABC002"]);

    for (state, is_open) in [(a_transport().departed().build(), true), (a_transport().arrived().build(), false)] {
        let state = state.snapshot();
        change(&database, &Transport::from(shipping_domain::TransportSnapshot { id: planned.id(), ..state })).await;
        assert_eq!(!used(&database).await.is_empty(), is_open);
    }
}

/// MySQL waits for the plan; `SQLite` has one writer, so that there whoever closes the center waits before that.
async fn a_plan_that_is_written_down_but_not_kept_is_waited_for(database: TestDatabase) {
    for is_kept in [true, false] {
        let transport = a_transport().build();
        let mut work = database.shipping_store().begin().await.unwrap();
        work.transports().add(&transport).await.unwrap();
        let store = database.shipping_store();
        let (queries, is_sqlite) = (database.shipping_queries(), database.url.starts_with("sqlite"));
        let asked = tokio::spawn(async move {
            if is_sqlite {
                drop(store.begin().await.unwrap());
            }
            queries.is_center_used(&center("ABC002")).await
        });
        assert_eq!(
            database.shipping_queries().transport(transport.id()).await.unwrap(),
            None,
            "nobody else sees it yet"
        );

        if is_kept {
            work.commit().await.unwrap();
        } else {
            drop(work);
        }

        assert_eq!(asked.await.unwrap().unwrap(), is_kept);
        if is_kept {
            let mut work = database.shipping_store().begin().await.unwrap();
            let transport = work.transports().find(transport.id()).await.unwrap().unwrap();
            work.transports().remove(&transport).await.unwrap();
            work.commit().await.unwrap();
        }
    }
}
