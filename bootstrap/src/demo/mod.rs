//! The demonstration: sample data, then the whole scenario over HTTP, request by request.

mod sample;
mod scenario;
mod visitor;

use kernel_domain::BoxError;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::config::Config;
use crate::{build, serve};
use sample::Sample;
use visitor::Visitor;

/// Serves on a free port, plays the scenario against it, and fails at the first answer that is
/// not as expected. Can be played again and again on the same database.
pub(crate) async fn play(config: Config) -> Result<(), BoxError> {
    if !config.environment.is_private() {
        return Err("the demonstration loads sample data: it only plays on local and test".into());
    }
    let app = build(&config).await?;
    app.database.migrate().await?;
    let sample = Sample::load(&app).await?;

    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let visitor = Visitor::to(format!("http://{}", listener.local_addr()?))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(async move {
        let shutdown = async {
            // An error means that the scenario is over, which is what is waited for.
            let _ = stopped.await;
        };
        serve(&config, app, listener, shutdown).await
    });
    let played = scenario::play(visitor, &sample).await;
    drop(stop);
    serving.await??;
    played
}
