//! What the store of auth promises, port by port.

mod allowed_numbers;
mod api_keys;
mod confidential_events;
mod credentials;
mod sessions;
mod verifications;

use std::sync::LazyLock;
use std::time::Duration;

use auth_domain::testing::{hash_of, noon};
use auth_domain::*;
use chrono::{DateTime, TimeDelta, Utc};
use kernel_application::record;
use kernel_application::testing::CountingIds;
use kernel_domain::StoreError;
use mysql_async::prelude::Queryable;
use persistence_adapter::Database;
use support::sql::sessions;
use tokio::time::{Instant, sleep};

use crate::databases::TestDatabase;
use crate::events::correlation;

/// MySQL tells who is busy, but not when somebody begins to wait.
const PAUSE: Duration = Duration::from_millis(5);

const DEADLINE: Duration = Duration::from_secs(2);

static IDS: LazyLock<CountingIds> = LazyLock::new(CountingIds::default);

fn later(minutes: i64) -> DateTime<Utc> {
    noon() + TimeDelta::minutes(minutes)
}

async fn keep_password(database: &Database, account_id: AccountId, password_hash: &PasswordHash) {
    let mut work = database.auth_store().begin().await.unwrap();
    let credential = Credential { account_id, password_hash: password_hash.clone() };
    work.credentials().save(&credential).await.unwrap();
    work.commit().await.unwrap();
}

pub(crate) async fn verification(database: &Database, number: &PhoneNumber) -> PhoneVerification {
    database.auth_store().begin().await.unwrap().verifications().find(number).await.unwrap()
}

/// Requests a token and announces it.
pub(crate) async fn request(
    database: &Database,
    number: &PhoneNumber,
    new: NewChallenge,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut work = database.auth_store().begin().await?;
    let mut verification = work.verifications().find(number).await?;
    let Ok(event) = verification.request(new, ShownBy::Anybody, at) else { return Ok(false) };
    work.verifications().save(&verification).await?;
    work.outbox().append(&[record(&event, &correlation(), &*IDS, at)]).await?;
    work.commit().await?;
    Ok(true)
}

/// Shows the token that `a_challenge` has.
pub(crate) async fn confirm(
    database: &Database,
    number: &PhoneNumber,
) -> Result<Result<Comparison, CannotConfirm>, StoreError> {
    let mut work = database.auth_store().begin().await?;
    let mut verification = work.verifications().find(number).await?;
    let comparison = verification.confirm(Purpose::SignIn, hash_of("123456"), ShownBy::Anybody, noon());
    if comparison.is_ok() {
        work.verifications().save(&verification).await?;
        work.commit().await?;
    }
    Ok(comparison)
}

/// Waits until MySQL holds somebody up who wants a row. On `SQLite`, everybody waits for the one writer, and nobody tells.
async fn until_somebody_waits(database: &TestDatabase) {
    if !database.url.starts_with("mysql") {
        return;
    }
    let mut server = mysql_async::Conn::from_url(&database.url).await.unwrap();
    let (table, of) = sessions(&server);
    let busy = format!(
        "SELECT COUNT(*) FROM {table} \
        WHERE {of}db = DATABASE() AND {of}id <> CONNECTION_ID() AND {of}command <> 'Sleep'"
    );
    // What waits for nothing is over by the next look.
    let deadline = Instant::now() + DEADLINE;
    let mut looks = 0;
    while looks < 5 {
        assert!(Instant::now() < deadline, "nobody waits");
        looks = if server.query_first::<u64, _>(&busy).await.unwrap() == Some(1) { looks + 1 } else { 0 };
        sleep(PAUSE).await;
    }
}
