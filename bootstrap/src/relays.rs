//! Relays: beside the server, or alone in a process of their own.

use std::sync::Arc;
use std::time::Duration;

use events_adapter::Relay;
use kernel_domain::BoxError;
use telemetry_adapter::Metrics;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use crate::config::Config;
use crate::metrics;
use crate::wiring::{App, StartupError};

/// How long what runs beside the requests may take to end: a call of a relay has seven seconds, and has to be noted.
const GRACE: Duration = Duration::from_secs(8);

/// Delivers events until `shutdown` completes, tells its numbers, and does nothing else. On `local` and `test` the database
/// is migrated first.
pub async fn relay(config: &Config, app: App, shutdown: impl Future<Output = ()> + Send) -> Result<(), StartupError> {
    if config.environment.is_private() {
        app.database.migrate().await?;
    }
    app.expect_bus().await?;
    let metrics = Arc::new(Metrics::start().map_err(|error| StartupError::Other(error.into()))?);
    let listener = metrics::listener(config.metrics).await?;
    let (stop, stopped) = watch::channel(());
    let mut beside = JoinSet::new();
    spawn(&mut beside, [app.relay, app.closed_accounts].into_iter().chain(app.announcements), &stopped);
    beside.spawn(metrics::serve(listener, metrics, app.watched, stopped));
    tokio::select! {
        () = shutdown => {}
        ended = beside.join_next() => return Err(StartupError::Other(why(ended))),
    }
    drop(stop);
    all_ended(beside).await
}

/// Waits until everything has ended that was told to. What takes longer than a relay may is cut: whoever tells a process to
/// stop kills it some time later.
pub(crate) async fn all_ended(mut beside: JoinSet<()>) -> Result<(), StartupError> {
    let ending = async {
        while let Some(ended) = beside.join_next().await {
            ended.map_err(|error| StartupError::Other(error.into()))?;
        }
        Ok(())
    };
    timeout(GRACE, ending).await.unwrap_or_else(|_| {
        tracing::warn!("stopping: what runs beside the requests did not end in time");
        Ok(())
    })
}

/// Has relays deliver until `stopped` says so; what they have claimed by then is settled or given back.
pub(crate) fn spawn(beside: &mut JoinSet<()>, relays: impl IntoIterator<Item = Relay>, stopped: &watch::Receiver<()>) {
    for relay in relays {
        let mut stopped = stopped.clone();
        beside.spawn(async move {
            let stop = async move {
                // An error means that the process ends, which is what is waited for.
                let _ = stopped.changed().await;
            };
            relay.run(stop).await;
        });
    }
}

/// Why something ended that should have run on.
pub(crate) fn why(ended: Option<Result<(), JoinError>>) -> BoxError {
    match ended {
        Some(Err(panic)) => panic.into(),
        Some(Ok(())) | None => "what runs beside the server ended".into(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_does_not_end_holds_no_process_up() {
        let mut beside = JoinSet::new();
        beside.spawn(async {});
        beside.spawn(std::future::pending());
        let told = Instant::now();

        all_ended(beside).await.expect("nothing died");

        assert_eq!(told.elapsed().as_secs(), GRACE.as_secs());
    }
}
