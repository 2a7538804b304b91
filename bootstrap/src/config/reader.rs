//! Reads variables one by one, and goes on when one is at fault.

use std::fs::File;
use std::io::{self, Read as _};

/// No secret is longer, and whatever else a variable names by mistake is not read to its end.
const LONGEST_SECRET: u64 = 64 * 1024;

/// Looks variables up, and keeps what is wrong with them.
pub(super) struct Reader<L> {
    pub(super) lookup: L,
    pub(super) faults: Vec<String>,
}

/// A variable that was given, and of which nothing could be made. The fault is told already.
pub(super) struct AtFault;

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// A variable that is set to nothing is not set.
    pub(super) fn raw(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|it| !it.trim().is_empty())
    }

    /// A variable that holds a secret, or what is in the file that `<name>_FILE` names, as orchestrators mount secrets.
    pub(super) fn secret(&mut self, name: &str) -> Result<Option<String>, AtFault> {
        self.found(name).map_err(|rule| {
            self.fault(&format!("{name}_FILE"), &rule);
            AtFault
        })
    }

    /// The same, where its faults are told already.
    pub(super) fn known_secret(&self, name: &str) -> Option<String> {
        self.found(name).ok().flatten()
    }

    /// The secret, or what the variable of its file must be.
    fn found(&self, name: &str) -> Result<Option<String>, String> {
        match (self.raw(name), self.raw(&format!("{name}_FILE"))) {
            (value, None) => Ok(value),
            (Some(_), Some(_)) => Err(format!("left alone where {name} is set")),
            (None, Some(path)) => {
                content(path.trim()).map(Some).map_err(|error| format!("a file that can be read: {error}"))
            }
        }
    }

    pub(super) fn fault(&mut self, name: &str, rule: &str) {
        self.faults.push(format!("{name} must be {rule}"));
    }

    pub(super) fn parsed<T>(&mut self, name: &str, default: T, rule: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let Some(raw) = self.raw(name) else { return default };
        parse(raw.trim()).unwrap_or_else(|| {
            self.fault(name, rule);
            default
        })
    }
}

/// The text of a file, without the ends of lines that editors leave behind it.
fn content(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST_SECRET + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_SECRET {
        return Err(io::Error::other("it is too long for a secret"));
    }
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    if text.trim().is_empty() { Err(io::Error::other("there is nothing in it")) } else { Ok(text) }
}
