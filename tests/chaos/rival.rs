//! Somebody else in the database, who locks in another order than the service does, and changes what the service has read.
//!
//! The service locks a transport before its batches, so that its own transactions never meet head on, and little is read
//! without a lock. A deadlock, and a version that somebody else was faster to make, have to be survived all the same;
//! here they are brought about. Nothing changes but versions, which may rise at any time, as they do for a new alias.

use std::collections::BTreeMap;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error};
use support::storm::Choice;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Of two who wait for each other, MySQL gives up the one who has changed less: more rows than any command writes.
const WEIGHT: &str = "INSERT INTO chaos_rival \
    WITH RECURSIVE it (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM it WHERE n < 200) SELECT n FROM it";
/// How long a batch stays locked, so that somebody who has its transport waits for it, and others behind them.
const HOLD: Duration = Duration::from_millis(150);
/// Between two locks, on average: whoever waits for this one and for others besides is to be done in time.
const REST: Duration = Duration::from_millis(1_500);
/// A server that was killed does not answer.
const DEADLINE: Duration = Duration::from_secs(3);

/// Locks batches, and then the transports that they are on, until `stop` says so; which errors it was told of itself, and how often.
pub(crate) async fn rival(url: Option<String>, seed: u64, mut stop: watch::Receiver<bool>) -> BTreeMap<u64, u64> {
    let mut choice = Choice::seeded(seed ^ 0x81FA1);
    let mut errors = BTreeMap::new();
    let Some(url) = url else { return errors };
    let mut connection: Option<Conn> = None;
    loop {
        let pause = REST / 2 + REST / 100 * u32::try_from(choice.below(100)).unwrap_or_default();
        tokio::select! {
            _ = stop.wait_for(|it| *it) => return errors,
            () = sleep(pause) => {}
        }
        if connection.is_none() {
            connection = timeout(DEADLINE, armed(&url)).await.ok().and_then(Result::ok);
        }
        let Some(open) = &mut connection else { continue };
        match timeout(DEADLINE, get_in_the_way(open, &mut choice)).await {
            Ok(Ok(())) => {}
            Ok(Err(Error::Server(error))) => *errors.entry(error.code.into()).or_default() += 1,
            _ => connection = None,
        }
    }
}

/// A connection that waits for a lock no longer than a moment.
async fn armed(url: &str) -> mysql_async::Result<Conn> {
    let mut connection = Conn::from_url(url).await?;
    connection.query_drop("SET SESSION innodb_lock_wait_timeout = 1").await?;
    connection.query_drop("CREATE TABLE IF NOT EXISTS chaos_rival (n INTEGER NOT NULL)").await?;
    Ok(connection)
}

/// Has a batch for a while, and then wants its transport, or makes another version of it.
async fn get_in_the_way(connection: &mut Conn, choice: &mut Choice) -> mysql_async::Result<()> {
    let loaded = "SELECT HEX(id), HEX(transport_id) FROM shipping_batches WHERE state = 'LOADED'";
    let loaded: Vec<(String, String)> = connection.query(loaded).await?;
    let Some((batch, transport)) = choice.of(&loaded) else { return Ok(()) };
    let (first, then, end) = if choice.one_in(2) {
        (
            format!("SELECT 1 FROM shipping_batches WHERE id = 0x{batch} FOR UPDATE"),
            format!("SELECT 1 FROM shipping_transports WHERE id = 0x{transport} FOR UPDATE"),
            "ROLLBACK",
        )
    } else {
        (
            format!("UPDATE shipping_batches SET version = version + 1 WHERE id = 0x{batch}"),
            "DELETE FROM chaos_rival".to_owned(),
            "COMMIT",
        )
    };
    connection.query_drop("BEGIN").await?;
    let done = async {
        connection.query_drop(WEIGHT).await?;
        connection.query_drop(first).await?;
        sleep(HOLD).await;
        connection.query_drop(then).await
    };
    let done = done.await;
    connection.query_drop(if done.is_ok() { end } else { "ROLLBACK" }).await?;
    done
}
