//! Where events go: a server that speaks like Amazon, with a bus, a rule and a queue, which can be frozen.

use std::sync::Arc;
use std::time::Duration;

use support::amazon::Amazon;
use support::containers::amazon_of_its_own;
use testcontainers::{ContainerAsync, GenericImage};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::arrivals::from_queue;
use crate::backends::docker;

/// The bus, the rule and the queue.
pub(crate) const NAME: &str = "chaos";
const PAUSE: Duration = Duration::from_millis(100);

/// The server, for as long as this program runs.
pub(crate) struct Bus {
    container: ContainerAsync<GenericImage>,
    amazon: Arc<Amazon>,
    queue: String,
}

impl Bus {
    pub(crate) async fn start() -> Option<Self> {
        let (container, url) = amazon_of_its_own().await?;
        let amazon = Arc::new(Amazon::at(&url));
        let queue = amazon.bus_with_queue(NAME).await;
        Some(Self { container, amazon, queue })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        self.amazon.endpoint()
    }

    /// Keeps it from running for a while.
    pub(crate) async fn freeze(&self, time: Duration) -> Result<(), String> {
        docker(&["pause"], &self.container).await?;
        sleep(time).await;
        docker(&["unpause"], &self.container).await
    }

    /// Takes from the queue what arrives: the ids of the events of shipping, in its order. When `stop` says that nothing more
    /// comes, it takes what is left.
    pub(crate) fn arrivals(&self, mut stop: watch::Receiver<bool>) -> JoinHandle<Vec<String>> {
        let (amazon, queue) = (self.amazon.clone(), self.queue.clone());
        tokio::spawn(async move {
            let mut arrived = Vec::new();
            loop {
                let is_over = *stop.borrow();
                let messages = amazon.taken_from(&queue).await;
                if messages.is_empty() {
                    if is_over {
                        return arrived;
                    }
                    tokio::select! {
                        _ = stop.wait_for(|it| *it) => {}
                        () = sleep(PAUSE) => {}
                    }
                }
                arrived.extend(messages.iter().filter_map(from_queue));
            }
        })
    }
}
