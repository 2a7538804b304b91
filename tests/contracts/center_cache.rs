//! What instances that keep centers together promise: in one process, and in a Redis.

use std::sync::Arc;
use std::time::Duration;

use cache_adapter::{RedisSettings, ViewCache};
use distribution_application::{CenterFilter, DistributionQueries};
use distribution_domain::testing::{a_center, a_staff_member};
use distribution_domain::{Center, CenterCode, CenterName, CenterRepository, DistributionStore, StaffId};
use kernel_application::PageRequest;
use kernel_domain::StoreError;
use support::containers::{fresh_redis_prefix, redis_of_its_own};
use tokio::time::{Instant, sleep};

use crate::cache::{patiently, views_at};
use crate::databases::{self, TestDatabase};

/// How long an instance may not know of a change that another one made, and what a busy machine adds.
const GLANCE: Duration = Duration::from_secs(1);
const DELAY: Duration = Duration::from_secs(2);

const PAUSE: Duration = Duration::from_millis(5);

/// How long it takes at most until a Redis that is back is used again.
const SHARED_WITHIN: Duration = Duration::from_secs(30);

/// One instance of the service: its cache before the database that both share.
struct Instance {
    queries: Arc<dyn DistributionQueries>,
    store: Arc<dyn DistributionStore>,
}

/// What somebody sees of a center: its name, and who works there.
type Seen = Option<(String, Vec<StaffId>)>;

impl Instance {
    fn with(database: &TestDatabase, views: &ViewCache) -> Self {
        Self {
            queries: views.distribution_queries(database.distribution_queries()),
            store: views.distribution_store(database.distribution_store()),
        }
    }

    /// The center as it is found by its id, by its code, and in the list.
    async fn sees(&self, center: &Center) -> [Seen; 3] {
        let by_id = self.queries.center(center.id()).await.unwrap();
        let by_code = self.queries.centers_coded(std::slice::from_ref(center.code())).await.unwrap().pop();
        let list = self.queries.centers(&CenterFilter::default(), PageRequest::default()).await.unwrap().unwrap();
        assert_eq!(list.count(), u64::try_from(list.entries.len()).ok(), "all are on the first page");
        let listed = list.entries.into_iter().find(|it| it.id == center.id());
        [by_id, by_code, listed].map(|it| it.map(|it| (it.name, it.staff)))
    }

    async fn eventually_sees(&self, center: &Center, expected: [Seen; 3]) {
        let asked_at = Instant::now();
        while self.sees(center).await != expected {
            assert!(asked_at.elapsed() < GLANCE + DELAY, "what was there before is shown still");
            sleep(PAUSE).await;
        }
    }

    async fn add(&self, center: &Center) {
        let mut work = self.store.begin().await.unwrap();
        work.centers().add(center).await.unwrap();
        work.commit().await.unwrap();
    }

    /// Finds a center, does something to it, and keeps that.
    async fn act(&self, center: &Center, act: impl AsyncFnOnce(&mut dyn CenterRepository) -> Result<(), StoreError>) {
        let mut work = self.store.begin().await.unwrap();
        work.centers().find(center.id()).await.unwrap().expect("it is there");
        act(work.centers()).await.unwrap();
        work.commit().await.unwrap();
    }
}

fn shown(center: &Center) -> [Seen; 3] {
    let seen = Some((center.name().to_string(), center.staff().to_vec()));
    [seen.clone(), seen.clone(), seen]
}

macro_rules! every_cache_promises {
    ($($promise:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                let (database, views) = (super::databases::sqlite().await, super::ViewCache::alone());
                let instances = [(); 2].map(|()| super::Instance::with(&database, &views));
                super::$promise(&database, instances).await;
            })+
        }

        mod redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                let Some((url, prefix)) = super::fresh_redis_prefix().await else { return };
                let database = super::databases::sqlite().await;
                let views = || super::views_at(&url, &prefix, &super::patiently());
                let instances = [(); 2].map(|()| super::Instance::with(&database, &views()));
                super::$promise(&database, instances).await;
            })+
        }
    };
}

every_cache_promises![
    a_center_that_is_known_costs_no_statement,
    five_hundred_who_miss_a_center_at_once_read_it_once,
    a_change_is_seen_at_once_here_and_within_a_second_elsewhere,
    a_code_that_was_nobodys_is_found_once_it_is_somebodys,
];

async fn a_center_that_is_known_costs_no_statement(database: &TestDatabase, [one, other]: [Instance; 2]) {
    let centers = [(); 3].map(|()| a_center().staffed_by(&[a_staff_member(), a_staff_member()]).build());
    for center in &centers {
        one.add(center).await;
        assert_eq!(one.sees(center).await, shown(center));
    }

    let before = database.statements();
    for center in &centers {
        assert_eq!(one.sees(center).await, shown(center));
    }
    let codes: Vec<CenterCode> = centers.iter().map(|it| it.code().clone()).collect();
    assert_eq!(one.queries.centers_coded(&codes).await.unwrap().len(), 3);
    assert_eq!(database.statements(), before);
    for center in &centers {
        assert_eq!(other.sees(center).await, shown(center));
    }
}

async fn five_hundred_who_miss_a_center_at_once_read_it_once(database: &TestDatabase, [one, _]: [Instance; 2]) {
    let center = a_center().staffed_by(&[a_staff_member()]).build();
    one.add(&center).await;
    let before = database.statements();
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let (queries, code) = (one.queries.clone(), center.code().clone());
        readers.spawn(async move { queries.centers_coded(&[code]).await.unwrap().len() });
    }

    assert!(readers.join_all().await.iter().all(|it| *it == 1));

    // The center, and who works there.
    assert_eq!(database.statements() - before, 2);
}

async fn a_change_is_seen_at_once_here_and_within_a_second_elsewhere(_: &TestDatabase, [one, other]: [Instance; 2]) {
    let mut center = a_center().staffed_by(&[a_staff_member()]).build();
    one.add(&center).await;
    for name in ["One", "Two"] {
        other.eventually_sees(&center, shown(&center)).await;
        center.rename(CenterName::parse(name).unwrap());
        center.restaff(vec![a_staff_member(), a_staff_member()]);

        one.act(&center, async |centers| centers.save(&center).await).await;

        assert_eq!(one.sees(&center).await, shown(&center));
        other.eventually_sees(&center, shown(&center)).await;
    }

    one.act(&center, async |centers| centers.remove(&center).await).await;

    assert_eq!(one.sees(&center).await, [None, None, None]);
    other.eventually_sees(&center, [None, None, None]).await;
}

async fn a_code_that_was_nobodys_is_found_once_it_is_somebodys(_: &TestDatabase, [one, other]: [Instance; 2]) {
    let center = a_center().build();
    assert_eq!(one.sees(&center).await, [None, None, None]);
    assert_eq!(other.sees(&center).await, [None, None, None]);

    one.add(&center).await;

    assert_eq!(one.sees(&center).await, shown(&center));
    other.eventually_sees(&center, shown(&center)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_center_that_changes_while_redis_is_away_is_shown_as_it_is_then_and_when_redis_is_back() {
    let Some((redis, url)) = redis_of_its_own().await else { return };
    let database = databases::sqlite().await;
    let views = || views_at(&url, "test", &RedisSettings::default());
    let [one, other] = [(); 2].map(|()| Instance::with(&database, &views()));
    let mut center = shared_by(&database, [&one, &other]).await;

    redis.pause().await.unwrap();
    center.rename(CenterName::parse("Away").unwrap());
    one.act(&center, async |centers| centers.save(&center).await).await;
    assert_eq!(one.sees(&center).await, shown(&center));
    other.eventually_sees(&center, shown(&center)).await;

    redis.unpause().await.unwrap();
    assert_eq!(
        one.sees(&center).await,
        shown(&center),
        "what Redis knew from before is not shown where it was changed"
    );
    shared_by(&database, [&one, &other]).await;
    for instance in [&one, &other] {
        instance.eventually_sees(&center, shown(&center)).await;
    }
    one.act(&center, async |centers| centers.remove(&center).await).await;
    assert_eq!(one.sees(&center).await, [None, None, None]);
    other.eventually_sees(&center, [None, None, None]).await;
}

/// Keeps a center without a word to any cache.
async fn keep(database: &TestDatabase, center: &Center) {
    let mut work = database.distribution_store().begin().await.unwrap();
    work.centers().add(center).await.unwrap();
    work.commit().await.unwrap();
}

/// A center that one instance has read, and the other finds in Redis.
async fn shared_by(database: &TestDatabase, [one, other]: [&Instance; 2]) -> Center {
    let deadline = Instant::now() + SHARED_WITHIN;
    loop {
        let center = a_center().staffed_by(&[a_staff_member()]).build();
        keep(database, &center).await;
        let codes = std::slice::from_ref(center.code());
        assert_eq!(one.queries.centers_coded(codes).await.unwrap().len(), 1);
        let before = database.statements();
        assert_eq!(other.queries.centers_coded(codes).await.unwrap().len(), 1);
        if database.statements() == before {
            return center;
        }
        assert!(Instant::now() < deadline, "the instances do not share what they read");
        sleep(PAUSE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_keeps_a_center_for_thirty_days_and_that_there_is_none_for_five_seconds() {
    const DAY: u64 = 24 * 60 * 60 * 1_000;
    let Some((url, prefix)) = fresh_redis_prefix().await else { return };
    let (database, views) = (databases::sqlite().await, views_at(&url, &prefix, &patiently()));
    let one = Instance::with(&database, &views);
    let (center, nothing) = (a_center().build(), a_center().build());
    keep(&database, &center).await;

    one.sees(&center).await;
    one.sees(&nothing).await;

    let mut redis = ::redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let epoch: String = ::redis::cmd("GET").arg(format!("{prefix}:views:epoch")).query_async(&mut redis).await.unwrap();
    for (center, least, most) in [(center, 29 * DAY, 30 * DAY), (nothing, 1, 5_000)] {
        for what in [format!("center-by-id:1:{}", center.id()), format!("center-by-code:1:{}", center.code())] {
            let key = format!("{prefix}:views:{epoch}:distribution:{what}");
            let lives: u64 = ::redis::cmd("PTTL").arg(key).query_async(&mut redis).await.unwrap();
            assert!((least..=most).contains(&lives), "{what} lives for {lives} ms");
        }
    }
}
