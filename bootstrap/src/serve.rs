//! Serves the API with everything that runs beside it.

use http_adapter::{Contexts, HttpSettings, Lifecycle, ServerSettings, api};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::Config;
use crate::wiring::{App, StartupError};

/// Serves until `shutdown` completes and what has begun by then is done. On `local` and `test`
/// the database is migrated first.
pub async fn serve(
    config: &Config,
    app: App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), StartupError> {
    if config.environment.is_private() {
        app.database.migrate().await?;
    }
    let App { auth, users, distribution, shipping, relay, probes, ids, throttle, database: _ } = app;
    let lifecycle = Lifecycle::default();
    let settings = HttpSettings {
        public_url: config.public_url.clone(),
        public_docs: config.environment.is_private(),
        rates: config.throttle_rates.clone(),
        probes,
        lifecycle: lifecycle.clone(),
        ..HttpSettings::default()
    };
    let endpoint = api(Contexts { auth, users, distribution, shipping, ids, throttle }, settings);

    let (stop, mut stopped) = watch::channel(());
    let mut relaying = tokio::spawn(async move {
        let stop = async move {
            // An error means that the server is gone, which is what is waited for.
            let _ = stopped.changed().await;
        };
        relay.run(stop).await;
    });
    // A relay that died would leave a process behind that looks well and delivers nothing.
    let mut died = None;
    let shutdown = async {
        tokio::select! {
            () = shutdown => {}
            ended = &mut relaying => died = Some(ended),
        }
    };
    http_adapter::serve(listener, endpoint, shutdown, lifecycle, ServerSettings::default()).await;
    drop(stop);
    match died {
        Some(ended) => Err(StartupError::Other(ended.err().map_or_else(|| "the relay ended".into(), Into::into))),
        None => relaying.await.map_err(|error| StartupError::Other(error.into())),
    }
}
