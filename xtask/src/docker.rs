//! Docker, through its own command line: whether it answers, which images it has, what a run leaves behind.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::process::{becomes_true_within, command, succeeds_within, wait_within};

const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
const START_DEADLINE: Duration = Duration::from_secs(30);
/// A registry that cannot be reached must not hold up a run.
const REGISTRY_DEADLINE: Duration = Duration::from_secs(15);
const PULL_DEADLINE: Duration = Duration::from_mins(10);
const SWEEP_DEADLINE: Duration = Duration::from_mins(1);

/// A Docker daemon that answered.
pub(crate) struct Docker(());

impl Docker {
    /// Finds the daemon, starting it when this user may; the error says why there is none.
    pub(crate) fn find() -> Result<Self, String> {
        if !succeeds_within(ANSWER_DEADLINE, command("docker", &["--version"])) {
            return Err("docker is not installed".into());
        }
        if answers() || (is_root() && start_daemon()) {
            return Ok(Self(()));
        }
        Err("the docker daemon does not answer".into())
    }

    #[expect(clippy::unused_self, reason = "only a daemon that answered can be asked")]
    pub(crate) fn has(&self, image: &str) -> bool {
        succeeds_within(ANSWER_DEADLINE, command("docker", &["image", "inspect", image]))
    }

    /// Pulls the image, if its registry can be reached; asks the registry first, for a pull is silent while it loads.
    #[expect(clippy::unused_self, reason = "only a daemon that answered can be asked")]
    pub(crate) fn pull(&self, image: &str) -> bool {
        succeeds_within(REGISTRY_DEADLINE, command("docker", &["manifest", "inspect", image]))
            && succeeds_within(PULL_DEADLINE, command("docker", &["pull", "--quiet", image]))
    }
}

fn answers() -> bool {
    succeeds_within(ANSWER_DEADLINE, command("docker", &["version", "--format", "{{.Server.Version}}"]))
}

pub(crate) fn is_root() -> bool {
    command("id", &["-u"]).output().is_ok_and(|it| it.stdout.trim_ascii() == b"0")
}

/// Starts the daemon in the background, where it stays.
fn start_daemon() -> bool {
    let log = std::env::temp_dir().join("dockerd.log");
    let Ok((output, errors)) = File::create(&log).and_then(|file| Ok((file.try_clone()?, file))) else {
        return false;
    };
    println!("starting dockerd, which writes to {}", log.display());
    let started = command("dockerd", &[]).stdout(output).stderr(errors).process_group(0).spawn();
    started.is_ok() && becomes_true_within(START_DEADLINE, answers)
}

/// Tells this run's containers from those of any other, also after a restart of the machine.
pub(crate) fn run_id() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", now.as_secs(), std::process::id())
}

/// Removes the containers of one run when the run ends, however it ends.
///
/// A process of its own waits for its input to close. That happens even when this one is killed, and an
/// interrupt from the keyboard does not reach its group.
pub(crate) struct Sweeper(Child);

impl Sweeper {
    /// The label that `tests/support/containers.rs` puts on whatever it starts.
    const LABEL: &str = "majestic.test-run";

    /// The label, with its value for one run.
    pub(crate) fn label(run: &str) -> String {
        format!("{}={run}", Self::LABEL)
    }

    pub(crate) fn start(run: &str) -> Result<Self, String> {
        let script = format!(
            "cat >/dev/null; ids=$(docker ps --all --quiet --filter label={}); \
             [ -z \"$ids\" ] || docker rm --force --volumes $ids",
            Self::label(run)
        );
        let child = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|why| format!("cannot watch over the containers: {why}"))?;
        Ok(Self(child))
    }

    /// Removes the containers now.
    pub(crate) fn sweep(mut self) -> Result<(), String> {
        drop(self.0.stdin.take());
        match wait_within(SWEEP_DEADLINE, &mut self.0) {
            Some(status) if status.success() => Ok(()),
            _ => Err("containers of this run may be left: see `docker ps`".into()),
        }
    }
}
