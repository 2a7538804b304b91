//! A Redis that is slow to answer, gone or back again, while it keeps views: readers are served, and soon, and what
//! was changed meanwhile is not shown as it was.

#![expect(clippy::unwrap_used, reason = "a test that cannot have what it needs fails")]

use std::time::Duration;

use cache_adapter::RedisSettings;
use support::containers::{redis_cluster_of_its_own, redis_of_its_own};
use testcontainers::{ContainerAsync, GenericImage};
use tokio::time::{Instant, sleep};
use user_domain::UserId;

use crate::cache::{Instance, instances_with, somebody, views_at};

const DEADLINE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(50);

/// Nobody waits longer, on the slowest of machines: a third of it is what the settings allow for a look and a write.
const PATIENCE: Duration = Duration::from_secs(1);

fn service_on(url: &str) -> [Instance; 2] {
    let views = [(); 2].map(|()| views_at(url, "test", &RedisSettings::default()));
    instances_with([&views[0], &views[1]])
}

/// Somebody whom one instance has loaded, and the other finds in Redis.
async fn shared_by([one, other]: &[Instance; 2]) -> UserId {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let user = somebody();
        one.users.insert(user, "Ann");
        assert_eq!(one.read(user).await.as_deref(), Some("Ann"));
        let loads = one.users.loads();
        assert_eq!(other.read(user).await.as_deref(), Some("Ann"));
        if one.users.loads() == loads {
            return user;
        }
        assert!(Instant::now() < deadline, "the instances do not share what they load");
        sleep(PAUSE).await;
    }
}

/// Whoever reads or changes something is served in time, and most readers at once.
async fn is_served([one, other]: &[Instance; 2], kept: UserId) {
    let started_at = Instant::now();
    one.name(kept, "Bob").await;
    let mut waits = vec![started_at.elapsed()];
    assert_eq!(one.read(kept).await.as_deref(), Some("Bob"));
    for _ in 0..500 {
        for instance in [one, other] {
            let user = somebody();
            let asked_at = Instant::now();
            assert_eq!(instance.read(user).await, None);
            waits.push(asked_at.elapsed());
        }
    }
    waits.sort_unstable();
    assert!(waits[waits.len() - 1] < PATIENCE, "somebody waited for {:?}", waits.last());
    assert!(waits[waits.len() / 2] < Duration::from_millis(5), "half of them waited for more than 5 ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_redis_was_not_there_for_is_seen_everywhere_when_it_is_back() {
    let Some((redis, url)) = redis_of_its_own().await else { return };
    goes_and_comes_back(&redis, &service_on(&url)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_is_one_that_a_cluster_was_not_there_for() {
    let Some((redis, url)) = redis_cluster_of_its_own().await else { return };
    goes_and_comes_back(&redis, &service_on(&url)).await;
}

async fn goes_and_comes_back(redis: &ContainerAsync<GenericImage>, service: &[Instance; 2]) {
    let kept = shared_by(service).await;
    redis.pause().await.unwrap();
    is_served(service, kept).await;
    redis.unpause().await.unwrap();
    service[1].eventually_reads(kept, "Bob", DEADLINE).await;

    let kept = shared_by(service).await;
    redis.stop_with_timeout(Some(0)).await.unwrap();
    is_served(service, kept).await;
    redis.start().await.unwrap();
    service[1].eventually_reads(kept, "Bob", DEADLINE).await;
    shared_by(service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_are_served_by_a_service_that_starts_before_its_redis() {
    let Some((redis, url)) = redis_of_its_own().await else { return };
    redis.stop_with_timeout(Some(0)).await.unwrap();
    let service = service_on(&url);
    is_served(&service, somebody()).await;
    redis.start().await.unwrap();
    shared_by(&service).await;
}
