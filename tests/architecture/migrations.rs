//! Both databases go through the same changes, and each change keeps to the tables of its context.

use std::collections::{BTreeMap, BTreeSet};

use crate::tables::owner;
use crate::workspace::{File, KERNEL, contexts, files};

const TREES: [&str; 2] = ["migrations/mysql/", "migrations/sqlite/"];

/// The scripts of each change below a tree.
fn changes(files: &[File], tree: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut changes = BTreeMap::<String, BTreeSet<String>>::new();
    for file in files {
        if let Some((change, script)) = file.path.strip_prefix(tree).and_then(|it| it.split_once('/')) {
            changes.entry(change.into()).or_default().insert(script.into());
        }
    }
    changes
}

fn differences(files: &[File]) -> Vec<String> {
    let [mysql, sqlite] = TREES.map(|tree| changes(files, tree));
    let both: BTreeSet<&String> = mysql.keys().chain(sqlite.keys()).collect();
    let whole = BTreeSet::from(["down.sql", "up.sql"].map(String::from));
    both.into_iter()
        .filter(|it| mysql.get(*it) != Some(&whole) || sqlite.get(*it) != Some(&whole))
        .map(|it| format!("{it} must have up.sql and down.sql in {}", TREES.join(" and ")))
        .collect()
}

/// `migrations/mysql/2026-01-01-000001_shipping_create/up.sql` → `shipping`
fn context_of(path: &str) -> Option<&str> {
    path.split('/').nth(2)?.split('_').nth(1)
}

/// The tables that a script creates, changes or refers to.
fn tables(script: &str) -> Vec<&str> {
    const BEFORE: [&str; 3] = ["TABLE", "REFERENCES", "EXISTS"];
    let code = script.lines().filter(|line| !line.trim_start().starts_with("--"));
    let words: Vec<&str> = code.flat_map(str::split_whitespace).collect();
    let pairs = words.windows(2).filter(|pair| BEFORE.contains(&pair[0].to_uppercase().as_str()));
    let names = pairs.map(|pair| pair[1].trim_matches(|it: char| !it.is_alphanumeric() && it != '_'));
    names.filter(|name| name.chars().any(char::is_lowercase)).collect()
}

fn trespasses(file: &File, contexts: &[String]) -> Vec<String> {
    let Some(home) = context_of(&file.path).filter(|it| *it == KERNEL || contexts.iter().any(|other| other == it))
    else {
        return vec![format!("{} must be named <timestamp>_<context>_<change>", file.path)];
    };
    let foreign = tables(&file.text).into_iter().filter(|it| owner(it) != Some(home));
    foreign.map(|it| format!("{} belongs to {home} and must not touch {it}", file.path)).collect()
}

#[test]
fn both_databases_go_through_the_same_changes() {
    let files = files("migrations", ".sql");
    assert!(!files.is_empty(), "there is no migration: the rule guards nothing");
    assert_eq!(differences(&files), [] as [String; 0]);
}

#[test]
fn a_change_keeps_to_its_context() {
    let (files, contexts) = (files("migrations", ".sql"), contexts());
    let created: usize = files.iter().map(|it| tables(&it.text).len()).sum();
    assert!(created > 0, "no script names a table: the rule guards nothing");
    assert_eq!(files.iter().flat_map(|it| trespasses(it, &contexts)).collect::<Vec<_>>(), [] as [String; 0]);
}

fn script(path: &str, text: &str) -> File {
    File { path: format!("migrations/{path}"), text: text.into() }
}

#[test]
fn a_change_that_one_database_lacks_is_caught() {
    let mut files = vec![
        script("mysql/1_shipping_create/up.sql", ""),
        script("mysql/1_shipping_create/down.sql", ""),
        script("sqlite/1_shipping_create/up.sql", ""),
    ];
    assert_eq!(differences(&files).len(), 1);
    files.push(script("sqlite/1_shipping_create/down.sql", ""));
    assert_eq!(differences(&files).len(), 0);
    files.push(script("mysql/2_user_create/up.sql", ""));
    assert_eq!(differences(&files).len(), 1);
}

#[test]
fn a_change_that_touches_another_context_is_caught() {
    let trespasses =
        |path: &str, text: &str| trespasses(&script(path, text), &["shipping".into(), "user".into()]).len();
    let create = "mysql/1_shipping_create/up.sql";
    assert_eq!(trespasses(create, "CREATE TABLE shipping_items (id BINARY(16));"), 0);
    assert_eq!(trespasses(create, "CREATE TABLE items (id BINARY(16));"), 1);
    assert_eq!(trespasses(create, "ALTER TABLE user_users ADD x INT;"), 1);
    assert_eq!(trespasses(create, "DROP TABLE IF EXISTS user_users;"), 1);
    assert_eq!(trespasses(create, "driver_id BINARY(16) REFERENCES user_users (id)"), 1);
    assert_eq!(trespasses(create, "-- see TABLE user_users"), 0);
    assert_eq!(trespasses("mysql/1_kernel_outbox/up.sql", "CREATE TABLE outbox (id INT);"), 0);
    assert_eq!(trespasses("mysql/1_create/up.sql", ""), 1);
}
