//! Relays: beside the server, or alone in a process of their own.

use events_adapter::Relay;
use kernel_domain::BoxError;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use crate::config::Config;
use crate::wiring::{App, StartupError};

/// Delivers events until `shutdown` completes, and does nothing else. On `local` and `test` the database is migrated
/// first.
pub async fn relay(config: &Config, app: App, shutdown: impl Future<Output = ()> + Send) -> Result<(), StartupError> {
    if config.environment.is_private() {
        app.database.migrate().await?;
    }
    app.expect_bus().await?;
    let (stop, stopped) = watch::channel(());
    let mut relays = JoinSet::new();
    spawn(&mut relays, [app.relay, app.closed_accounts].into_iter().chain(app.announcements), &stopped);
    tokio::select! {
        () = shutdown => {}
        ended = relays.join_next() => return Err(StartupError::Other(why(ended))),
    }
    drop(stop);
    while let Some(ended) = relays.join_next().await {
        ended.map_err(|error| StartupError::Other(error.into()))?;
    }
    Ok(())
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
