//! `majestic` in a process of its own, with nothing set but what the test sets.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Nothing here takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Where the program runs, and what it is told.
pub(crate) struct Setting<'f> {
    pub(crate) folder: &'f Path,
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl Setting<'_> {
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_majestic"));
        command.args(arguments).current_dir(self.folder).env_clear().kill_on_drop(true).stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its good end, and gives what it printed.
    pub(crate) async fn run(&self, arguments: &[&str]) -> String {
        let output = timeout(PATIENCE, self.command(arguments).output()).await.expect("in time").expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Starts a server on a free port, and waits until requests may be sent there.
    pub(crate) async fn serve(&self) -> Server {
        self.serve_at(a_free_address().await, &["serve"]).await
    }

    /// The same at this address, by this command.
    pub(crate) async fn serve_at(&self, address: SocketAddr, arguments: &[&str]) -> Server {
        let server = self.start_at(address, arguments);
        let http = client();
        let ready = async {
            while !server.is_ready(&http).await {
                sleep(LOOK_AGAIN).await;
            }
        };
        assert!(timeout(PATIENCE, ready).await.is_ok(), "it is never ready:\n{}", server.said.all());
        server
    }

    /// The same, and does not wait for it.
    pub(crate) fn start_at(&self, address: SocketAddr, arguments: &[&str]) -> Server {
        let mut command = self.command(arguments);
        command.env("LISTEN_ADDR", address.to_string()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let said = Said::default();
        said.listen(child.stdout.take().expect("its output"));
        said.listen(child.stderr.take().expect("its complaints"));
        Server { child, base: format!("http://{address}"), said }
    }
}

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    pub(crate) base: String,
    pub(crate) said: Said,
}

impl Server {
    pub(crate) async fn is_ready(&self, http: &Client) -> bool {
        is_ready(http, &self.base).await
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Tells it to stop, as orchestrators do.
    pub(crate) async fn terminate(&self) {
        let pid = self.pid().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().await.expect("a signal");
        assert!(told.success());
    }

    /// Ends it without a warning.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("SIGKILL");
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("it ends in time").expect("it ends")
    }
}

pub(crate) async fn a_free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address")
}

pub(crate) async fn is_ready(http: &Client, base: &str) -> bool {
    let asked = http.get(format!("{base}/api/readiness/")).send().await;
    asked.is_ok_and(|it| it.status().is_success())
}

pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(PATIENCE).build().expect("a client")
}

/// Everything that a program says.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<String>>);

impl Said {
    pub(crate) fn listen(&self, output: impl AsyncRead + Unpin + Send + 'static) {
        let said = self.0.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                said.push_str(&line);
                said.push('\n');
            }
        });
    }

    pub(crate) fn all(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it is what is wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&str) -> bool) -> String {
        let heard = async {
            loop {
                let all = self.all();
                if wanted(&all) {
                    return all;
                }
                sleep(LOOK_AGAIN).await;
            }
        };
        timeout(PATIENCE, heard).await.expect("it says so in time")
    }
}
