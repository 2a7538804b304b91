//! What migrations promise: both databases end up with the same schema, whoever migrates, and can go back.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kernel_domain::StoreError;
use persistence_adapter::Settings;
use shipping_domain::testing::an_item;

use crate::databases::{self, TestDatabase};
use crate::shipping_store::{item, keep};

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_goes_up_and_down_and_up_again() {
    goes_up_and_down_and_up_again(databases::empty_sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_goes_up_and_down_and_up_again() {
    let Some(database) = databases::empty_mysql().await else { return };
    goes_up_and_down_and_up_again(database).await;
}

async fn goes_up_and_down_and_up_again(database: TestDatabase) {
    let parcel = an_item().build();
    for _ in 0..2 {
        let pending = database.pending_migrations().await.expect("it looks");
        assert_eq!(pending.first().map(String::as_str), Some("2026-01-01-000001_kernel_outbox"), "{pending:?}");
        database.migrate().await.expect("up");
        assert_eq!(database.pending_migrations().await.expect("it looks"), [] as [String; 0]);
        database.migrate().await.expect("nothing is left to do");
        keep(&database, std::slice::from_ref(&parcel), &[], &[]).await;
        assert_eq!(item(&database, parcel.tracking_number()).await.as_ref(), Some(&parcel));

        database.revert().await.expect("down");
        let gone = database.shipping_queries().item(parcel.tracking_number()).await;
        assert!(matches!(gone, Err(StoreError::Unavailable(_))), "{gone:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_instances_may_migrate_sqlite_at_once() {
    several_instances_may_migrate_at_once(databases::empty_sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_instances_may_migrate_mysql_at_once() {
    let Some(database) = databases::empty_mysql().await else { return };
    several_instances_may_migrate_at_once(database).await;
}

async fn several_instances_may_migrate_at_once(database: TestDatabase) {
    let mut instances = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let instance = database.reopened(&Settings::default());
        instances.spawn(async move { instance.migrate().await });
    }
    for migrated in instances.join_all().await {
        migrated.expect("one migrates, the others wait");
    }
    database.ping().await.expect("it is there");
}

/// The lines of the statements that a tree's migrations make, in as much as both dialects spell them alike:
/// tables, columns with their nullability, primary keys, checks and indexes.
fn schema(tree: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(tree);
    let mut lines = BTreeSet::new();
    for change in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(change.unwrap().path().join("up.sql")).unwrap();
        let mut table = String::new();
        for line in text.lines().map(str::trim).filter(|it| !it.starts_with("--")) {
            let words: Vec<_> = line.split_whitespace().collect();
            match words.as_slice() {
                ["CREATE", "TABLE", name, ..] => (*name).clone_into(&mut table),
                ["CREATE", "INDEX" | "UNIQUE", ..] => drop(lines.insert(line.to_owned())),
                ["CONSTRAINT", _, "FOREIGN", "KEY", rest @ ..] | ["FOREIGN", "KEY", rest @ ..] => {
                    lines.insert(format!("{table}: references {}", rest.join(" ").trim_end_matches(',')));
                }
                ["PRIMARY" | "CONSTRAINT" | "CHECK" | "AND", ..] => {
                    lines.insert(format!("{table}: {}", line.trim_end_matches(',')));
                }
                [column, _, ..] if column.chars().all(|it| it.is_lowercase() || it == '_') => {
                    lines.insert(format!("{table}.{column} {}", line.contains("NOT NULL")));
                }
                _ => {}
            }
        }
    }
    assert!(lines.len() > 100, "{tree} was not read");
    lines
}

#[test]
fn both_databases_have_the_same_schema() {
    let (mysql, sqlite) = (schema("mysql"), schema("sqlite"));
    assert_eq!(mysql.symmetric_difference(&sqlite).collect::<Vec<_>>(), [] as [&String; 0]);
}

/// SQLite names the columns of a key that is taken, MySQL names the key: the names have to agree.
#[test]
fn unique_keys_are_named_after_their_column() {
    let misnamed = |line: &String| {
        let words: Vec<_> = line.split([' ', '(', ')', ';']).filter(|it| !it.is_empty()).collect();
        match words.as_slice() {
            ["CREATE", "UNIQUE", "INDEX", name, "ON", table, column] => *name != format!("{table}_{column}"),
            _ => false,
        }
    };
    assert_eq!(schema("mysql").into_iter().filter(misnamed).collect::<Vec<_>>(), [] as [String; 0]);
}
