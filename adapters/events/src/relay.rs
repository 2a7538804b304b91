//! The relay: claims events, hands them to a publisher, and settles what became of them.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kernel_application::{ClaimLimits, Clock, Deliveries, Delivery, DeliveryOutcome, Ids, Publisher, StoredEvent};
use kernel_domain::StoreError;
use uuid::Uuid;

/// How a relay goes about it.
#[derive(Debug, Clone, Copy)]
pub struct RelaySettings {
    /// How long to wait when there is nothing to do.
    pub idle: Duration,
    /// The most events in one claim; EventBridge takes ten in a call.
    pub batch: u32,
    /// How long a claim holds. A relay that dies holds its events back for no longer.
    pub lease: TimeDelta,
    /// After so many attempts an event is parked.
    pub max_attempts: u32,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self { idle: Duration::from_millis(500), batch: 10, lease: TimeDelta::seconds(10), max_attempts: 10 }
    }
}

/// The longest pause between two attempts.
const MAX_BACKOFF_SECONDS: i64 = 120;

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

impl Relay {
    /// Delivers until `stop` completes. What was claimed by then is still settled.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let owner = self.ids.uuid();
        tokio::pin!(stop);
        loop {
            let pause = match self.deliver_batch(owner).await {
                Ok(0) => self.settings.idle,
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the outbox could not be read");
                    self.settings.idle
                }
            };
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Delivers until nothing is due any more; how many events were settled. For tests and for the demonstration.
    pub async fn drain(&self) -> Result<usize, StoreError> {
        let owner = self.ids.uuid();
        let mut settled = 0;
        loop {
            match self.deliver_batch(owner).await? {
                0 => return Ok(settled),
                some => settled += some,
            }
        }
    }

    async fn deliver_batch(&self, owner: Uuid) -> Result<usize, StoreError> {
        let limits = ClaimLimits { events: self.settings.batch, lease: self.settings.lease };
        let claimed = self.deliveries.claim(owner, limits, self.clock.now()).await?;
        if claimed.is_empty() {
            return Ok(0);
        }
        let settled = self.publish(claimed).await;
        self.deliveries.settle(owner, &settled).await?;
        Ok(settled.len())
    }

    /// Publishes what was claimed. After a failure the later events of the same aggregate are held
    /// back, so that nobody sees them out of order.
    async fn publish(&self, claimed: Vec<Delivery>) -> Vec<(Delivery, DeliveryOutcome)> {
        let mut settled = Vec::with_capacity(claimed.len());
        let mut stopped: HashSet<Uuid> = HashSet::new();
        for round in rounds(claimed) {
            let (held, round): (Vec<_>, Vec<_>) =
                round.into_iter().partition(|it| stopped.contains(&it.event.aggregate_id));
            settled.extend(held.into_iter().map(|it| (it, DeliveryOutcome::Released)));
            let events: Vec<StoredEvent> = round.iter().map(|it| it.event.clone()).collect();
            let mut fates =
                if events.is_empty() { Vec::new() } else { self.publisher.publish(&events).await }.into_iter();
            for delivery in round {
                let fate = fates.next().unwrap_or_else(|| Err("the publisher did not say".into()));
                let outcome = match fate {
                    Ok(()) => DeliveryOutcome::Delivered,
                    Err(error) => {
                        stopped.insert(delivery.event.aggregate_id);
                        self.after_failure(&delivery, &*error)
                    }
                };
                settled.push((delivery, outcome));
            }
        }
        settled
    }

    fn after_failure(&self, delivery: &Delivery, error: &(dyn std::error::Error + 'static)) -> DeliveryOutcome {
        let (event, attempts) = (&delivery.event.id, delivery.attempts);
        if attempts >= self.settings.max_attempts {
            tracing::error!(%event, attempts, error, "an event is parked: it could not be delivered");
            return DeliveryOutcome::Parked;
        }
        tracing::warn!(%event, attempts, error, "an event could not be delivered yet");
        DeliveryOutcome::RetryAt(self.next_attempt(attempts))
    }

    /// One, two, four … seconds later, with up to half as much again so that relays do not march in step.
    fn next_attempt(&self, attempts: u32) -> DateTime<Utc> {
        let seconds = 1_i64.checked_shl(attempts.saturating_sub(1)).unwrap_or(i64::MAX).min(MAX_BACKOFF_SECONDS);
        let half = u64::try_from(seconds * 500).unwrap_or_default();
        let jitter = i64::try_from(self.ids.below(half)).unwrap_or_default();
        self.clock.now() + TimeDelta::seconds(seconds) + TimeDelta::milliseconds(jitter)
    }
}

/// Splits a claim so that no round has two events of one aggregate: whether the first one
/// arrived is known before the second one leaves.
fn rounds(claimed: Vec<Delivery>) -> Vec<Vec<Delivery>> {
    let mut rounds: Vec<(HashSet<Uuid>, Vec<Delivery>)> = Vec::new();
    for delivery in claimed {
        let aggregate = delivery.event.aggregate_id;
        let after_last = rounds.iter().rposition(|(seen, _)| seen.contains(&aggregate)).map_or(0, |at| at + 1);
        if after_last == rounds.len() {
            rounds.push(Default::default());
        }
        if let Some((seen, round)) = rounds.get_mut(after_last) {
            seen.insert(aggregate);
            round.push(delivery);
        }
    }
    rounds.into_iter().map(|(_, round)| round).collect()
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
