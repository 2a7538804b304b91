//! Access tokens: of what anybody shows nothing is believed that we did not sign, and nothing that a holder adds widens one.

use std::sync::LazyLock;

use auth_application::{AccessTokens, AccountType, Claims, RequestFacts, VerifiedToken};
use auth_domain::{AccountId, SessionId};
use biscuit_auth::UnverifiedBiscuit;
use biscuit_auth::builder::BlockBuilder;
use chrono::TimeDelta;
use kernel_application::Operation;
use kernel_application::testing::noon;
use tokens_adapter::{Biscuits, JwtKeys, Jwts, RootKeys};
use uuid::Uuid;

/// Signs what is tried here, and nothing anywhere else.
const KEY: &str = "4c1f0a9be2d87635f0e1d2c3b4a5968778695a4b3c2d1e0f5367d8eb29a0f1c4";

/// The two tokens that were signed: those of [`claims`].
const BISCUIT: &str = include_str!("access_tokens/biscuit.txt");
const JWT: &str = include_str!("access_tokens/jwt.txt");

/// What a driver may do, and may not.
const OPERATIONS: [Operation; 5] = [
    auth_application::OWN_SESSIONS,
    auth_application::MANAGE_API_KEYS,
    shipping_application::READ,
    shipping_application::WRITE,
    shipping_application::DRIVE,
];

struct Doors {
    biscuits: Biscuits,
    jwts: Jwts,
    /// The token in the hands of its holder, who knows no key of ours.
    held: UnverifiedBiscuit,
    /// Which of the operations it allows as it is.
    allowed: Vec<Operation>,
}

#[expect(clippy::expect_used, reason = "without a good token there is nothing to try")]
static DOORS: LazyLock<Doors> = LazyLock::new(|| {
    let biscuits = Biscuits::signed_by(RootKeys::parse(KEY, []).expect("a key")).expect("policies");
    let jwts = Jwts::signed_by(JwtKeys::parse(KEY, []).expect("a key")).expect("policies");
    let held = UnverifiedBiscuit::from_base64(BISCUIT).expect("a token");
    let good = biscuits.verify(BISCUIT, &asked(), noon()).expect("one of ours");
    Doors { allowed: allowed(&good), biscuits, jwts, held }
});

/// A driver, until a quarter of an hour after noon.
fn claims() -> Claims {
    Claims {
        account_id: AccountId::new(Uuid::from_u128(1)),
        session_id: SessionId::new(Uuid::from_u128(2)),
        account_type: AccountType::Driver,
        is_staff: false,
        is_superuser: false,
        groups: Vec::new(),
        expires_at: noon() + TimeDelta::minutes(15),
    }
}

fn asked() -> RequestFacts {
    RequestFacts { method: "GET".to_owned(), path: "/api/v1/shipping/transports/".to_owned() }
}

fn allowed(token: &VerifiedToken) -> Vec<Operation> {
    OPERATIONS.into_iter().filter(|it| token.rights.allow(*it).unwrap_or(false)).collect()
}

pub(crate) fn take(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    for (door, signed) in [(&DOORS.biscuits as &dyn AccessTokens, BISCUIT), (&DOORS.jwts, JWT)] {
        let believed = door.verify(text, &asked(), noon()).is_ok();
        assert_eq!(believed, text == signed, "of all tokens only the one that was signed is good");
    }
    if let Ok(block) = BlockBuilder::new().code(text) {
        narrowed(block);
    }
}

/// Holders may add whatever they like: Datalog of their own, which we have to read and to decide by.
fn narrowed(block: BlockBuilder) {
    let Ok(token) = DOORS.held.append(block).and_then(|it| it.to_base64()) else { return };
    let Ok(read) = DOORS.biscuits.verify(&token, &asked(), noon()) else { return };

    let Claims { account_id, session_id, expires_at, .. } = claims();
    assert_eq!((read.account_id, read.session_id), (account_id, session_id));
    for operation in allowed(&read) {
        assert!(DOORS.allowed.contains(&operation), "{} was not allowed before", operation.name());
    }
    assert!(DOORS.biscuits.verify(&token, &asked(), expires_at).is_err(), "it is good for longer than before");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_are_good_and_allow_some_of_the_operations() {
        for (door, token) in [(&DOORS.biscuits as &dyn AccessTokens, BISCUIT), (&DOORS.jwts, JWT)] {
            let good = door.verify(token, &asked(), noon()).expect("one of ours");

            assert_eq!((good.account_id, good.session_id), (claims().account_id, claims().session_id));
            assert!((1..OPERATIONS.len()).contains(&allowed(&good).len()));
        }
    }

    #[test]
    fn a_holder_may_add_a_check() {
        let block = BlockBuilder::new().code("check if operation(\"shipping:drive\");").expect("a block");
        let token = DOORS.held.append(block).and_then(|it| it.to_base64()).expect("a token");
        let read = DOORS.biscuits.verify(&token, &asked(), noon()).expect("one of ours");

        assert_eq!(allowed(&read), [shipping_application::DRIVE]);
    }
}
