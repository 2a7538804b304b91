//! What is done beside the requests, again and again: on every instance, since each may do it twice.

use std::sync::Arc;
use std::time::Duration;

use auth_application::Auth;
use kernel_application::{
    ANSWERS_ARE_KEPT, Clock, DELIVERED_EVENTS_ARE_KEPT, HANDLED_EVENTS_ARE_KNOWN, HandledEvents, Idempotency,
    SettledEvents,
};
use kernel_domain::StoreError;
use tokio::sync::{RwLock, watch};
use tokio::time::{MissedTickBehavior, interval};
use user_application::Users;

use crate::config::{Context, ServedContexts};

/// Rows that are deleted in one go: none holds others up for long.
const AT_ONCE: u32 = 1_000;

/// How often in a row: more than anybody makes in a minute.
const ROUNDS: u32 = 100;

/// The chores of every instance.
#[derive(Clone)]
pub struct Chores {
    /// What is served here: the chores of a context are done where it is.
    pub contexts: ServedContexts,
    /// Whose sessions end.
    pub auth: Arc<Auth>,
    /// Whose pictures go.
    pub users: Arc<Users>,
    /// What keeps answers.
    pub idempotency: Arc<dyn Idempotency>,
    /// What keeps events after their delivery.
    pub settled: Arc<dyn SettledEvents>,
    /// What remembers which events were handled.
    pub handled: Arc<dyn HandledEvents>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whoever holds this for writing has the backends to themselves: no chore is done meanwhile.
    pub turn: Arc<RwLock<()>>,
}

/// What there is to do.
#[derive(Debug, Clone, Copy)]
enum Chore {
    LookForEnded,
    KeepKeyUses,
    RemoveImages,
    DeleteSessions,
    DeleteAnswers,
    DeleteDelivered,
    DeleteHandled,
    DeleteVerifications,
}

impl Chore {
    /// The context that it belongs to; none for what every process owes its own requests, and for what belongs to nobody.
    fn context(self) -> Option<Context> {
        match self {
            Self::RemoveImages => Some(Context::User),
            Self::DeleteSessions | Self::DeleteVerifications => Some(Context::Auth),
            Self::LookForEnded
            | Self::KeepKeyUses
            | Self::DeleteAnswers
            | Self::DeleteDelivered
            | Self::DeleteHandled => None,
        }
    }

    /// How long to rest in between. Each instance has to know within a second whose tokens are good no more.
    fn pause(self) -> Duration {
        match self {
            Self::LookForEnded => Duration::from_millis(250),
            Self::RemoveImages => Duration::from_secs(1),
            Self::KeepKeyUses => Duration::from_secs(5),
            Self::DeleteSessions
            | Self::DeleteAnswers
            | Self::DeleteDelivered
            | Self::DeleteHandled
            | Self::DeleteVerifications => Duration::from_mins(1),
        }
    }
}

impl Chores {
    /// Does them until `stop` says so.
    pub async fn run(&self, stop: watch::Receiver<()>) {
        tokio::join!(
            self.repeat(Chore::LookForEnded, stop.clone()),
            self.repeat(Chore::KeepKeyUses, stop.clone()),
            self.repeat(Chore::RemoveImages, stop.clone()),
            self.repeat(Chore::DeleteSessions, stop.clone()),
            self.repeat(Chore::DeleteAnswers, stop.clone()),
            self.repeat(Chore::DeleteDelivered, stop.clone()),
            self.repeat(Chore::DeleteHandled, stop.clone()),
            self.repeat(Chore::DeleteVerifications, stop),
        );
    }

    /// Does one chore again and again, if it is one of ours. That it fails is told once, and so is that it works again.
    async fn repeat(&self, chore: Chore, mut stop: watch::Receiver<()>) {
        if chore.context().is_some_and(|it| !self.contexts.has(it)) {
            return;
        }
        let mut ticks = interval(chore.pause());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_failing = false;
        loop {
            tokio::select! {
                // An error means that the server is gone, which is what is waited for.
                _ = stop.changed() => return,
                _ = ticks.tick() => {}
            }
            let turn = self.turn.read().await;
            let outcome = self.once(chore, &stop).await;
            drop(turn);
            match outcome {
                Ok(()) => {
                    if std::mem::take(&mut is_failing) {
                        tracing::info!(?chore, "it works again");
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::warn!(?chore, error = &error as &dyn std::error::Error, "it cannot be done right now");
                    }
                }
            }
        }
    }

    async fn once(&self, chore: Chore, stop: &watch::Receiver<()>) -> Result<(), StoreError> {
        match chore {
            Chore::LookForEnded => self.auth.look_for_ended().await,
            Chore::KeepKeyUses => self.auth.keep_key_uses().await,
            Chore::RemoveImages => self.users.remove_discarded_images().await.map(drop),
            Chore::DeleteSessions => by_and_by(stop, || self.auth.delete_old_sessions(AT_ONCE)).await,
            Chore::DeleteVerifications => by_and_by(stop, || self.auth.delete_old_verifications(AT_ONCE)).await,
            Chore::DeleteAnswers => {
                let old = self.clock.now() - ANSWERS_ARE_KEPT;
                by_and_by(stop, || self.idempotency.forget(old, AT_ONCE)).await
            }
            Chore::DeleteDelivered => {
                let old = self.clock.now() - DELIVERED_EVENTS_ARE_KEPT;
                by_and_by(stop, || self.settled.forget_delivered(old, AT_ONCE)).await
            }
            Chore::DeleteHandled => {
                let old = self.clock.now() - HANDLED_EVENTS_ARE_KNOWN;
                by_and_by(stop, || self.handled.forget_handled(old, AT_ONCE)).await
            }
        }
    }
}

/// Deletes until a round finds less than it could, or somebody wants to stop: a round that has begun is finished.
async fn by_and_by<F: Future<Output = Result<u64, StoreError>>>(
    stop: &watch::Receiver<()>,
    round: impl Fn() -> F,
) -> Result<(), StoreError> {
    for _ in 0..ROUNDS {
        // An error means that the server is gone, which is what is waited for.
        if stop.has_changed().unwrap_or(true) || round().await? < u64::from(AT_ONCE) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_chore_that_is_told_to_stop_begins_no_more_rounds() {
        let (stop, stopped) = watch::channel(());
        let (stop, rounds) = (Cell::new(Some(stop)), Cell::new(0));

        let deleting = by_and_by(&stopped, || {
            rounds.set(rounds.get() + 1);
            if rounds.get() == 3 {
                drop(stop.take());
            }
            std::future::ready(Ok(u64::from(AT_ONCE)))
        });

        deleting.await.expect("it works");
        assert_eq!(rounds.get(), 3);
    }
}
