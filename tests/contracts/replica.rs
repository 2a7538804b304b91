//! What goes to a replica, and what does not. The replica of these tests follows nobody, so that each row tells where it
//! was read.

use std::time::Duration;

use distribution_application::CenterFilter;
use distribution_domain::testing::a_center;
use kernel_application::{PageNumber, PageRequest};
use persistence_adapter::{Database, Settings};
use shipping_application::*;
use shipping_domain::testing::{a_batch, a_transport, an_item, center, noon};
use shipping_domain::*;
use user_application::UserFilter;
use user_domain::testing::a_registration;
use user_domain::{User, UserId};

use crate::databases::{TestDatabase, another_like, sealing};
use crate::shipping_store::keep;
use crate::smaller_stores::add_center;

crate::every_database_promises![
    lists_come_from_the_replica_and_nothing_else_does,
    long_lists_are_counted_there_too,
    a_replica_that_is_away_is_done_without,
];

/// Until when a count that is not believed any more has been taken again.
const DEADLINE: Duration = Duration::from_secs(30);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(50);

fn with_replica(database: &TestDatabase, replica: &str) -> Database {
    Database::open_with_replica(&database.url, Some(replica), &Settings::default(), sealing()).unwrap()
}

/// A parcel, its batch and its transport.
async fn one_of_each(database: &Database) -> (Item, Batch, Transport) {
    let trip = a_transport().build();
    let batch = a_batch().loaded_on(&trip).build();
    let item = an_item().in_batch(&batch).build();
    keep(database, std::slice::from_ref(&item), std::slice::from_ref(&batch), std::slice::from_ref(&trip)).await;
    (item, batch, trip)
}

async fn somebody(database: &Database) -> UserId {
    let user = User::register(a_registration(), noon()).0;
    let mut work = database.user_store().begin().await.unwrap();
    work.users().add(&user).await.unwrap();
    work.commit().await.unwrap();
    user.id()
}

async fn lists_come_from_the_replica_and_nothing_else_does(primary: TestDatabase) {
    let replica = another_like(&primary).await;
    let both = with_replica(&primary, &replica.url);
    let (copied, copied_batch, copied_trip) = one_of_each(&replica).await;
    let copied_user = somebody(&replica).await;

    let (item, batch, trip) = one_of_each(&both).await;
    let user = somebody(&both).await;
    // One more of each than there, and a center that nobody goes to there.
    let route = Route::between(center("ABC001"), center("ABC003")).unwrap();
    let further = Transport::from(TransportSnapshot { route, ..a_transport().build().snapshot() });
    keep(&both, &[an_item().build()], &[a_batch().build()], std::slice::from_ref(&further)).await;

    let queries = both.shipping_queries();
    let page = PageRequest::default;
    let items = queries.items(&ItemFilter::default(), &[], page()).await.unwrap().unwrap();
    assert_eq!(items.entries.iter().map(|it| &it.tracking_number).collect::<Vec<_>>(), [copied.tracking_number()]);
    assert_eq!(items.count(), Some(1));
    let batches = queries.batches(&BatchFilter::default(), &[], page()).await.unwrap().unwrap();
    assert_eq!(batches.entries.iter().map(|it| &it.alias).collect::<Vec<_>>(), [copied_batch.alias()]);
    let transports = queries.transports(&TransportFilter::default(), &[], page()).await.unwrap().unwrap();
    assert_eq!(transports.entries.iter().map(|it| it.id).collect::<Vec<_>>(), [copied_trip.id()]);
    assert_eq!([batches.count(), transports.count()], [Some(1); 2]);
    let users = both.user_queries().users(&UserFilter::default(), page()).await.unwrap().unwrap();
    assert_eq!(users.entries.iter().map(|it| it.id).collect::<Vec<_>>(), [copied_user]);

    // Centers are kept in memory by whoever lists them, and would be kept as they were before a change.
    let (here, there) = (a_center().build(), a_center().build());
    add_center(&both, &here).await.unwrap();
    add_center(&replica, &there).await.unwrap();
    let centers = both.distribution_queries().centers(&CenterFilter::default(), page()).await.unwrap().unwrap();
    assert_eq!(centers.entries.iter().map(|it| &it.code).collect::<Vec<_>>(), [here.code()]);

    // What was written is there at once for whoever asks for it by name, and the replica was not written to.
    for (asked, is_there) in [(&both, true), (&*replica, false)] {
        let queries = asked.shipping_queries();
        assert_eq!(queries.item(item.tracking_number()).await.unwrap().is_some(), is_there);
        assert_eq!(queries.batch(batch.alias()).await.unwrap().is_some(), is_there);
        assert_eq!(queries.transport(trip.id()).await.unwrap().is_some(), is_there);
        let found = queries.batches_by_id(&[batch.id()]).await.unwrap();
        assert_eq!(found.len(), usize::from(is_there));
        assert_eq!(asked.user_queries().user(user).await.unwrap().is_some(), is_there);
        let found = asked.user_queries().profiles(&[user]).await.unwrap();
        assert_eq!(found.len(), usize::from(is_there));
        // What is answered after a change, and what is asked before a center closes.
        assert_eq!(queries.histories(&[item.id()]).await.unwrap().len(), usize::from(is_there));
        assert_eq!(queries.is_center_used(&center("ABC003")).await.unwrap(), is_there);
    }
    // Units of work find what they keep.
    let mut work = both.shipping_store().begin().await.unwrap();
    assert!(work.transports().find(trip.id()).await.unwrap().is_some());
    assert!(work.transports().find(copied_trip.id()).await.unwrap().is_none());
}

async fn long_lists_are_counted_there_too(primary: TestDatabase) {
    let replica = another_like(&primary).await;
    keep(&primary, &[an_item().build(), an_item().build(), an_item().build()], &[], &[]).await;
    keep(&replica, &[an_item().build()], &[], &[]).await;
    let settings = Settings { long_lists_from: 1, ..Settings::default() };
    let both = Database::open_with_replica(&primary.url, Some(&replica.url), &settings, sealing()).unwrap();
    let count = async |number| {
        let page = PageRequest::new(PageNumber::Number(number), 1).unwrap();
        let page = both.shipping_queries().items(&ItemFilter::default(), &[], page).await.unwrap();
        page.and_then(|it| it.count())
    };

    assert_eq!(count(2).await, None, "the list is counted before its second row is looked for, and has none there");
    assert_eq!(count(1).await, Some(1));
    keep(&replica, &[an_item().build()], &[], &[]).await;

    let renewed = async {
        loop {
            match count(1).await {
                Some(1) => tokio::time::sleep(LOOK).await,
                other => break other,
            }
        }
    };
    let told = tokio::time::timeout(DEADLINE, renewed).await.expect("it is counted again");
    assert_eq!(told, Some(2), "it is counted there, too");
}

async fn a_replica_that_is_away_is_done_without(primary: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = if primary.url.starts_with("sqlite") {
        format!("sqlite://{}", folder.path().display())
    } else {
        "mysql://root@127.0.0.1:9/nowhere".to_owned()
    };
    let both = with_replica(&primary, &nowhere);
    let (item, ..) = one_of_each(&both).await;

    for _ in 0..3 {
        let items = both.shipping_queries().items(&ItemFilter::default(), &[], PageRequest::default()).await;
        assert_eq!(items.unwrap().unwrap().entries.first().map(|it| &it.tracking_number), Some(item.tracking_number()));
    }
}
