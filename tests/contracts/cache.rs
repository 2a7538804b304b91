//! What instances that keep views together promise: in one process, in a Redis, and in a Redis cluster.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot have what it needs fails")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cache_adapter::{CacheUrl, RedisCache, RedisSettings, ViewCache};
use chrono::{DateTime, Utc};
use kernel_application::{Page, PageRequest};
use kernel_domain::{Outbox, PhoneNumber, StoreError};
use support::containers::{fresh_redis_prefix, redis_cluster_of_its_own};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};
use user_application::{Account, AccountName, NumberStanding, ProfileRecord, UserFilter, UserQueries, UserView};
use user_domain::testing::a_registration;
use user_domain::{
    DiscardedImageRepository, ImageKey, PhoneNumberHash, Registration, Role, User, UserId, UserRepository, UserState,
    UserStore, UserWork,
};

/// How long an instance may not know of a change that another one made, and what a busy machine adds.
const GLANCE: Duration = Duration::from_secs(1);
const DELAY: Duration = Duration::from_secs(2);

const DEADLINE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

/// Who there is, by the name they go by, and how often that was read. Whoever reads has seen it when he gets to the gate.
pub(crate) struct Users {
    names: Mutex<HashMap<UserId, String>>,
    loads: AtomicUsize,
    gate: Semaphore,
}

impl Users {
    /// Somebody is there, and nobody tells.
    pub(crate) fn insert(&self, user: UserId, name: &str) {
        self.names.lock().unwrap().insert(user, name.to_owned());
    }

    pub(crate) fn loads(&self) -> usize {
        self.loads.load(Relaxed)
    }
}

/// One instance of the service: its cache before the users that all share.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) users: Arc<Users>,
    queries: Arc<dyn UserQueries>,
    store: Arc<dyn UserStore>,
}

impl Instance {
    fn with(users: &Arc<Users>, views: &ViewCache) -> Self {
        Self {
            users: users.clone(),
            queries: views.user_queries(Arc::new(Queries(users.clone()))),
            store: views.user_store(Arc::new(Store(users.clone()))),
        }
    }

    /// The name of somebody, or that there is nobody.
    pub(crate) async fn read(&self, user: UserId) -> Option<String> {
        self.queries.profiles(&[user]).await.unwrap().pop().map(|it| it.full_name.unwrap())
    }

    /// Gives somebody a name, or another one.
    pub(crate) async fn name(&self, user: UserId, name: &str) {
        let mut work = self.store.begin().await.unwrap();
        work.users().save(&named(user, name)).await.unwrap();
        work.commit().await.unwrap();
    }

    /// How long it takes until somebody is seen by that name.
    pub(crate) async fn eventually_reads(&self, user: UserId, name: &str, deadline: Duration) -> Duration {
        let asked_at = Instant::now();
        while self.read(user).await.as_deref() != Some(name) {
            assert!(asked_at.elapsed() < deadline, "the old name is shown still");
            sleep(PAUSE).await;
        }
        asked_at.elapsed()
    }

    async fn read_500_times(&self, user: UserId) -> Vec<Option<String>> {
        let mut readers = JoinSet::new();
        for _ in 0..500 {
            let instance = self.clone();
            readers.spawn(async move { instance.read(user).await });
        }
        readers.join_all().await
    }

    /// Somebody who has seen the users as they are now, and comes back when the gate is opened.
    async fn a_slow_reader(&self, user: UserId) -> JoinHandle<Option<String>> {
        let loads = self.users.loads();
        self.users.gate.forget_permits(Semaphore::MAX_PERMITS);
        let instance = self.clone();
        let reader = tokio::spawn(async move { instance.read(user).await });
        let deadline = Instant::now() + DEADLINE;
        while self.users.loads() == loads {
            assert!(Instant::now() < deadline, "nobody reads");
            sleep(PAUSE).await;
        }
        reader
    }

    fn open_the_gate(&self) {
        self.users.gate.add_permits(Semaphore::MAX_PERMITS);
    }
}

/// Two instances that share users, by what each of them keeps.
pub(crate) fn instances_with(views: [&ViewCache; 2]) -> [Instance; 2] {
    let gate = Semaphore::new(Semaphore::MAX_PERMITS);
    let users = Arc::new(Users { names: Mutex::default(), loads: AtomicUsize::new(0), gate });
    views.map(|it| Instance::with(&users, it))
}

/// What is kept at the URL by one instance.
pub(crate) fn views_at(url: &str, prefix: &str, settings: &RedisSettings) -> ViewCache {
    let CacheUrl::Redis(url) = CacheUrl::parse(url).unwrap() else { panic!("{url} is no Redis") };
    ViewCache::shared(RedisCache::connect(&url, prefix, settings))
}

/// A busy machine may take its time: how long to wait for Redis is not the matter here.
pub(crate) fn patiently() -> RedisSettings {
    let (patience, connect_timeout, response_timeout) = (DEADLINE, DEADLINE, DEADLINE);
    RedisSettings { patience, connect_timeout, response_timeout, ..RedisSettings::default() }
}

/// Somebody whom no other test knows.
pub(crate) fn somebody() -> UserId {
    a_registration().id
}

fn in_memory() -> [Instance; 2] {
    let views = ViewCache::alone();
    instances_with([&views, &views])
}

fn at(url: &str, prefix: &str) -> [Instance; 2] {
    let views = [(); 2].map(|()| views_at(url, prefix, &patiently()));
    instances_with([&views[0], &views[1]])
}

macro_rules! every_cache_promises {
    ($($promise:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                super::$promise(super::in_memory()).await;
            })+
        }

        mod redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                let Some((url, prefix)) = super::fresh_redis_prefix().await else { return };
                super::$promise(super::at(&url, &prefix)).await;
            })+
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn a_cluster_keeps_every_promise() {
            let Some((_container, url)) = redis_cluster_of_its_own().await else { return };
            $($promise(at(&url, stringify!($promise))).await;)+
        }
    };
}

every_cache_promises![
    five_hundred_who_miss_the_same_load_it_once,
    who_does_not_exist_is_looked_for_once,
    who_comes_into_being_is_seen_at_once,
    an_own_change_is_seen_at_once_and_one_made_elsewhere_within_a_second,
    a_slow_reader_brings_nothing_old_back,
    many_are_read_at_once,
];

async fn five_hundred_who_miss_the_same_load_it_once([one, other]: [Instance; 2]) {
    let user = somebody();
    one.name(user, "Ann").await;

    let (here, elsewhere) = tokio::join!(one.read_500_times(user), other.read_500_times(user));

    assert!(here.into_iter().chain(elsewhere).all(|it| it.as_deref() == Some("Ann")));
    assert!(one.users.loads() <= 2, "{} loads by two instances", one.users.loads());
}

async fn who_does_not_exist_is_looked_for_once([one, other]: [Instance; 2]) {
    let user = somebody();
    let asked_at = Instant::now();
    let (here, elsewhere) = tokio::join!(one.read_500_times(user), other.read_500_times(user));
    while asked_at.elapsed() < GLANCE + GLANCE / 2 {
        assert_eq!(one.read(user).await, None);
        sleep(PAUSE).await;
    }

    assert!(here.into_iter().chain(elsewhere).all(|it| it.is_none()));
    assert!(one.users.loads() <= 2, "{} loads by two instances", one.users.loads());
}

async fn who_comes_into_being_is_seen_at_once([one, other]: [Instance; 2]) {
    let user = somebody();
    assert_eq!(one.read(user).await, None);

    one.name(user, "Ann").await;

    assert_eq!(one.read(user).await.as_deref(), Some("Ann"));
    assert_eq!(other.read(user).await.as_deref(), Some("Ann"));
}

async fn an_own_change_is_seen_at_once_and_one_made_elsewhere_within_a_second([one, other]: [Instance; 2]) {
    let user = somebody();
    for change in 0..1_000 {
        let name = change.to_string();
        one.name(user, &name).await;
        assert_eq!(one.read(user).await, Some(name.clone()));
        if change % 500 == 0 {
            let took = other.eventually_reads(user, &name, DEADLINE).await;
            assert!(took < GLANCE + DELAY, "it took {took:?}");
        }
    }
}

async fn a_slow_reader_brings_nothing_old_back([one, other]: [Instance; 2]) {
    let user = somebody();
    one.users.insert(user, "Ann");
    let slow = one.a_slow_reader(user).await;

    other.name(user, "Bob").await;
    one.open_the_gate();

    assert_eq!(slow.await.unwrap().as_deref(), Some("Ann"));
    assert_eq!(other.read(user).await.as_deref(), Some("Bob"));
    let took = one.eventually_reads(user, "Bob", DEADLINE).await;
    assert!(took < GLANCE + DELAY, "it took {took:?}");
    assert_eq!(other.read(user).await.as_deref(), Some("Bob"));
}

async fn many_are_read_at_once([one, other]: [Instance; 2]) {
    let users: Vec<UserId> = (0..300).map(|_| somebody()).collect();
    let (known, unknown) = users.split_at(200);
    for user in known {
        one.users.insert(*user, &user.to_string());
    }

    for instance in [&one, &other] {
        let read = instance.queries.profiles(&users).await.unwrap();
        let names: HashMap<_, _> = read.into_iter().map(|it| (it.id, it.full_name.unwrap())).collect();
        assert_eq!(names, known.iter().map(|user| (*user, user.to_string())).collect());
    }

    assert!(!unknown.is_empty());
    assert_eq!(one.users.loads(), 1, "one look at the users, and one at Redis");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_keeps_views_under_the_prefix_for_a_day_and_that_there_is_none_for_five_seconds() {
    const HOUR: u64 = 60 * 60 * 1_000;
    let Some((url, prefix)) = fresh_redis_prefix().await else { return };
    let [one, other] = at(&url, &prefix);
    let (ann, nobody, bob) = (somebody(), somebody(), somebody());
    one.users.insert(ann, "Ann");
    one.read(ann).await;
    one.read(nobody).await;
    other.name(bob, "Bob").await;

    let mut redis = ::redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let epoch: String = ::redis::cmd("GET").arg(format!("{prefix}:views:epoch")).query_async(&mut redis).await.unwrap();
    for (user, least, most) in [(ann, 23 * HOUR, 24 * HOUR), (nobody, 1, 5_000), (bob, 1, 61_000)] {
        let key = format!("{prefix}:views:{epoch}:user:profile:1:{user}");
        let lives: u64 = ::redis::cmd("PTTL").arg(key).query_async(&mut redis).await.unwrap();
        assert!((least..=most).contains(&lives), "{lives} ms of {most} ms");
    }
    let keys: Vec<String> = ::redis::cmd("KEYS").arg(format!("{prefix}:*")).query_async(&mut redis).await.unwrap();
    assert_eq!(keys.len(), 4);
}

fn named(user: UserId, name: &str) -> User {
    let registration = a_registration();
    let full_name = Some(user_domain::FullName::parse(name).unwrap());
    let profile = user_domain::Profile { full_name, image: None };
    User::register(Registration { id: user, profile, ..registration }, DateTime::UNIX_EPOCH).0
}

struct Store(Arc<Users>);

struct Work {
    users: Arc<Users>,
    changes: Vec<(UserId, String)>,
}

#[async_trait]
impl UserStore for Store {
    async fn begin(&self) -> Result<Box<dyn UserWork>, StoreError> {
        Ok(Box::new(Work { users: self.0.clone(), changes: Vec::new() }))
    }
}

#[async_trait]
impl UserWork for Work {
    fn users(&mut self) -> &mut dyn UserRepository {
        self
    }

    fn discarded_images(&mut self) -> &mut dyn DiscardedImageRepository {
        panic!("no pictures here")
    }

    fn outbox(&mut self) -> &mut dyn Outbox {
        panic!("no events here")
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.users.names.lock().unwrap().extend(self.changes);
        Ok(())
    }
}

#[async_trait]
impl UserRepository for Work {
    async fn add(&mut self, user: &User) -> Result<(), StoreError> {
        self.save(user).await
    }

    async fn find(&mut self, _: UserId) -> Result<Option<User>, StoreError> {
        Ok(None)
    }

    async fn save(&mut self, user: &User) -> Result<(), StoreError> {
        let name = user.snapshot().profile.full_name.unwrap();
        self.changes.push((user.id(), name.as_str().to_owned()));
        Ok(())
    }
}

struct Queries(Arc<Users>);

#[async_trait]
impl UserQueries for Queries {
    async fn profiles(&self, users: &[UserId]) -> Result<Vec<ProfileRecord>, StoreError> {
        let names = self.0.names.lock().unwrap().clone();
        self.0.loads.fetch_add(1, Relaxed);
        drop(self.0.gate.acquire().await.unwrap());
        let profile = |user: &UserId| {
            Some(ProfileRecord {
                id: *user,
                username: a_registration().username,
                phone_number: None,
                role: Role::Driver { date_of_birth: None },
                full_name: Some(names.get(user)?.clone()),
                image: None,
                state: UserState::Active,
            })
        };
        Ok(users.iter().filter_map(profile).collect())
    }

    async fn account(&self, _: &AccountName) -> Result<Option<Account>, StoreError> {
        Ok(None)
    }

    async fn standing(&self, _: &PhoneNumber, _: &[PhoneNumberHash]) -> Result<NumberStanding, StoreError> {
        Ok(NumberStanding::Free)
    }

    async fn deactivated_since(&self, _: DateTime<Utc>) -> Result<Vec<UserId>, StoreError> {
        Ok(Vec::new())
    }

    async fn user(&self, _: UserId) -> Result<Option<UserView>, StoreError> {
        Ok(None)
    }

    async fn users(&self, _: &UserFilter, _: PageRequest) -> Result<Option<Page<UserView>>, StoreError> {
        Ok(None)
    }

    async fn discarded_images(&self, _: DateTime<Utc>, _: u32) -> Result<Vec<ImageKey>, StoreError> {
        Ok(Vec::new())
    }
}
