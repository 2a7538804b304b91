//! Batches that are renamed meanwhile. No name is given twice, so that each is that of one batch.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::commands::Command;
use super::history::Entry;
use super::left::Left;

/// What every name stands for: the first name of its batch.
struct Names<'h>(HashMap<&'h str, &'h str>);

impl<'h> Names<'h> {
    fn of(entries: &'h [Entry]) -> Self {
        let renamings = entries.iter().filter_map(|it| match &it.command {
            Command::RenameBatch { alias, to } => Some((to.as_str(), alias.as_str())),
            _ => None,
        });
        Self(renamings.collect())
    }

    fn first(&self, name: &str) -> String {
        let mut name = name;
        while let Some(before) = self.0.get(name) {
            name = before;
        }
        name.to_owned()
    }

    fn first_of_each(&self, names: &[String]) -> Vec<String> {
        names.iter().map(|it| self.first(it)).collect()
    }

    fn rewrite(&self, answer: &mut Value) {
        match answer {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value.as_str()) {
                        ("alias" | "batch_alias", Some(alias)) => *value = self.first(alias).into(),
                        _ => self.rewrite(value),
                    }
                }
            }
            Value::Array(entries) => entries.iter_mut().for_each(|it| self.rewrite(it)),
            _ => {}
        }
    }
}

/// The same, as if every batch had kept its first name.
pub(super) fn one_name_each(entries: &[Entry], left: &Left) -> (Vec<Entry>, Left) {
    let names = Names::of(entries);
    let (mut same, mut left) = (entries.to_vec(), left.clone());
    for Entry { command, body, .. } in &mut same {
        match command {
            Command::Pack { alias, .. }
            | Command::Unpack { alias, .. }
            | Command::DeleteBatch { alias }
            | Command::SeeItemsOf { alias } => *alias = names.first(alias),
            Command::Load { aliases, .. } => *aliases = names.first_of_each(aliases),
            _ => {}
        }
        names.rewrite(body);
    }
    left.batches = left.batches.iter().map(|it| names.first(it)).collect();
    left.events.iter_mut().for_each(|it| names.rewrite(&mut it.data));
    (same, left)
}

/// A name that was replaced is nobody's; one that was given is there, unless somebody may have replaced it or deleted its batch.
pub(super) fn renamed_batches_go_by_their_new_names(entries: &[Entry], left: &Left, faults: &mut Vec<String>) {
    let acts = entries.iter().filter(|it| it.succeeded() || it.is_unknown());
    let ended: BTreeSet<&str> = acts
        .filter_map(|it| match &it.command {
            Command::RenameBatch { alias, .. } | Command::DeleteBatch { alias } => Some(alias.as_str()),
            _ => None,
        })
        .collect();
    for renaming in entries.iter().filter(|it| it.succeeded()) {
        let Command::RenameBatch { alias, to } = &renaming.command else { continue };
        if left.batches.contains(alias) {
            faults.push(format!("{alias} still goes by its old name: {renaming:?}"));
        }
        if !left.batches.contains(to) && !ended.contains(to.as_str()) {
            faults.push(format!("nothing goes by its new name, {to}: {renaming:?}"));
        }
        if renaming.text("alias") != *to {
            faults.push(format!("the answer does not tell its new name: {renaming:?}"));
        }
    }
}
