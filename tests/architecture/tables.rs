//! Every table has one owner, and no statement joins tables of two.

use std::collections::BTreeSet;

use crate::workspace::{File, KERNEL, contexts, files};

const SCHEMA: &str = "adapters/persistence/src/schema.rs";

/// Diesel's ways to let two tables meet in a statement.
const MEETINGS: &[&str] = &["joinable!", "allow_tables_to_appear_in_same_query!"];

/// What the tables of the kernel begin with: it serves every context, and keeps nothing of any.
const OF_KERNEL: [&str; 2] = ["idempotency", "outbox"];

/// The context that a table's name begins with; the outbox is the kernel's.
pub(crate) fn owner(table: &str) -> Option<&str> {
    let prefix = table.split('_').next().unwrap_or(table);
    if OF_KERNEL.contains(&prefix) { Some(KERNEL) } else { (prefix != table).then_some(prefix) }
}

/// The tables that the schema declares.
pub(crate) fn names() -> Vec<String> {
    let tables: Vec<String> = files("adapters/persistence/src", "schema.rs")
        .iter()
        .filter(|it| it.path == SCHEMA)
        .flat_map(|it| declared(&it.text))
        .collect();
    assert!(!tables.is_empty(), "{SCHEMA} declares no table: the rule guards nothing");
    tables
}

/// The name in each `table! { shipping_items (id) { .. } }`.
fn declared(text: &str) -> Vec<String> {
    let name =
        |body: &str| {
            let line =
                body.trim_start().trim_start_matches('{').lines().map(str::trim).find(|line| {
                    !line.is_empty() && !["//", "#[", "use "].iter().any(|other| line.starts_with(other))
                })?;
            line.split(['(', ' ']).next().map(str::to_owned)
        };
    text.split("table!").skip(1).filter_map(name).collect()
}

fn strangers(tables: &[String], contexts: &[String]) -> Vec<String> {
    let is_owned =
        |table: &str| owner(table).is_some_and(|it| it == KERNEL || contexts.iter().any(|context| context == it));
    let unowned = tables.iter().filter(|it| !is_owned(it));
    unowned.map(|it| format!("table {it} must begin with the name of its context")).collect()
}

/// The statements in a file that let tables of different owners meet.
fn meetings(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for invocation in MEETINGS.iter().flat_map(|it| file.text.split(it).skip(1)) {
        let arguments = invocation.split(';').next().unwrap_or_default();
        let words = arguments.split(|it: char| !it.is_alphanumeric() && it != '_');
        // A column in `joinable!(a -> b (column))` has no say in who owns the tables.
        let tables = words.filter(|it| !it.is_empty()).take(if arguments.contains("->") { 2 } else { usize::MAX });
        let owners: BTreeSet<_> = tables.map(owner).collect();
        if owners.len() > 1 {
            found.push(format!("{} joins tables of {owners:?}:{arguments}", file.path));
        }
    }
    found
}

#[test]
fn every_table_names_its_context() {
    assert_eq!(strangers(&names(), &contexts()), [] as [String; 0]);
}

#[test]
fn no_statement_joins_two_contexts() {
    let files = files("adapters/persistence/src", ".rs");
    assert!(!files.is_empty(), "no file was read: the rule guards nothing");
    assert_eq!(files.iter().flat_map(meetings).collect::<Vec<_>>(), [] as [String; 0]);
}

#[test]
fn a_table_without_an_owner_is_caught() {
    let schema = "diesel::table! {\n    /// An item.\n    items (id) {\n id -> Binary,\n }\n}\n\
        diesel::table! { shipping_batches (id) { id -> Binary, } }\n\
        table! {\n    #[sql_name = \"x\"]\n    billing_bills (id) { id -> Binary, }\n}";
    let tables = declared(schema);
    assert_eq!(tables, ["items", "shipping_batches", "billing_bills"]);
    assert_eq!(strangers(&tables, &["shipping".into()]).len(), 2);
    assert_eq!(
        strangers(&["outbox".into(), "outbox_subscribers".into(), "idempotency_requests".into()], &["shipping".into()])
            .len(),
        0
    );
}

#[test]
fn a_join_across_contexts_is_caught() {
    let meetings = |text: &str| meetings(&File { path: SCHEMA.into(), text: text.into() }).len();
    assert_eq!(meetings("diesel::joinable!(shipping_transports -> user_users (driver_id));"), 1);
    assert_eq!(meetings("allow_tables_to_appear_in_same_query!(\n    shipping_items,\n    outbox,\n);"), 1);
    assert_eq!(meetings("joinable!(shipping_items -> shipping_batches (batch_id));"), 0);
}
