//! What tests need of Python, in a folder of its own: a stand-in for Amazon (S3, EventBridge, SQS), another implementation of our tokens, and
//! a client that makes its requests up.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use crate::process::{becomes_true_within, command, run, wait_within};

const REQUIREMENTS: &str = "tests/requirements.txt";
/// A first start compiles what was installed.
const START_DEADLINE: Duration = Duration::from_mins(1);
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// An interpreter with everything that tests require.
pub(crate) struct Python(PathBuf);

impl Python {
    /// Finds the interpreter that an earlier run made, or makes it; the error says why there is none.
    pub(crate) fn find() -> Result<Self, String> {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
        let folder = target.join("test-python");
        let folder = fs::create_dir_all(&folder).and_then(|()| folder.canonicalize());
        let folder = folder.map_err(|why| format!("there is no folder for Python: {why}"))?;
        let (interpreter, stamp) = (folder.join("bin/python"), folder.join("requirements.txt"));
        let wanted = fs::read(REQUIREMENTS).map_err(|why| format!("{REQUIREMENTS} cannot be read: {why}"))?;
        if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(Self(interpreter));
        }
        run(command("python3", &["-m", "venv", "--clear", &folder.to_string_lossy()]))?;
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", REQUIREMENTS];
        run(command(&interpreter.to_string_lossy(), &install))?;
        fs::write(&stamp, wanted).map_err(|why| format!("{} cannot be written: {why}", stamp.display()))?;
        Ok(Self(interpreter))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// A server that speaks like Amazon's S3, EventBridge and SQS. It ends when this does, however that ends: a shell waits for its input to close.
pub(crate) struct Bucket {
    shell: Child,
    pub(crate) endpoint: String,
}

impl Bucket {
    pub(crate) fn start(python: &Python) -> Result<Self, String> {
        let port = unused_port()?;
        let script = r#""$0" -m moto.server -H 127.0.0.1 -p "$1" >/dev/null 2>&1 & cat >/dev/null; kill $!"#;
        let shell = Command::new("sh")
            .args(["-c", script])
            .arg(python.path())
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|why| format!("the stand-in for S3 cannot be started: {why}"))?;
        let bucket = Self { shell, endpoint: format!("http://127.0.0.1:{port}") };
        if becomes_true_within(START_DEADLINE, || TcpStream::connect(("127.0.0.1", port)).is_ok()) {
            Ok(bucket)
        } else {
            Err("the stand-in for S3 does not answer".into())
        }
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Whatever is left of it ends with this process.
        let _ = wait_within(STOP_DEADLINE, &mut self.shell);
    }
}

fn unused_port() -> Result<u16, String> {
    let probe = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    probe.map(|it| it.port()).map_err(|why| format!("there is no free port: {why}"))
}
