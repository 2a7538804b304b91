//! What tests need of Python, in a folder of its own: another implementation of our tokens, and a client that makes its requests up.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::process::{command, run};

/// Names the interpreter for the tests.
pub(crate) const PYTHON: &str = "TEST_PYTHON";

const REQUIREMENTS: &str = "tests/requirements.txt";

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
