//! What connections promise: nobody reads somebody else's answer, and nobody waits for ever.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use kernel_domain::StoreError;
use mysql_async::prelude::Queryable;
use persistence_adapter::{Database, InvalidDatabase, Settings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use shipping_domain::testing::{a_transport, an_item};
use shipping_domain::{Item, TrackingNumber};
use support::containers::{mysql_of_its_own, put_in};
use support::proxy::{Fault, FaultProxy};
use support::sql::other_connections;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::databases::{self, TestDatabase};
use crate::shipping_store::keep;

crate::every_database_promises![
    a_dropped_question_leaves_no_answer_behind,
    an_aborted_request_leaves_no_answer_behind,
    a_dropped_unit_of_work_lets_go_of_its_locks,
    a_unit_of_work_that_takes_too_long_is_refused_and_lets_go_of_its_locks,
    a_unit_of_work_that_ends_too_late_keeps_nothing,
    it_answers,
];

fn one_connection() -> Settings {
    Settings { pool_size: 1, patience: Duration::from_secs(5), ..Settings::default() }
}

/// Gives up on a future after so many polls: at each place where it can be left, that is.
pub(crate) struct GivesUp<F> {
    future: Pin<Box<F>>,
    polls_left: usize,
}

pub(crate) fn giving_up<F: Future>(polls: usize, future: F) -> GivesUp<F> {
    GivesUp { future: Box::pin(future), polls_left: polls }
}

impl<F: Future> Future for GivesUp<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = self.future.as_mut().poll(context);
        self.polls_left = self.polls_left.saturating_sub(1);
        match answer {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if self.polls_left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Asks for an item, and gets that one.
async fn ask(database: &Database, number: &TrackingNumber) {
    let seen = database.shipping_queries().item(number).await.expect("it answers").expect("the item is there");
    assert_eq!(seen.tracking_number, *number, "the answer to somebody else's question");
}

async fn with_items(database: &TestDatabase) -> Vec<Item> {
    let items: Vec<_> = (0..20).map(|_| an_item().build()).collect();
    keep(database, &items, &[], &[]).await;
    items
}

async fn a_dropped_question_leaves_no_answer_behind(database: TestDatabase) {
    let items = with_items(&database).await;
    let shared = database.reopened(&one_connection());
    let (queries, store) = (shared.shipping_queries(), shared.shipping_store());
    let mut dropped = 0;
    for round in 0..64 {
        let polls = 1 + round % 8;
        let pair = [items[round % 20].tracking_number(), items[(round + 7) % 20].tracking_number()];

        let read = giving_up(polls, queries.item(pair[0])).await;
        dropped += usize::from(read.is_none());
        ask(&shared, pair[1]).await;

        let changed = giving_up(polls, async {
            let mut work = store.begin().await?;
            work.items().find(&[pair[0].clone()]).await?;
            work.commit().await
        });
        dropped += usize::from(changed.await.is_none());
        ask(&shared, pair[1]).await;
    }
    assert!(dropped > 10, "only {dropped} were dropped half way: the test proves nothing");
}

async fn an_aborted_request_leaves_no_answer_behind(database: TestDatabase) {
    let items = with_items(&database).await;
    let shared = database.reopened(&Settings { pool_size: 3, ..one_connection() });
    for round in 0..30 {
        let mut requests = tokio::task::JoinSet::new();
        for at in 0..6 {
            let (shared, number) = (shared.clone(), items[(round + at) % 20].tracking_number().clone());
            requests.spawn(async move { ask(&shared, &number).await });
        }
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        requests.abort_all();
        while let Some(ended) = requests.join_next().await {
            assert!(ended.as_ref().err().is_none_or(tokio::task::JoinError::is_cancelled), "{ended:?}");
        }
        ask(&shared, items[round % 20].tracking_number()).await;
    }
}

async fn a_dropped_unit_of_work_lets_go_of_its_locks(database: TestDatabase) {
    let trip = a_transport().build();
    keep(&database, &[], &[], std::slice::from_ref(&trip)).await;
    let store = database.shipping_store();

    for _ in 0..20 {
        let mut work = store.begin().await.unwrap();
        assert!(work.transports().find(trip.id()).await.unwrap().is_some());
        drop(work);
    }
}

async fn a_unit_of_work_that_takes_too_long_is_refused_and_lets_go_of_its_locks(database: TestDatabase) {
    let (trip, added) = (a_transport().build(), a_transport().build());
    keep(&database, &[], &[], std::slice::from_ref(&trip)).await;
    let hurried = database.in_a_hurry();

    let mut work = hurried.shipping_store().begin().await.unwrap();
    work.transports().add(&added).await.expect("it has only begun");
    let deadline = Instant::now() + Duration::from_secs(10);
    let refusal = loop {
        match work.transports().find(trip.id()).await {
            Ok(found) => assert!(found.is_some() && Instant::now() < deadline, "it goes on"),
            Err(refusal) => break refusal,
        }
    };
    let at_last = work.commit().await;

    assert!(matches!(refusal, StoreError::Unavailable(_)), "{refusal:?}");
    assert!(matches!(at_last, Err(StoreError::Unavailable(_))), "{at_last:?}");
    let mut other = database.shipping_store().begin().await.unwrap();
    assert!(other.transports().find(trip.id()).await.expect("the row is free").is_some());
    assert!(other.transports().find(added.id()).await.unwrap().is_none(), "it was undone");
}

async fn a_unit_of_work_that_ends_too_late_keeps_nothing(database: TestDatabase) {
    let trip = a_transport().build();
    let hurried = database.in_a_hurry();

    let mut work = hurried.shipping_store().begin().await.unwrap();
    work.transports().add(&trip).await.expect("it has only begun");
    // Nothing else tells when it is too late but asking, and what asks is not to ask anything.
    sleep(Duration::from_secs(1)).await;
    let refusal = work.commit().await;

    assert!(matches!(refusal, Err(StoreError::Unavailable(_))), "{refusal:?}");
    assert!(database.shipping_store().begin().await.unwrap().transports().find(trip.id()).await.unwrap().is_none());
}

async fn it_answers(database: TestDatabase) {
    database.ping().await.expect("it is there");
}

/// A refused use case must not cost a reconnect.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_unit_of_work_hands_its_connection_back() {
    let Some(database) = databases::mysql().await else { return };
    let shared = database.reopened(&one_connection());
    let mut observer = mysql_async::Conn::from_url(&database.url).await.unwrap();
    shared.ping().await.unwrap();
    let before = other_connections(&mut observer).await;

    for _ in 0..10 {
        drop(shared.shipping_store().begin().await.unwrap());
    }
    shared.ping().await.unwrap();

    for connection in other_connections(&mut observer).await {
        assert!(before.contains(&connection), "{connection} is new");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_no_connection_hears_so_in_time_and_can_come_again() {
    let Some(database) = databases::mysql().await else { return };
    let shared = database.reopened(&Settings { pool_size: 1, ..Settings::default() });
    let holder = shared.shipping_store().begin().await.unwrap();

    let asked = Instant::now();
    let refusal = shared.ping().await;

    assert!(matches!(refusal, Err(StoreError::Unavailable(_))), "{refusal:?}");
    assert!(asked.elapsed() < Duration::from_millis(1500), "{:?}", asked.elapsed());
    drop(holder);
    shared.ping().await.expect("the connection is free again");
}

/// Some units of work have to read on another connection before they end.
#[tokio::test(flavor = "multi_thread")]
async fn units_of_work_leave_connections_to_reads() {
    let Some(database) = databases::mysql().await else { return };
    let shared = database.reopened(&Settings { pool_size: 4, ..Settings::default() });
    let store = shared.shipping_store();
    let mut works = Vec::new();
    let refusal = loop {
        match store.begin().await {
            Ok(work) => works.push(work),
            Err(error) => break error,
        }
    };

    assert!(matches!(refusal, StoreError::Unavailable(_)), "{refusal:?}");
    assert_eq!(works.len(), 3);
    shared.ping().await.expect("there is a connection for reading");
    let primary = shared.pools().into_iter().find(|it| it.name == "primary").expect("it is told of");
    assert_eq!((primary.waiting, primary.waits, primary.refusals), (0, 1, 1), "{primary:?}");
    assert_eq!((primary.busy, primary.most), (3, 4), "{primary:?}");
}

async fn timed<F: Future>(work: F) -> (F::Output, Duration) {
    let began = Instant::now();
    (work.await, began.elapsed())
}

/// Whoever gets no connection waits for as long as its patience lasts, and then hears so. How long that takes on a machine that
/// does other things too, somebody tells who waits beside it for nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_who_want_four_slow_connections_each_is_served_or_hears_so_soon() {
    const SLACK: Duration = Duration::from_millis(100);
    const RECOVERY: Duration = Duration::from_secs(2);
    let Some(database) = databases::mysql().await else { return };
    let (proxy, url) = FaultProxy::on_the_way_to(&database.url).await;
    let settings = Settings { pool_size: 4, ..Settings::default() };
    let patience = settings.patience;
    let shared = Database::open(&url, &settings, databases::sealing()).unwrap();
    shared.ping().await.expect("there is a connection already");

    proxy.set(Fault::Latency(Duration::from_secs(1))).await;
    let mut asking = JoinSet::new();
    for _ in 0..64 {
        let shared = shared.clone();
        asking.spawn(async move { tokio::join!(timed(shared.ping()), timed(sleep(patience))) });
    }
    let (mut served, mut refused) = (0, 0);
    for ((answer, took), ((), waited)) in asking.join_all().await {
        match answer {
            Ok(()) => served += 1,
            Err(StoreError::Unavailable(_)) => {
                refused += 1;
                assert!(took < waited + SLACK, "it is told after {took:?}, and {patience:?} took {waited:?} here");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(served > 0 && refused > 0, "{served} were served, {refused} were not");

    proxy.heal().await;
    let healed = Instant::now();
    while shared.ping().await.is_err() {
        assert!(healed.elapsed() < RECOVERY, "it does not recover");
    }
}

/// Whoever waits for a lock, or for a read that does not end, is told so by the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_waits_for_a_lock_and_for_a_read_only_so_long() {
    let Some(database) = databases::mysql().await else { return };
    database.ping().await.unwrap();
    let mut observer = mysql_async::Conn::from_url(&database.url).await.unwrap();

    let ours = "SELECT CONCAT(variable_name, ' ', variable_value) FROM performance_schema.variables_by_thread \
        JOIN performance_schema.threads USING (thread_id) \
        WHERE processlist_db = DATABASE() AND processlist_id <> CONNECTION_ID() \
        AND variable_name IN ('innodb_lock_wait_timeout', 'max_execution_time', 'transaction_isolation') \
        ORDER BY processlist_id, variable_name";
    let found = observer.query::<String, _>(ours).await.unwrap();

    let wanted = ["innodb_lock_wait_timeout 2", "max_execution_time 4000", "transaction_isolation READ-COMMITTED"];
    assert!(!found.is_empty() && found.chunks(wanted.len()).all(|it| it == wanted), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_unavailable_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("mysql://root@{}/nothing", silent.local_addr().unwrap());
    for url in ["mysql://root@127.0.0.1:1/nothing", &silent] {
        let database = Database::open(url, &Settings::default(), databases::sealing()).unwrap();
        let asked = Instant::now();
        let refusal = database.ping().await;

        assert!(matches!(refusal, Err(StoreError::Unavailable(_))), "{refusal:?}");
        assert!(asked.elapsed() < Duration::from_millis(1500), "{:?}", asked.elapsed());
    }
}

/// Somebody who signs certificates, in no browser's list.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new([]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(DnType::CommonName, "An authority");
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// Clouds sign the certificates of their databases themselves.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_believed_if_the_authority_that_is_named_has_signed_it() {
    let Some((server, url)) = mysql_of_its_own().await else { return };
    let (authority, another) = (authority(), authority());
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let mut root = mysql_async::Conn::from_url(&url).await.unwrap();
    for (variable, text) in
        [("ssl_ca", authority.pem()), ("ssl_cert", certificate.pem()), ("ssl_key", key.serialize_pem())]
    {
        let path = format!("/var/tmp/{variable}.pem");
        put_in(&server, &path, &text).await;
        root.query_drop(format!("SET GLOBAL {variable} = '{path}'")).await.unwrap();
    }
    root.query_drop("ALTER INSTANCE RELOAD TLS").await.unwrap();
    root.query_drop("ALTER USER root REQUIRE SSL").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let named = |name: &str, authority: &CertifiedIssuer<KeyPair>| {
        let file = folder.path().join(name);
        std::fs::write(&file, authority.pem()).unwrap();
        format!("ssl_ca={}", file.display()).replace(' ', "%20")
    };
    let answer = async |parameters: &str| {
        let url = format!("{url}?prefer_socket=false&{parameters}");
        let settings = Settings { patience: Duration::from_secs(2), ..one_connection() };
        Database::open(&url, &settings, databases::sealing()).unwrap().ping().await
    };

    answer(&named("the authority.pem", &authority)).await.expect("it is believed");
    for refused in ["", "require_ssl=true", &named("another.pem", &another)] {
        let answer = answer(refused).await;
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{refused}: {answer:?}");
    }
}

/// What was in the pool when the server restarted must not be handed out for ever.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_closed_are_replaced() {
    let Some(database) = databases::mysql().await else { return };
    let shared = database.reopened(&one_connection());
    shared.ping().await.unwrap();
    let mut observer = mysql_async::Conn::from_url(&database.url).await.unwrap();
    for connection in other_connections(&mut observer).await {
        observer.query_drop(format!("KILL {connection}")).await.unwrap();
    }

    let first = shared.ping().await;

    assert!(matches!(first, Ok(()) | Err(StoreError::Unavailable(_))), "{first:?}");
    shared.ping().await.expect("a new connection was made");
}

#[tokio::test]
async fn a_url_that_leads_nowhere_is_refused_without_being_repeated() {
    let open = |url: &str| Database::open(url, &Settings::default(), databases::sealing()).map(drop);
    assert!(matches!(open("postgres://secret@host/db"), Err(InvalidDatabase::Scheme)));
    assert!(matches!(open("sqlite://"), Err(InvalidDatabase::Malformed(_))));
    let refusal = open("mysql://user:hunter2@host:not-a-port/db");
    assert!(matches!(&refusal, Err(InvalidDatabase::Malformed(_))), "{refusal:?}");
    assert!(!format!("{refusal:?}").contains("hunter2"));
    let folder = env!("CARGO_MANIFEST_DIR");
    for no_certificate in ["/nowhere/ca.pem".to_owned(), folder.to_owned(), format!("{folder}/Cargo.toml")] {
        let refusal = open(&format!("mysql://user@host/db?ssl_ca={no_certificate}"));
        let names_it = |why: &str| why.starts_with(&format!("ssl_ca: {no_certificate}: "));
        assert!(matches!(&refusal, Err(InvalidDatabase::Malformed(why)) if names_it(why)), "{refusal:?}");
    }
}
