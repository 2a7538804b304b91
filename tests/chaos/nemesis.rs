//! What goes wrong, and when: a seed decides.

use std::time::Duration;

use support::proxy::{Fault, FaultProxy};
use support::storm::Choice;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::backends::{Backends, Proxies};
use crate::service::Service;
use crate::watch::Calm;

/// How long a network fault lasts, and what makes an access slow.
const FAULT: Duration = Duration::from_millis(1_500);
const LATENCY: Duration = Duration::from_millis(300);
const DRIP: Fault = Fault::Drip { bytes: 16, every: Duration::from_millis(20) };
/// How long nothing happens to processes, and to networks, on average.
const PEACE: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_millis(1_500);
/// How long something is wrong before a process is killed.
const AGONY: Duration = Duration::from_millis(700);
const FREEZE: Duration = Duration::from_secs(3);
/// Longer than a relay has what it claimed.
const LONG_FREEZE: Duration = Duration::from_secs(12);
/// How long a process may take to answer once what it depends on does.
const RECOVERY_DEADLINE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

/// What was done.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    pub(crate) kills: usize,
    pub(crate) freezes: usize,
    pub(crate) stops: usize,
    /// How many of the kills were those of Redis.
    pub(crate) kills_of_redis: usize,
    pub(crate) faults: usize,
    /// How long a process took to answer after it was started again.
    pub(crate) restarts: Vec<Duration>,
    /// How long the service took to serve again after MySQL did.
    pub(crate) recoveries: Vec<Duration>,
}

/// Rests between two deeds, for so long on average; false if there is to be no other.
async fn rests(time: Duration, choice: &mut Choice, stop: &mut watch::Receiver<bool>) -> bool {
    let pause = time / 2 + time / 100 * u32::try_from(choice.below(100)).unwrap_or_default();
    tokio::select! {
        _ = stop.wait_for(|it| *it) => false,
        () = sleep(pause) => true,
    }
}

/// Kills, freezes and stops processes and servers until `stop` says so; then all of them run.
pub(crate) async fn haunt_processes(
    seed: u64,
    backends: &Backends,
    services: &mut [Service],
    calm: &Calm,
    mut stop: watch::Receiver<bool>,
) -> Result<Deeds, String> {
    let mut choice = Choice::seeded(seed ^ 0xDEAD);
    let mut deeds = Deeds::default();
    let mut turn = 0;
    while rests(PEACE, &mut choice, &mut stop).await {
        turn += 1;
        let victim = choice.below(services.len());
        let service = &mut services[victim];
        match (choice.below(20), backends) {
            // Early in each run, so that no run is without it.
            _ if turn == 5 => freeze(service, LONG_FREEZE, calm, &mut deeds).await?,
            (0, _) => freeze(service, FREEZE, calm, &mut deeds).await?,
            (1, _) => {
                let ended = service.stop().await?;
                if !ended.success() {
                    return Err(format!("a process that was told to stop ended with {ended}"));
                }
                deeds.stops += 1;
                deeds.restarts.push(service.start_again().await?);
            }
            (2, Backends::Servers { redis, .. }) => {
                let begin = Instant::now();
                redis.kill_and_start().await?;
                calm.was_none_for_views(begin);
                deeds.kills += 1;
                deeds.kills_of_redis += 1;
            }
            (3 | 4, Backends::Servers { mysql, .. }) => {
                calm.disturb();
                let killed = mysql.kill_and_start().await;
                calm.settle();
                killed?;
                deeds.kills += 1;
                backends.until_mysql_answers().await?;
                let back = Instant::now();
                for service in services.iter() {
                    serves_again(&service.base).await?;
                }
                deeds.recoveries.push(back.elapsed());
            }
            _ => {
                kill(service, backends.proxies_of(victim), &mut choice).await?;
                deeds.kills += 1;
                deeds.restarts.push(service.start_again().await?);
            }
        }
    }
    Ok(deeds)
}

async fn freeze(service: &mut Service, time: Duration, calm: &Calm, deeds: &mut Deeds) -> Result<(), String> {
    calm.disturb();
    let frozen = service.freeze(time).await;
    calm.settle();
    deeds.freezes += 1;
    frozen
}

/// Kills a process; mostly while MySQL is slow for it or the bus says nothing, so that it dies between what it did and what it
/// says of that.
async fn kill(service: &mut Service, proxies: Option<&Proxies>, choice: &mut Choice) -> Result<(), String> {
    let Some(Proxies { mysql, bus, .. }) = proxies.filter(|_| !choice.one_in(4)) else { return service.kill().await };
    let (proxy, fault) =
        if choice.one_in(2) { (mysql, Fault::Latency(LATENCY / 3)) } else { (bus, Fault::Truncate(0)) };
    proxy.set(fault).await;
    sleep(AGONY).await;
    let killed = service.kill().await;
    proxy.heal().await;
    killed
}

/// Waits until a process says that it has all it needs.
async fn serves_again(base: &str) -> Result<(), String> {
    let http = reqwest::Client::builder().timeout(PATIENCE).build().map_err(|why| why.to_string())?;
    let deadline = Instant::now() + RECOVERY_DEADLINE;
    loop {
        let answer = http.get(format!("{base}/api/readiness/")).send().await;
        if answer.is_ok_and(|it| it.status().is_success()) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err("a process does not recover from the death of MySQL".to_owned());
        }
        sleep(PAUSE).await;
    }
}

/// Cuts, slows and swallows what processes say to servers, and freezes the bus, until `stop` says so; how often. Then everything
/// is heard again.
pub(crate) async fn haunt_networks(
    seed: u64,
    backends: &Backends,
    calm: &Calm,
    mut stop: watch::Receiver<bool>,
) -> Result<usize, String> {
    let Backends::Servers { proxies, bus, .. } = backends else { return Ok(0) };
    let mut choice = Choice::seeded(seed ^ 0xFA11);
    let mut faults = 0;
    while rests(QUIET, &mut choice, &mut stop).await {
        faults += 1;
        let proxies = &proxies[choice.below(proxies.len())];
        match choice.below(10) {
            0 => bus.freeze(FREEZE).await?,
            1..=3 => fail(&proxies.bus, &mut choice).await,
            4..=6 => fail(&proxies.mysql, &mut choice).await,
            _ => {
                let begin = Instant::now();
                fail(&proxies.redis, &mut choice).await;
                calm.was_none_for_views(begin);
            }
        }
    }
    backends.heal().await;
    Ok(faults)
}

/// Lets something happen to connections for a while.
async fn fail(proxy: &FaultProxy, choice: &mut Choice) {
    let possible = [
        Fault::Latency(LATENCY),
        DRIP,
        Fault::Cut,
        Fault::Reset,
        Fault::BlackHole,
        Fault::Truncate(0),
        Fault::Truncate(200),
        Fault::SlowClose(LATENCY),
    ];
    if let Some(fault) = choice.of(&possible) {
        proxy.set(*fault).await;
        sleep(FAULT).await;
        proxy.heal().await;
    }
}
