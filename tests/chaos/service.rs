//! A process of the service: started, killed, frozen, stopped, and started again.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use reqwest::Client;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// A debug binary needs a moment on a busy machine.
const START_DEADLINE: Duration = Duration::from_mins(1);
/// What ran before has everything that it needs.
const RESTART_DEADLINE: Duration = Duration::from_secs(15);
/// What has begun may take 20 s to end.
const STOP_DEADLINE: Duration = Duration::from_secs(40);
const KILL_DEADLINE: Duration = Duration::from_secs(10);
const COMMAND_DEADLINE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(10);

/// How the program is started.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl Program {
    /// The program in a process that ends when this one does, however that happens.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&self.path).args(arguments);
        command.current_dir(&self.folder).env_clear().envs(self.variables.iter().map(|(name, value)| (*name, value)));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a command to its end, and gives what it printed.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let ended = timeout(COMMAND_DEADLINE, self.command(arguments).output()).await;
        let ended = ended.map_err(|_| format!("majestic {arguments:?} takes too long"))?;
        let ended = ended.map_err(|why| format!("{} cannot be run: {why}", self.path.display()))?;
        if ended.status.success() {
            return Ok(String::from_utf8_lossy(&ended.stdout).trim().to_owned());
        }
        Err(format!("majestic {arguments:?} ended with {}: {}", ended.status, String::from_utf8_lossy(&ended.stderr)))
    }
}

/// A process that serves, or is about to again.
pub(crate) struct Service {
    program: Program,
    pub(crate) base: String,
    process: Child,
}

impl Service {
    /// Starts it where it always listens, and waits until it answers.
    pub(crate) async fn start(program: Program, port: u16) -> Result<Self, String> {
        let process = serve(&program)?;
        let mut service = Self { program, base: format!("http://127.0.0.1:{port}"), process };
        service.until_it_answers(START_DEADLINE).await?;
        Ok(service)
    }

    /// Ends it as a crash would.
    pub(crate) async fn kill(&mut self) -> Result<(), String> {
        signal(&self.process, "KILL").await?;
        self.ended(KILL_DEADLINE).await.map(drop)
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stop(&mut self) -> Result<ExitStatus, String> {
        signal(&self.process, "TERM").await?;
        self.ended(STOP_DEADLINE).await
    }

    /// Keeps it from running for a while.
    pub(crate) async fn freeze(&mut self, time: Duration) -> Result<(), String> {
        signal(&self.process, "STOP").await?;
        sleep(time).await;
        signal(&self.process, "CONT").await
    }

    /// Starts it again once it has ended; how long it took until it answered.
    pub(crate) async fn start_again(&mut self) -> Result<Duration, String> {
        let begun = Instant::now();
        self.process = serve(&self.program)?;
        self.until_it_answers(RESTART_DEADLINE).await?;
        Ok(begun.elapsed())
    }

    async fn until_it_answers(&mut self, patience: Duration) -> Result<(), String> {
        let http = Client::builder().timeout(Duration::from_secs(5)).build().map_err(|why| why.to_string())?;
        let deadline = Instant::now() + patience;
        while http.get(format!("{}/api/healthcheck/", self.base)).send().await.is_err() {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("a process of the service ended by itself, with {status}: see its log"));
            }
            if Instant::now() > deadline {
                return Err(format!("a process of the service does not answer within {patience:?}"));
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn ended(&mut self, deadline: Duration) -> Result<ExitStatus, String> {
        let ended = timeout(deadline, self.process.wait()).await;
        let ended = ended.map_err(|_| format!("a process of the service does not end within {deadline:?}"))?;
        ended.map_err(|why| why.to_string())
    }
}

/// Sends a signal to a process of ours.
async fn signal(process: &Child, signal: &str) -> Result<(), String> {
    let Some(process) = process.id() else {
        return Err("a process ended by itself".to_owned());
    };
    let script = format!("kill -{signal} {process}");
    let sent = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).status().await;
    sent.ok().filter(ExitStatus::success).map(drop).ok_or_else(|| format!("SIG{signal} cannot be sent"))
}

/// What it logs, events included, goes to the end of one file: the kernel puts the lines of all processes in order.
fn serve(program: &Program) -> Result<Child, String> {
    let output = appended(&program.folder.join("service.log"))?;
    let errors = appended(&program.folder.join("errors.log"))?;
    let mut serve = program.command(&["serve"]);
    serve.stdout(output).stderr(errors).spawn().map_err(|why| format!("majestic cannot be started: {why}"))
}

fn appended(path: &Path) -> Result<File, String> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map_err(|why| format!("{} cannot be written: {why}", path.display()))
}

/// A port that nobody listens on; somebody else may take it before it is used.
pub(crate) fn unused_port() -> Result<u16, String> {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    probe.map(|it| it.port()).map_err(|why| format!("there is no free port: {why}"))
}
