//! A Redis that is slow to answer, gone or back again: requests are served, and soon.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot have what it needs fails")]

use std::sync::Arc;
use std::time::Duration;

use cache_adapter::{CacheUrl, MemoryThrottle, RedisCache, RedisSettings, ResilientThrottle};
use kernel_application::{Rate, Throttle};
use support::containers::{redis_cluster_of_its_own, redis_of_its_own};
use testcontainers::{ContainerAsync, GenericImage};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const ONCE: Rate = Rate { limit: 1, window: Duration::from_hours(1) };
const DEADLINE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// Nobody waits longer, on the slowest of machines: a sixth of it is what the settings allow.
const PATIENCE: Duration = Duration::from_secs(1);

/// Two instances of the service, and callers who have not been here yet.
struct Service {
    instances: [Arc<ResilientThrottle>; 2],
    callers: u32,
}

impl Service {
    fn on(url: &str) -> Self {
        let CacheUrl::Redis(url) = CacheUrl::parse(url).unwrap() else { panic!("{url} is no Redis") };
        let instance = |_| {
            let redis = RedisCache::connect(&url, "test", &RedisSettings::default());
            Arc::new(ResilientThrottle::new(Arc::new(redis.throttle()), MemoryThrottle::default()))
        };
        Self { instances: [0, 1].map(instance), callers: 0 }
    }

    /// How many of the two instances let somebody pass who may pass once, and how long he had to wait.
    async fn admissions(&mut self) -> (u32, [Duration; 2]) {
        self.callers += 1;
        let (mut admissions, mut waits) = (0, [Duration::ZERO; 2]);
        for (throttle, wait) in self.instances.iter().zip(&mut waits) {
            let asked_at = Instant::now();
            admissions += u32::from(throttle.hit("burst", &self.callers.to_string(), ONCE).await.unwrap().allowed);
            *wait = asked_at.elapsed();
        }
        (admissions, waits)
    }

    /// How many pass of 1000 requests that one caller makes at once, half of them of each instance.
    async fn passed_of_a_rush(&self, rate: Rate) -> usize {
        let mut requests = JoinSet::new();
        for throttle in self.instances.iter().cycle().take(1_000) {
            let throttle = throttle.clone();
            requests.spawn(async move { throttle.hit("burst", "ann", rate).await.unwrap() });
        }
        requests.join_all().await.into_iter().filter(|it| it.allowed).count()
    }

    async fn counts_together(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        while self.admissions().await.0 != 1 {
            assert!(Instant::now() < deadline, "the instances do not count together");
            sleep(PAUSE).await;
        }
    }

    /// Whoever asks is answered in time, and most at once, by each instance for itself.
    async fn counts_apart(&mut self) {
        let mut waits = Vec::new();
        for _ in 0..500 {
            let (admissions, both) = self.admissions().await;
            assert_eq!(admissions, 2);
            waits.extend(both);
        }
        waits.sort_unstable();
        assert!(waits[waits.len() - 1] < PATIENCE, "somebody waited for {:?}", waits.last());
        assert!(waits[waits.len() / 2] < Duration::from_millis(5), "half of them waited for more than 5 ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_served_while_redis_does_not_answer_and_counted_together_when_it_does() {
    let Some((redis, url)) = redis_of_its_own().await else { return };
    goes_and_comes_back(&redis, Service::on(&url)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_they_are_while_a_cluster_does_not_answer() {
    let Some((redis, url)) = redis_cluster_of_its_own().await else { return };
    goes_and_comes_back(&redis, Service::on(&url)).await;
}

async fn goes_and_comes_back(redis: &ContainerAsync<GenericImage>, mut service: Service) {
    service.counts_together().await;

    redis.pause().await.unwrap();
    service.counts_apart().await;
    redis.unpause().await.unwrap();
    service.counts_together().await;

    redis.stop_with_timeout(Some(0)).await.unwrap();
    service.counts_apart().await;
    redis.start().await.unwrap();
    service.counts_together().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_goes_in_a_rush_and_comes_back_empty_lets_nobody_pass_more_than_twice_as_often_as_he_may() {
    let rate = Rate { limit: 300, window: Duration::from_hours(1) };
    let Some((redis, url)) = redis_of_its_own().await else { return };
    let mut service = Service::on(&url);
    service.counts_together().await;

    let early = Rate { limit: 100, ..rate };
    assert_eq!(service.passed_of_a_rush(early).await, 100);
    let (rush, stopped) = tokio::join!(service.passed_of_a_rush(rate), redis.stop_with_timeout(Some(0)));
    stopped.unwrap();
    let alone = service.passed_of_a_rush(rate).await;
    redis.start().await.unwrap();
    service.counts_together().await;
    let back = service.passed_of_a_rush(rate).await;

    let passed = 100 + rush + alone + back;
    assert!((300..=600).contains(&passed), "{passed} passed: {rush} in the rush, {alone} alone, {back} back together");
    assert_eq!(back, 0, "each instance remembers by itself whom it let pass");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_served_by_a_service_that_starts_before_its_redis() {
    let Some((redis, url)) = redis_of_its_own().await else { return };
    redis.stop_with_timeout(Some(0)).await.unwrap();
    let mut service = Service::on(&url);
    service.counts_apart().await;
    redis.start().await.unwrap();
    service.counts_together().await;
}
