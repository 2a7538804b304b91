//! Running other programs: to their end, or to a deadline.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two looks at a program that has not ended yet.
const PAUSE: Duration = Duration::from_millis(50);

/// A command that is given no input.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    // Cargo tells this program which package it is from, and some build scripts look: a cargo that is started
    // from here would build their crates anew, and so would the next one that is not.
    let told = std::env::vars_os().map(|(name, _)| name);
    for name in told.filter(|it| it.to_string_lossy().starts_with("CARGO_PKG_") || it == "CARGO_MANIFEST_DIR") {
        command.env_remove(name);
    }
    command
}

/// Runs to the end, printing the command and whatever it prints.
pub(crate) fn run(mut command: Command) -> Result<(), String> {
    let line = written(&command);
    println!("$ {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` failed ({status})")),
        Err(why) => Err(format!("`{line}` cannot be run: {why}")),
    }
}

/// Runs to the end, and gives what the command prints; what it complains of is seen.
pub(crate) fn output(mut command: Command) -> Result<String, String> {
    match command.stderr(Stdio::inherit()).output() {
        Ok(ended) if ended.status.success() => Ok(String::from_utf8_lossy(&ended.stdout).into_owned()),
        Ok(ended) => Err(format!("`{}` failed ({})", command.get_program().to_string_lossy(), ended.status)),
        Err(why) => Err(format!("`{}` cannot be run: {why}", written(&command))),
    }
}

/// Whether the command succeeds before the deadline; silent, and ended when it does not.
pub(crate) fn succeeds_within(deadline: Duration, mut command: Command) -> bool {
    let Ok(mut child) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
        return false;
    };
    let ended = wait_within(deadline, &mut child);
    if ended.is_none() {
        // It may have ended by itself meanwhile, which is as good.
        let _ = child.kill();
        let _ = child.wait();
    }
    ended.is_some_and(|status| status.success())
}

/// Whether the condition becomes true before the deadline.
pub(crate) fn becomes_true_within(deadline: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if started.elapsed() > deadline {
            return false;
        }
        sleep(PAUSE);
    }
}

/// How the child ended, if it did before the deadline.
pub(crate) fn wait_within(deadline: Duration, child: &mut Child) -> Option<ExitStatus> {
    let mut ended = None;
    becomes_true_within(deadline, || {
        ended = child.try_wait().ok().flatten();
        ended.is_some()
    });
    ended
}

fn written(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|it| it.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
