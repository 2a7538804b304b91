//! Where events go: a server that speaks like Amazon, with a bus, a rule and a queue, which can be frozen.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use support::amazon::Amazon;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::arrivals::from_queue;
use crate::service::{signal, unused_port};

/// The bus, the rule and the queue.
pub(crate) const NAME: &str = "chaos";
/// A first start compiles.
const START_DEADLINE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);

/// The server, for as long as this program runs.
pub(crate) struct Bus {
    process: Child,
    amazon: Arc<Amazon>,
    /// Its host and port.
    pub(crate) address: String,
    queue: String,
}

impl Bus {
    pub(crate) async fn start() -> Result<Self, String> {
        let python = support::python().ok_or("there is no Python: `cargo xtask chaos` finds it")?;
        let port = unused_port()?;
        let address = format!("127.0.0.1:{port}");
        let mut server = Command::new("setpriv");
        server.args(["--pdeathsig", "KILL", &python, "-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let process = server.spawn().map_err(|why| format!("the bus cannot be started: {why}"))?;
        let deadline = Instant::now() + START_DEADLINE;
        while TcpStream::connect(&address).await.is_err() {
            if Instant::now() > deadline {
                return Err(format!("the bus at {address} does not answer"));
            }
            sleep(PAUSE).await;
        }
        let amazon = Arc::new(Amazon::at(&format!("http://{address}")));
        let queue = amazon.bus_with_queue(NAME).await;
        Ok(Self { process, amazon, address, queue })
    }

    /// Keeps it from running for a while.
    pub(crate) async fn freeze(&self, time: Duration) -> Result<(), String> {
        signal(&self.process, "STOP").await?;
        sleep(time).await;
        signal(&self.process, "CONT").await
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
