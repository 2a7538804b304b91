//! The relay: claims events, hands them to a publisher, and settles what became of them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use kernel_application::{
    ClaimLimits, Clock, Deliveries, Delivery, DeliveryOutcome, Ids, Publisher, StoredEvent, Undelivered,
};
use kernel_domain::StoreError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::pauses;
use crate::rounds::rounds;

/// How a relay goes about it.
#[derive(Debug, Clone, Copy)]
pub struct RelaySettings {
    /// How often it looks for events that other processes left behind. Of those that this process commits it hears at
    /// once.
    pub idle: Duration,
    /// How long it waits for more when it hears of an event, or when a claim was not full: those of a burst leave together,
    /// and a claim costs the database as much as a request does.
    pub linger: Duration,
    /// The most events in one claim; `EventBridge` takes ten in a call.
    pub batch: u32,
    /// How long a claim holds. A relay that dies holds its events back for no longer.
    pub lease: TimeDelta,
    /// How long the publisher may take for one call: two questions to a bus in a row, of three seconds each. Nothing is
    /// sent that could outlast the lease.
    pub deadline: Duration,
    /// After so many attempts an event that is refused is parked.
    pub max_attempts: u32,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(2),
            linger: Duration::from_millis(20),
            batch: 10,
            lease: TimeDelta::seconds(10),
            deadline: Duration::from_secs(7),
            max_attempts: 10,
        }
    }
}

/// Delivers the outbox, at least once and in order per aggregate. Any number may run.
pub struct Relay {
    /// The queue.
    pub deliveries: Arc<dyn Deliveries>,
    /// Where events go.
    pub publisher: Arc<dyn Publisher>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids, and the jitter between attempts.
    pub ids: Arc<dyn Ids>,
    /// How it goes about it.
    pub settings: RelaySettings,
}

/// What one claim came to.
struct Progress {
    settled: usize,
    /// Whether anybody was there to take events.
    is_reachable: bool,
}

impl Relay {
    /// Delivers until `stop` completes. Of what was claimed by then, what is on its way is settled, and the rest is given
    /// back.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let (tell, told) = watch::channel(false);
        let stop = async move {
            stop.await;
            tell.send_replace(true);
        };
        tokio::join!(stop, self.deliver_until(told));
    }

    async fn deliver_until(&self, mut stop: watch::Receiver<bool>) {
        let owner = self.ids.uuid();
        let batch = usize::try_from(self.settings.batch).unwrap_or(usize::MAX);
        let mut misses = 0;
        while !*stop.borrow() {
            let outcome = self.deliver_batch(owner, &stop).await;
            misses = match &outcome {
                Ok(Progress { is_reachable: true, .. }) => 0,
                Ok(_) | Err(_) => misses + 1,
            };
            let rest = async {
                match outcome {
                    Ok(Progress { is_reachable: true, settled: 0 }) => self.until_added().await,
                    Ok(Progress { is_reachable: true, settled }) if settled < batch => {
                        sleep(self.settings.linger).await;
                    }
                    Ok(Progress { is_reachable: true, .. }) => {}
                    Ok(_) => sleep(pauses::after_misses(misses, &*self.ids)).await,
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "the outbox cannot be read");
                        sleep(pauses::after_misses(misses, &*self.ids)).await;
                    }
                }
            };
            tokio::select! {
                // An error means that nobody can stop it any more, so it stops by itself.
                _ = stop.wait_for(|it| *it) => return,
                () = rest => {}
            }
        }
    }

    async fn until_added(&self) {
        if timeout(self.settings.idle, self.deliveries.added()).await.is_ok() {
            sleep(self.settings.linger).await;
        }
    }

    /// Delivers until nothing is due any more, or nobody takes it; how many events were settled. For tests and for the
    /// demonstration.
    pub async fn drain(&self) -> Result<usize, StoreError> {
        let (_tell, told) = watch::channel(false);
        let owner = self.ids.uuid();
        let mut settled = 0;
        loop {
            let progress = self.deliver_batch(owner, &told).await?;
            settled += progress.settled;
            if progress.settled == 0 || !progress.is_reachable {
                return Ok(settled);
            }
        }
    }

    async fn deliver_batch(&self, owner: Uuid, stop: &watch::Receiver<bool>) -> Result<Progress, StoreError> {
        let lease = self.settings.lease;
        let last_start = Instant::now() + lease.to_std().unwrap_or_default().saturating_sub(self.settings.deadline);
        let limits = ClaimLimits { events: self.settings.batch, lease };
        let claimed = self.deliveries.claim(owner, limits, self.clock.now()).await?;
        if claimed.is_empty() {
            return Ok(Progress { settled: 0, is_reachable: true });
        }
        let may_start = || !*stop.borrow() && Instant::now() <= last_start;
        let (settled, is_reachable) = self.publish(claimed, may_start).await;
        self.deliveries.settle(owner, &settled).await?;
        Ok(Progress { settled: settled.len(), is_reachable })
    }

    /// Publishes what was claimed, as long as it `may_start` more. After a failure the later events of the same aggregate
    /// are held back, so that nobody sees them out of order.
    async fn publish(
        &self,
        claimed: Vec<Delivery>,
        may_start: impl Fn() -> bool,
    ) -> (Vec<(Delivery, DeliveryOutcome)>, bool) {
        let mut settled = Vec::with_capacity(claimed.len());
        let mut stopped: HashSet<Uuid> = HashSet::new();
        let mut is_reachable = true;
        for round in rounds(claimed) {
            let goes_on = is_reachable && may_start();
            let (round, held): (Vec<_>, Vec<_>) =
                round.into_iter().partition(|it| goes_on && !stopped.contains(&it.event.aggregate_id));
            settled.extend(held.into_iter().map(|it| (it, DeliveryOutcome::Released)));
            let fates = self.fates(&round).await;
            // Whoever takes one event is there: that another one does not arrive is about that one.
            is_reachable = fates.iter().any(Result::is_ok) || fates.iter().all(is_about_the_event) && is_reachable;
            for (delivery, fate) in round.into_iter().zip(fates) {
                let outcome = match fate {
                    Ok(()) => DeliveryOutcome::Delivered,
                    Err(Undelivered::Unreachable(_)) if !is_reachable => DeliveryOutcome::Released,
                    Err(error) => {
                        stopped.insert(delivery.event.aggregate_id);
                        self.after_failure(&delivery, &error)
                    }
                };
                settled.push((delivery, outcome));
            }
        }
        (settled, is_reachable)
    }

    /// What the publisher says of each event, in time.
    async fn fates(&self, round: &[Delivery]) -> Vec<Result<(), Undelivered>> {
        if round.is_empty() {
            return Vec::new();
        }
        let events: Vec<StoredEvent> = round.iter().map(|it| it.event.clone()).collect();
        let in_time = timeout(self.settings.deadline, self.publisher.publish(&events)).await;
        let mut fates = in_time.unwrap_or_else(|_| {
            events.iter().map(|_| Err(Undelivered::Unreachable("there is no answer in time".into()))).collect()
        });
        fates.resize_with(round.len(), || Err(Undelivered::Refused("the publisher did not say".into())));
        if let Some(Err(error)) = fates.iter().find(|it| !is_about_the_event(it)) {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, events = round.len(), "events wait: nobody takes them right now");
        }
        fates
    }

    fn after_failure(&self, delivery: &Delivery, error: &(dyn std::error::Error + 'static)) -> DeliveryOutcome {
        let (event, attempts) = (&delivery.event.id, delivery.attempts);
        if attempts >= self.settings.max_attempts {
            tracing::error!(%event, attempts, error, "an event is parked: it could not be delivered");
            return DeliveryOutcome::Parked { reason: causes(error) };
        }
        tracing::warn!(%event, attempts, error, "an event could not be delivered yet");
        DeliveryOutcome::RetryAt(self.clock.now() + pauses::after_attempts(attempts, &*self.ids))
    }
}

/// An error, and what stands behind it.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |it| it.source()).map(ToString::to_string);
    causes.collect::<Vec<_>>().join(": ")
}

fn is_about_the_event(fate: &Result<(), Undelivered>) -> bool {
    !matches!(fate, Err(Undelivered::Unreachable(_)))
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
