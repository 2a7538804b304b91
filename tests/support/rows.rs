//! Everything that is kept anywhere, to search it for what must not be there.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};

use crate::app::{Stack, TestApp};

/// The content of every table, or of every file of the embedded stack, by name.
pub async fn everything_in(app: &TestApp) -> Vec<(String, Vec<String>)> {
    let mut found = files_below(app.folder());
    if app.stack == Stack::Networked {
        found.extend(tables_of(app.variable("DATABASE_URL")).await);
        found.extend(cached_in(app.variable("CACHE_URL"), app.variable("CACHE_PREFIX")).await);
    }
    assert!(!found.is_empty(), "there is nothing to search");
    found
}

fn files_below(folder: &Path) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|it| it.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(files_below(&entry));
        } else {
            let content = match fs::read(&entry) {
                Ok(content) => content,
                // It was removed after it was listed: what is not there shows nothing.
                Err(gone) if gone.kind() == ErrorKind::NotFound => continue,
                Err(why) => panic!("{}: {why}", entry.display()),
            };
            found.push((entry.display().to_string(), vec![String::from_utf8_lossy(&content).into_owned()]));
        }
    }
    found
}

async fn tables_of(url: &str) -> Vec<(String, Vec<String>)> {
    let mut connection = Conn::from_url(url).await.expect("MySQL answers");
    let tables: Vec<String> = connection.query("SHOW TABLES").await.expect("MySQL lists its tables");
    let mut found = Vec::new();
    for table in tables {
        let rows: Vec<Row> = connection.query(format!("SELECT * FROM {table}")).await.expect("MySQL reads a table");
        found.push((table, rows.into_iter().map(text_of).collect()));
    }
    connection.disconnect().await.expect("MySQL says goodbye");
    found
}

/// Every text that Redis keeps for this application.
async fn cached_in(url: &str, prefix: &str) -> Vec<(String, Vec<String>)> {
    let client = redis::Client::open(url).expect("a URL of Redis");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
    let mut keys = redis::cmd("KEYS");
    let keys: Vec<String> = keys.arg(format!("*{prefix}*")).query_async(&mut connection).await.expect("its keys");
    let mut found = Vec::new();
    for key in keys {
        // What is no text, like the log of a throttle, has no value to search.
        let value: Option<Vec<u8>> = redis::cmd("GET").arg(&key).query_async(&mut connection).await.unwrap_or_default();
        found.push((key, vec![String::from_utf8_lossy(&value.unwrap_or_default()).into_owned()]));
    }
    found
}

fn text_of(row: Row) -> String {
    let values = row.unwrap().into_iter().map(|value| match value {
        Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        other => format!("{other:?}"),
    });
    values.collect::<Vec<_>>().join(" | ")
}
