//! Whether whoever asks for a center is shown its name, or one that it had not long ago.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::commands::Command;
use super::history::Entry;

/// Reads that show a name that was replaced longer than `lag` before they were sent. Whatever was replaced, or read, while
/// there was `unrest`, from its first to its second moment, is not judged: then views may stay that nobody could evict.
pub fn old_names(entries: &[Entry], lag: Duration, unrest: &[(Instant, Instant)]) -> Vec<String> {
    let mut renamings: HashMap<&str, Vec<(&str, &Entry)>> = HashMap::new();
    for entry in entries {
        if let Command::RenameCenter { code, name, .. } = &entry.command {
            renamings.entry(code).or_default().push((name, entry));
        }
    }
    let is_calm = |from: Instant, to: Instant| unrest.iter().all(|(begin, end)| *end < from || to < *begin);
    let mut faults = Vec::new();
    let is_read =
        |it: &Command| matches!(it, Command::SeeCenter { .. } | Command::SeeTransport { .. } | Command::List { .. });
    for read in entries.iter().filter(|it| it.succeeded() && is_read(&it.command)) {
        let mut shown = Vec::new();
        shown_in(&read.body, &mut shown);
        for (code, name) in shown {
            let Some(renamings) = renamings.get(code) else { continue };
            // A name that nobody gave to it is the one that it was opened with.
            let given = renamings.iter().find(|(given, _)| *given == name).map(|(_, by)| *by);
            let replaces = |by: &Entry| {
                by.succeeded()
                    && by.has_acted_before(read.sent - lag)
                    && given.is_none_or(|given| given.has_acted_before(by.sent))
                    && is_calm(by.sent, read.answered)
            };
            if let Some((later, by)) = renamings.iter().find(|(_, by)| replaces(by)) {
                let age = read.sent - by.answered;
                faults.push(format!("{code} is {later} for {age:?}, and {name} is shown: {read:?}"));
            }
        }
    }
    faults
}

/// The codes and names of all centers that an answer tells of.
fn shown_in<'a>(body: &'a Value, shown: &mut Vec<(&'a str, &'a str)>) {
    match body {
        Value::Object(fields) => {
            if let (Some(code), Some(name)) = (body["center_code"].as_str(), body["name"].as_str()) {
                shown.push((code, name));
            }
            fields.values().for_each(|it| shown_in(it, shown));
        }
        Value::Array(all) => all.iter().for_each(|it| shown_in(it, shown)),
        _ => {}
    }
}
