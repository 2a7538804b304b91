//! Serves the API with everything that runs beside it.

use std::sync::Arc;

use http_adapter::{Contexts, HttpSettings, Inbox, InboxMessage, Lifecycle, ServerSettings, api};
use telemetry_adapter::Metrics;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::{Config, Context};
use crate::metrics;
use crate::relays;
use crate::telemetry::Requests;
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
    app.expect_bus().await?;
    let metrics = Arc::new(Metrics::start().map_err(|error| StartupError::Other(error.into()))?);
    let metrics_listener = metrics::listener(config.metrics).await?;
    let App { auth, users, distribution, shipping, chores, probes, idempotency, watched, .. } = app;
    let closed_accounts = config.contexts.has(Context::Auth).then_some(app.closed_accounts);
    let relays = [app.relay].into_iter().chain(closed_accounts).chain(app.announcements);
    let lifecycle = Lifecycle::default();
    let settings = HttpSettings {
        contexts: config.contexts.names(),
        questions: app.questions,
        public_url: config.public_url.clone(),
        public_docs: config.environment.is_private(),
        trusted_proxies: config.trusted_proxies.clone(),
        allowed_origins: config.allowed_origins.clone(),
        rates: config.throttle_rates.clone(),
        media: app.media.filter(|_| config.contexts.has(Context::User)),
        inbox: app.inbox.map(|it| Arc::new(Phones(it)) as Arc<dyn Inbox>),
        probes,
        lifecycle: lifecycle.clone(),
        request_timeout: config.request_timeout,
        requests: config.requests,
        observer: Arc::new(Requests { metrics: metrics.clone(), are_traced: config.traces.is_some() }),
    };
    let (clock, ids, throttle) = (chores.clock.clone(), app.ids, app.throttle);
    // Nobody is let in with a token that is good no more, not even before the first look at the store is due.
    if let Err(error) = auth.look_for_ended().await {
        tracing::warn!(error = &error as &dyn std::error::Error, "nobody knows yet who has signed out");
    }
    let contexts = Contexts { auth, users, distribution, shipping, clock, ids, throttle, idempotency };
    let endpoint = api(contexts, settings);

    let (stop, stopped) = watch::channel(());
    let mut beside = JoinSet::new();
    relays::spawn(&mut beside, relays, &stopped);
    beside.spawn(metrics::serve(metrics_listener, metrics, watched, stopped.clone()));
    beside.spawn(async move { chores.run(stopped).await });
    // What died beside the server would leave a process behind that looks well and delivers nothing.
    let mut died = None;
    let shutdown = async {
        tokio::select! {
            () = shutdown => {}
            ended = beside.join_next() => died = Some(ended),
        }
    };
    let settings = ServerSettings { notice: config.drain, ..ServerSettings::default() };
    http_adapter::serve(listener, endpoint, shutdown, lifecycle, settings).await;
    drop(stop);
    if let Some(ended) = died {
        return Err(StartupError::Other(relays::why(ended)));
    }
    relays::all_ended(beside).await
}

/// What was sent to phones, for whoever sits at the machine.
struct Phones(events_adapter::Inbox);

impl Inbox for Phones {
    fn messages(&self) -> Vec<InboxMessage> {
        let messages = self.0.messages().into_iter();
        messages.map(|it| InboxMessage { sent_at: it.sent_at, number: it.phone_number, token: it.token }).collect()
    }
}
