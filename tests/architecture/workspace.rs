//! What the rules look at: the members of the workspace, and the files below its root.
//!
//! A crate's folder is its layer and its context: `application/shipping` is the application layer of shipping.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// What every context may use; nobody's context, so nobody's secret.
pub(crate) const KERNEL: &str = "kernel";

#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    /// `application/shipping`
    pub(crate) folder: String,
    /// Folders of the members it is built from.
    pub(crate) inner: BTreeSet<String>,
    /// Crates from elsewhere that it is built from.
    pub(crate) external: BTreeSet<String>,
    /// Crates from elsewhere that only its tests use.
    pub(crate) for_tests: BTreeSet<String>,
}

impl Member {
    pub(crate) fn layer(&self) -> &str {
        layer(&self.folder)
    }
}

pub(crate) fn layer(folder: &str) -> &str {
    folder.split('/').next().unwrap_or_default()
}

/// `shipping`, and for an adapter its technology.
pub(crate) fn context(folder: &str) -> &str {
    folder.split('/').nth(1).unwrap_or_default()
}

pub(crate) fn members() -> Vec<Member> {
    let metadata = metadata();
    let root = metadata.workspace_root.as_std_path();
    let packages: Vec<&Package> = metadata.workspace_packages();
    packages.into_iter().map(|package| member(package, root)).collect()
}

fn member(package: &Package, root: &Path) -> Member {
    let folder =
        |path: &Path| path.strip_prefix(root).expect("a member is in the workspace").to_string_lossy().into_owned();
    let mut member = Member {
        folder: folder(package.manifest_path.parent().expect("a manifest has a folder").as_std_path()),
        ..Member::default()
    };
    for used in &package.dependencies {
        match (&used.path, used.kind) {
            (None, DependencyKind::Development) => member.for_tests.insert(used.name.clone()),
            (None, _) => member.external.insert(used.name.clone()),
            (Some(_), DependencyKind::Development) => false,
            (Some(path), _) => member.inner.insert(folder(path.as_std_path())),
        };
    }
    member
}

/// The bounded contexts: whatever has a domain crate.
pub(crate) fn contexts() -> Vec<String> {
    let domains = members().into_iter().filter(|it| it.layer() == "domain");
    let contexts: Vec<String> = domains.map(|it| context(&it.folder).to_owned()).filter(|it| it != KERNEL).collect();
    assert!(contexts.len() > 1, "fewer than two contexts: there is nothing to keep apart");
    contexts
}

pub(crate) fn root() -> PathBuf {
    metadata().workspace_root.into_std_path_buf()
}

fn metadata() -> Metadata {
    MetadataCommand::new().no_deps().exec().expect("cargo describes the workspace")
}

#[derive(Debug)]
pub(crate) struct File {
    /// From the root: `domain/shipping/src/item.rs`
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Every file with this ending below a folder of the root; none when there is no such folder.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<File> {
    let mut found = Vec::new();
    collect(&root(), &root().join(folder), ending, &mut found);
    found
}

fn collect(root: &Path, folder: &Path, ending: &str, found: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        if path.is_dir() && !is_made(&name) {
            collect(root, &path, ending, found);
        } else if path.is_file() && name.ends_with(ending) {
            let text = fs::read_to_string(&path).expect("a readable file");
            let path = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
            found.push(File { path, text });
        }
    }
}

/// Folders that are written by tools.
fn is_made(folder: &str) -> bool {
    folder.starts_with('.') || ["target", "var", "node_modules"].contains(&folder)
}

/// Whether the code says this, not as a part of longer words. Comments may speak of anything.
pub(crate) fn says(text: &str, words: &str) -> bool {
    let is_in_a_word = |it: char| it.is_alphanumeric() || it == '_';
    let ends_in_a_word = words.ends_with(is_in_a_word);
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = code.flat_map(|line| line.match_indices(words).map(|(at, _)| line.split_at(at)));
    found.any(|(before, from)| {
        let is_cut_short = ends_in_a_word && from[words.len()..].starts_with(is_in_a_word);
        !before.ends_with(is_in_a_word) && !is_cut_short
    })
}

#[test]
fn words_are_found_whole_and_in_code() {
    assert!(says("use user_domain::User;", "user_domain"));
    assert!(says("use crate::{user::Profile};", "user::"));
    assert!(!says("super_user::name()", "user::"));
    assert!(!says("use super_user_domain::User;", "user_domain"));
    assert!(!says("use user_domains::User;", "user_domain"));
    assert!(!says("/// See user_domain.", "user_domain"));
}
