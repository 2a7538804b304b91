//! Who looks for one thing reads little else.

use auth_domain::testing::a_phone_number;
use auth_domain::{AccountId, RefreshTokenHash};
use chrono::DateTime;
use mysql_async::Conn;
use persistence_adapter::Database;
use shipping_domain::TransportId;
use shipping_domain::testing::center;
use user_application::AccountName;
use user_domain::{PhoneNumberHash, UserId, Username};
use uuid::Uuid;

use super::rows::{self, id, time};
use super::statements_of;

/// Rows that who looks for one thing may read for it. Most are on board of a transport: its batches, what is packed in
/// them, and the items.
const LOOKED_AT_MOST: u64 = 4 * rows::CARRIED as u64;

pub(super) async fn check_all(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    check_center_usage(faults, server, database).await;
    check_what_is_on_board(faults, server, database).await;
    check_user_lookups(faults, server, database).await;
    check_auth_lookups(faults, server, database).await;
}

/// Looks for something, and adds to the faults if the server had to read too much for it.
async fn check<T>(
    faults: &mut Vec<String>,
    (server, database): (&mut Conn, &Database),
    what: &str,
    lookup: impl Future<Output = T>,
) {
    let (_, statements) = statements_of(server, database, lookup).await;
    let read = statements.iter().map(|it| it.read).max().unwrap_or_default();
    if statements.is_empty() || read > LOOKED_AT_MOST {
        faults.push(format!("{what} reads {read} rows in one of {} statements", statements.len()));
    }
}

async fn check_user_lookups(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    let (queries, store) = (database.user_queries(), database.user_store());
    let id = UserId::new(Uuid::from_u128(7));
    let lately = time(rows::ROWS - 9);
    let number = user_domain::PhoneNumber::parse("+821000000007").unwrap();
    let hash = PhoneNumberHash::new([0; 32]);
    for name in [
        AccountName::Id(id),
        AccountName::Username(Username::parse("u7").unwrap()),
        AccountName::PhoneNumber(number.clone()),
    ] {
        check(faults, (&mut *server, database), "an account", queries.account(&name)).await;
    }
    check(faults, (&mut *server, database), "who has a number", queries.standing(&number, &[hash])).await;
    check(faults, (&mut *server, database), "a user", queries.user(id)).await;
    check(faults, (&mut *server, database), "who was switched off", queries.deactivated_since(lately)).await;
    check(faults, (&mut *server, database), "discarded images", queries.discarded_images(DateTime::UNIX_EPOCH, 10))
        .await;
    check(faults, (&mut *server, database), "a user to change", async {
        store.begin().await.unwrap().users().find(id).await.unwrap()
    })
    .await;
}

async fn check_auth_lookups(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    let (queries, store) = (database.auth_queries(), database.auth_store());
    let lately = time(rows::ROWS - 9);
    let mut hash = [0; 32];
    hash[31] = 7;
    let token = RefreshTokenHash::new(hash);
    hash.reverse();
    let spent = RefreshTokenHash::new(hash);
    let account = AccountId::new(Uuid::from_u128(7));
    let number = auth_domain::PhoneNumber::parse("+821000000007").unwrap();

    check(faults, (&mut *server, database), "whose token", queries.account_of(token)).await;
    check(faults, (&mut *server, database), "sessions that ended", queries.ended_since(lately)).await;
    check(faults, (&mut *server, database), "an API key", queries.api_key("mk_7")).await;
    check(faults, (&mut *server, database), "whether a number is allowed", queries.is_allowed(&a_phone_number())).await;
    for token in [token, spent] {
        check(faults, (&mut *server, database), "a session", async {
            assert!(store.begin().await.unwrap().sessions().by_refresh_token(token).await.unwrap().is_some());
        })
        .await;
    }
    check(faults, (&mut *server, database), "a number", async {
        let found = store.begin().await.unwrap().verifications().find(&number).await.unwrap();
        assert!(found.newest().is_some());
    })
    .await;
    check(faults, (&mut *server, database), "what an account proved", async {
        store.begin().await.unwrap().verifications().forget(account, lately).await.unwrap();
    })
    .await;
    check(faults, (&mut *server, database), "old sessions", async {
        assert_eq!(store.begin().await.unwrap().sessions().purge(lately, lately, 5).await.unwrap(), 5);
    })
    .await;
    check(faults, (&mut *server, database), "old requests", database.idempotency().forget(lately, 5)).await;
}

/// Which batches a transport carries, which items are in one of them, and all of that at once.
async fn check_what_is_on_board(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    let store = database.shipping_store();
    let loaded = TransportId::new(id(rows::ROWS - 31));
    check(faults, (&mut *server, database), "what is on board", async {
        let mut work = store.begin().await.unwrap();
        let batches = work.batches().carried_by(loaded).await.unwrap();
        assert_eq!(batches.len(), rows::CARRIED as usize);
        assert_eq!(work.items().packed_in(batches[0].id()).await.unwrap().len(), 1);
        let cargo = work.transports().cargo(loaded).await.unwrap();
        assert_eq!((cargo.batches.len(), cargo.items.len()), (batches.len(), batches.len()));
    })
    .await;
}

/// Half of the centers have no open transport; all transports lead to one.
async fn check_center_usage(faults: &mut Vec<String>, server: &mut Conn, database: &Database) {
    for (code, is_used) in [("S15", false), ("S14", true), ("D", true), ("nowhere", false)] {
        check(faults, (&mut *server, database), &format!("whether {code} is used"), async {
            assert_eq!(database.shipping_queries().is_center_used(&center(code)).await.unwrap(), is_used, "{code}");
        })
        .await;
    }
}
