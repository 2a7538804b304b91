//! What is kept for a while only is deleted when its time is over, with nobody asking for that.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use kernel_application::{ANSWERS_ARE_KEPT, DELIVERED_EVENTS_ARE_KEPT, HANDLED_EVENTS_ARE_KNOWN};
use support::app::TestApp;
use support::sql::Sql;
use tokio::time::{Instant, sleep};

on_both_stacks![what_is_kept_for_a_while_is_deleted_when_its_time_is_over];

/// A process begins with it as soon as it serves.
const DEADLINE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Two of a kind, of which the first has been there for too long, and the second almost.
const KEYS: [&str; 2] = ["00000000000000000000000000000001", "00000000000000000000000000000002"];

/// A table, its key, how one of its rows comes there, and for how long it stays.
type Kept = (&'static str, &'static str, &'static str, TimeDelta);

const KEPT: [Kept; 5] = [
    (
        "auth_sessions",
        "id",
        "(id, account_id, refresh_token_hash, opened_at, last_used_at, expires_at)
            VALUES (<KEY>, <KEY>, <KEY>, '2020-01-01 00:00:00', '2020-01-01 00:00:00', <TIME>)",
        TimeDelta::zero(),
    ),
    (
        "auth_challenges",
        "id",
        "(id, phone_number, sequence, is_newest, purpose, token_hash, requested_at, expires_at, wrong_tries,
            failures_before, state, decided_at, version)
            VALUES (<KEY>, '+821012345678', <SEQUENCE>, 1, 'SIGNIN', <KEY>, <TIME>, <TIME>, 0, 0, 'CONFIRMED', <TIME>, 1)",
        TimeDelta::days(90),
    ),
    (
        "idempotency_requests",
        "request_key",
        "(scope, request_key, fingerprint, answer, made_at) VALUES (<KEY>, <KEY>, <KEY>, <KEY>, <TIME>)",
        ANSWERS_ARE_KEPT,
    ),
    (
        "outbox",
        "event_id",
        "(event_id, subscriber, context, name, payload, is_confidential, aggregate_type, aggregate_id,
            aggregate_version, occurred_at, correlation_id, state, attempts, fence)
            VALUES (<KEY>, 'bus', 'shipping', 'Told', '', 0, 'item', <KEY>, 1, <TIME>, '', 'DELIVERED', 1, 1)",
        DELIVERED_EVENTS_ARE_KEPT,
    ),
    (
        "outbox_handled",
        "event_id",
        "(subscriber, event_id, taken_until, handled_at) VALUES ('auth', <KEY>, <TIME>, <TIME>)",
        HANDLED_EVENTS_ARE_KNOWN,
    ),
];

async fn what_is_kept_for_a_while_is_deleted_when_its_time_is_over(app: TestApp) {
    // Somebody signs up, and a relay is known that has delivered it.
    app.driver().await;
    app.all_is_delivered().await;
    #[expect(clippy::disallowed_methods, reason = "the application under test reads the same clock")]
    let now = Utc::now();
    let mut sql = Sql::open(app.variable("DATABASE_URL")).await;
    for (table, _, row, stays) in KEPT {
        for (key, age) in KEYS.into_iter().zip([stays + TimeDelta::hours(1), stays - TimeDelta::hours(1)]) {
            let time = (now - age).format("'%Y-%m-%d %H:%M:%S'").to_string();
            let row = row.replace("<KEY>", &format!("X'{key}'")).replace("<TIME>", &time);
            let row = row.replace("<SEQUENCE>", &key[key.len() - 1..]);
            sql.run(&format!("INSERT INTO {table} {row}")).await.expect("it is kept");
        }
    }

    let _another = app.beside().await;

    let until = Instant::now() + DEADLINE;
    for (table, key, ..) in KEPT {
        let [old, young] = KEYS;
        let left = format!("SELECT HEX({key}) AS line FROM {table} WHERE {key} IN (X'{old}', X'{young}')");
        loop {
            let left = sql.lines(&left).await.expect("the rows");
            assert!(left.iter().any(|it| it == young), "{table}: it may stay for another hour");
            if left.len() == 1 {
                break;
            }
            assert!(Instant::now() < until, "{table}: it stays for too long");
            sleep(LOOK_AGAIN).await;
        }
    }
}
