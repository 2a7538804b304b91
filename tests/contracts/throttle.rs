//! What every throttle promises, in the memory of one process, and in a Redis or a cluster that several share.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot have what it needs fails")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cache_adapter::{CacheUrl, MemoryThrottle, RedisCache, RedisSettings};
use kernel_application::{Rate, Throttle, Verdict};
use support::containers::{fresh_redis_prefix, redis_cluster_of_its_own};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

/// Two throttles that count together, as two instances of the service have them.
type Instances = [Arc<dyn Throttle>; 2];

fn in_memory() -> Instances {
    let throttle = Arc::new(MemoryThrottle::default());
    [throttle.clone(), throttle]
}

/// Two pools on one server.
async fn in_redis() -> Option<Instances> {
    let (url, prefix) = fresh_redis_prefix().await?;
    Some([(); 2].map(|()| throttle_in_redis(&url, &prefix)))
}

/// A busy machine may take its time: how long to wait for Redis is not the matter here.
fn throttle_in_redis(url: &str, prefix: &str) -> Arc<dyn Throttle> {
    let CacheUrl::Redis(url) = CacheUrl::parse(url).unwrap() else { panic!("{url} is no Redis") };
    let settings = RedisSettings {
        patience: DEADLINE,
        connect_timeout: DEADLINE,
        response_timeout: DEADLINE,
        ..RedisSettings::default()
    };
    Arc::new(RedisCache::connect(&url, prefix, &settings).throttle())
}

macro_rules! every_throttle_promises {
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
                let Some(instances) = super::in_redis().await else { return };
                super::$promise(instances).await;
            })+
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn a_cluster_keeps_every_promise() {
            let Some((_container, url)) = redis_cluster_of_its_own().await else { return };
            $($promise([(); 2].map(|()| throttle_in_redis(&url, stringify!($promise)))).await;)+
        }
    };
}

every_throttle_promises![
    of_many_at_once_exactly_as_many_pass_as_may,
    a_verdict_says_how_many_are_left_and_for_how_long,
    a_refused_request_does_not_lengthen_the_wait,
    the_window_slides_along_with_each_request,
    scopes_and_callers_do_not_count_for_each_other,
    a_lower_limit_counts_what_passed_under_the_higher_one,
    a_limit_of_none_lets_nobody_pass,
];

/// Tells a process that it is the second one, and what the two share.
const SHARED_WITH: &str = "THROTTLE_SHARED_WITH";

/// The same test is both processes: the first one starts it again.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_let_pass_exactly_as_many_as_may() {
    const LIMIT: usize = 100;
    const EACH: usize = 250;
    let passing = async |url: &str, prefix: &str| {
        let throttle = throttle_in_redis(url, prefix);
        let rate = Rate { limit: LIMIT.try_into().unwrap(), window: Duration::from_mins(10) };
        let mut hits: JoinSet<_> = (0..EACH)
            .map(|_| {
                let throttle = throttle.clone();
                async move { hit(&throttle, rate).await }
            })
            .collect();
        let mut passed = 0;
        while let Some(verdict) = hits.join_next().await {
            passed += usize::from(verdict.unwrap().allowed);
        }
        passed
    };
    #[expect(clippy::disallowed_methods, reason = "that is how one process tells the other")]
    let shared = std::env::var(SHARED_WITH);
    if let Ok(shared) = shared {
        let (url, prefix) = shared.split_once(' ').unwrap();
        println!("passed={}", passing(url, prefix).await);
        return;
    }
    let Some((url, prefix)) = fresh_redis_prefix().await else { return };
    let mut second = tokio::process::Command::new(std::env::current_exe().unwrap());
    second.args(["--exact", "throttle::two_processes_let_pass_exactly_as_many_as_may", "--nocapture"]);
    second.env(SHARED_WITH, format!("{url} {prefix}")).kill_on_drop(true);

    let (theirs, ours) = tokio::join!(second.output(), passing(&url, &prefix));

    let told = String::from_utf8(theirs.unwrap().stdout).unwrap();
    let theirs = told.lines().find_map(|it| it.split_once("passed=")).unwrap_or_else(|| panic!("{told}")).1;
    assert_eq!(theirs.trim().parse::<usize>().unwrap() + ours, LIMIT, "{theirs} there, {ours} here");
}

async fn hit(throttle: &Arc<dyn Throttle>, rate: Rate) -> Verdict {
    throttle.hit("burst", "ann", rate).await.unwrap()
}

/// Asks until the verdict is as it should be. A request that is refused leaves no trace, so asking changes nothing.
async fn eventually(throttle: &Arc<dyn Throttle>, rate: Rate, mut is_it: impl FnMut(&Verdict) -> bool) -> Verdict {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let verdict = hit(throttle, rate).await;
        if is_it(&verdict) {
            return verdict;
        }
        assert!(Instant::now() < deadline, "it is {verdict:?} still");
        sleep(PAUSE).await;
    }
}

async fn of_many_at_once_exactly_as_many_pass_as_may(instances: Instances) {
    let rate = Rate { limit: 37, window: 60 * SECOND };
    let mut requests = JoinSet::new();
    for throttle in instances.into_iter().cycle().take(500) {
        requests.spawn(async move { hit(&throttle, rate).await });
    }
    let passed: Vec<Verdict> = requests.join_all().await.into_iter().filter(|it| it.allowed).collect();

    assert_eq!(passed.len(), 37);
    let remaining: BTreeSet<u32> = passed.iter().map(|it| it.remaining).collect();
    assert_eq!(remaining, (0..37).collect(), "each of them was told another number");
}

async fn a_verdict_says_how_many_are_left_and_for_how_long([one, other]: Instances) {
    let rate = Rate { limit: 2, window: 60 * SECOND };
    let started_at = Instant::now();
    let first = hit(&one, rate).await;
    let second = hit(&other, rate).await;
    let third = hit(&one, rate).await;
    let passed = started_at.elapsed();

    assert_eq!((first.allowed, first.remaining), (true, 1));
    assert_eq!((second.allowed, second.remaining), (true, 0));
    assert_eq!((third.allowed, third.remaining), (false, 0));
    assert_eq!(first.reset_after, rate.window);
    for later in [second, third] {
        assert!(later.reset_after <= rate.window, "{later:?}");
        assert!(later.reset_after + passed + SECOND / 1000 >= rate.window, "{later:?} after {passed:?}");
    }
}

async fn a_refused_request_does_not_lengthen_the_wait([one, other]: Instances) {
    let rate = Rate { limit: 1, window: SECOND };
    assert!(hit(&one, rate).await.allowed);
    let mut wait = rate.window;
    eventually(&other, rate, |verdict| {
        assert!(verdict.allowed || verdict.reset_after <= wait, "{verdict:?} after {wait:?}");
        wait = verdict.reset_after;
        verdict.allowed
    })
    .await;
}

async fn the_window_slides_along_with_each_request([one, other]: Instances) {
    let rate = Rate { limit: 2, window: 2 * SECOND };
    let look = Rate { limit: 1, ..rate };
    assert!(hit(&one, rate).await.allowed);
    eventually(&one, look, |first| first.reset_after <= SECOND).await;
    assert!(hit(&other, rate).await.allowed);

    let third = eventually(&one, rate, |third| third.allowed).await;

    assert_eq!(third.remaining, 0, "the second one counts still");
    assert!(third.reset_after < rate.window, "it is the second one that is forgotten next: {third:?}");
    assert!(!hit(&other, rate).await.allowed);
}

async fn scopes_and_callers_do_not_count_for_each_other([one, other]: Instances) {
    let rate = Rate { limit: 1, window: 60 * SECOND };
    for (scope, caller) in
        [("a", "b"), ("a", "c"), ("b", "b"), ("a", "b:c"), ("a:b", "c"), ("a", ""), ("", "a"), ("", "")]
    {
        assert!(one.hit(scope, caller, rate).await.unwrap().allowed, "{scope:?} {caller:?}");
        assert!(!other.hit(scope, caller, rate).await.unwrap().allowed, "{scope:?} {caller:?}");
    }
}

async fn a_lower_limit_counts_what_passed_under_the_higher_one([one, other]: Instances) {
    let high = Rate { limit: 3, window: 2 * SECOND };
    let low = Rate { limit: 1, ..high };
    assert!(hit(&one, high).await.allowed);
    eventually(&one, low, |first| first.reset_after <= SECOND).await;
    assert!(hit(&other, high).await.allowed);

    let refused = hit(&one, low).await;

    assert_eq!((refused.allowed, refused.remaining), (false, 0));
    assert!(refused.reset_after > SECOND, "the second one has to go, not only the first: {refused:?}");
}

async fn a_limit_of_none_lets_nobody_pass([one, _]: Instances) {
    let none = Rate { limit: 0, window: 60 * SECOND };
    let refused = Verdict { allowed: false, remaining: 0, reset_after: none.window };
    assert_eq!([hit(&one, none).await, hit(&one, none).await], [refused; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_keeps_a_caller_under_the_prefix_and_no_longer_than_his_requests_count() {
    let Some((url, prefix)) = fresh_redis_prefix().await else { return };
    let rate = Rate { limit: 2, window: 60 * SECOND };
    hit(&throttle_in_redis(&url, &prefix), rate).await;

    let mut redis = ::redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = ::redis::cmd("KEYS").arg(format!("{prefix}:*")).query_async(&mut redis).await.unwrap();
    assert_eq!(keys, [format!("{prefix}:throttle:burst:{{ann}}")]);
    let expires_after: u64 = ::redis::cmd("PTTL").arg(&keys).query_async(&mut redis).await.unwrap();
    assert!((1..=60_000).contains(&expires_after), "after {expires_after} ms");
}
