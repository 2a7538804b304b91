//! Whether the process is about to stop, and what it still has to finish.

use std::sync::Arc;

use tokio::sync::watch;

/// Shared by everything that serves: clones see the same life.
#[derive(Clone, Default)]
pub struct Lifecycle(Arc<watch::Sender<Phase>>);

#[derive(Default)]
struct Phase {
    draining: bool,
    running: usize,
}

/// Work that is waited for before the process ends, for as long as this lives.
pub struct Running(Lifecycle);

impl Lifecycle {
    /// Says that the process stops soon: it is not ready any more.
    pub fn drain(&self) {
        self.0.send_modify(|phase| phase.draining = true);
    }

    /// Whether the process stops soon.
    pub fn is_draining(&self) -> bool {
        self.0.borrow().draining
    }

    /// Begins something that must not be cut off.
    pub fn begin(&self) -> Running {
        self.0.send_modify(|phase| phase.running += 1);
        Running(self.clone())
    }

    /// Waits until nothing is running.
    pub async fn idle(&self) {
        // An error means that the sender is gone, which we hold ourselves.
        let _ = self.0.subscribe().wait_for(|phase| phase.running == 0).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.send_modify(|phase| phase.running -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn it_is_idle_when_all_that_began_has_ended() {
        let lifecycle = Lifecycle::default();
        let (one, other) = (lifecycle.begin(), lifecycle.clone().begin());

        drop(one);
        assert!(lifecycle.idle().now_or_never().is_none());
        drop(other);
        assert!(lifecycle.idle().now_or_never().is_some());
    }

    #[test]
    fn every_clone_hears_that_the_end_is_near() {
        let lifecycle = Lifecycle::default();
        let elsewhere = lifecycle.clone();

        lifecycle.drain();

        assert!(elsewhere.is_draining());
    }
}
