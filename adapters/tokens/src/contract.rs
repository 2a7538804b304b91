//! What every kind of access token promises.

use std::fs;
use std::path::Path;

use auth_application::{AccessTokens, AccountType, Claims, RequestFacts, TokenRefused};
use auth_domain::{AccountId, ApiKeyId, Scope, SessionId};
use chrono::{DateTime, TimeDelta, Utc};
use kernel_application::testing::noon;
use kernel_application::{Operation, Rights};
use uuid::Uuid;

use crate::{MAX_CHARS, RandomApiKeys, RootKeys};

/// Makes tokens with a key, believing retired ones too.
pub(crate) type SignedBy = fn(&str, &[&str]) -> Box<dyn AccessTokens>;

/// Tests that tokens keep all of these promises.
macro_rules! access_tokens_contract {
    ($signed_by:path) => {
        access_tokens_contract! { $signed_by;
            who_was_told_is_who_is_read
            an_expired_token_is_refused_at_the_very_instant
            a_token_of_another_key_is_refused
            a_changed_character_makes_a_token_worthless
            a_retired_key_is_believed_until_it_is_forgotten
            an_oversized_token_is_refused_however_good
            what_is_no_token_is_refused
            each_role_may_do_what_the_table_says
            what_a_user_is_called_is_no_policy
        }
    };
    ($signed_by:path; $($promise:ident)*) => {
        mod contract {
            $(#[test]
            fn $promise() {
                crate::contract::$promise($signed_by);
            })*
        }
    };
}
pub(crate) use access_tokens_contract;

/// Somebody from the staff, until a quarter of an hour after noon.
pub(crate) fn staff() -> Claims {
    Claims {
        account_id: AccountId::new(Uuid::from_u128(1)),
        session_id: SessionId::new(Uuid::from_u128(2)),
        account_type: AccountType::Staff,
        is_staff: false,
        is_superuser: false,
        groups: vec!["night shift".to_owned()],
        expires_at: noon() + TimeDelta::minutes(15),
    }
}

pub(crate) fn get(path: &str) -> RequestFacts {
    RequestFacts { method: "GET".to_owned(), path: path.to_owned() }
}

fn fresh(signed_by: SignedBy) -> Box<dyn AccessTokens> {
    signed_by(&RootKeys::generate(), &[])
}

fn issued(tokens: &dyn AccessTokens, claims: &Claims) -> String {
    tokens.issue(claims).expect("a token")
}

fn believes(tokens: &dyn AccessTokens, token: &str, now: DateTime<Utc>) -> bool {
    match tokens.verify(token, &get("/"), now) {
        Ok(_) => true,
        Err(TokenRefused::Invalid) => false,
        Err(TokenRefused::Undecided(cause)) => panic!("it is decided: {cause}"),
    }
}

pub(crate) fn who_was_told_is_who_is_read(signed_by: SignedBy) {
    let tokens = fresh(signed_by);
    let token = issued(&*tokens, &staff());

    for _ in 0..2 {
        let verified = tokens.verify(&token, &get("/"), noon()).expect("one of ours");
        assert_eq!((verified.account_id, verified.session_id), (staff().account_id, staff().session_id));
    }
}

pub(crate) fn an_expired_token_is_refused_at_the_very_instant(signed_by: SignedBy) {
    let tokens = fresh(signed_by);
    let token = issued(&*tokens, &staff());
    let over = staff().expires_at;

    assert!(believes(&*tokens, &token, over - TimeDelta::nanoseconds(1)));
    assert!(!believes(&*tokens, &token, over), "though it was verified before");
    assert!(!believes(&*tokens, &token, over + TimeDelta::days(1)));
}

pub(crate) fn a_token_of_another_key_is_refused(signed_by: SignedBy) {
    let token = issued(&*fresh(signed_by), &staff());

    assert!(!believes(&*fresh(signed_by), &token, noon()));
}

pub(crate) fn a_changed_character_makes_a_token_worthless(signed_by: SignedBy) {
    let tokens = fresh(signed_by);
    let token = issued(&*tokens, &staff());

    for at in 0..token.len() {
        for bit in 0..7 {
            let mut changed = token.clone().into_bytes();
            changed[at] ^= 1 << bit;
            let changed = String::from_utf8(changed).expect("still ASCII");
            assert!(!believes(&*tokens, &changed, noon()), "bit {bit} of character {at}: {changed}");
        }
        assert!(!believes(&*tokens, &token[..at], noon()), "{at} characters of it");
    }
}

pub(crate) fn a_retired_key_is_believed_until_it_is_forgotten(signed_by: SignedBy) {
    let (old, new) = (RootKeys::generate(), RootKeys::generate());
    let after = signed_by(&new, &[&old]);
    let token = issued(&*signed_by(&old, &[]), &staff());

    assert!(believes(&*after, &token, noon()));
    assert!(!believes(&*signed_by(&new, &[]), &token, noon()));
    assert!(!believes(&*signed_by(&old, &[]), &issued(&*after, &staff()), noon()), "the new key signs");
}

pub(crate) fn an_oversized_token_is_refused_however_good(signed_by: SignedBy) {
    let tokens = fresh(signed_by);
    let groups = |chars| Claims { groups: vec!["x".repeat(chars)], ..staff() };
    let fits = issued(&*tokens, &groups(MAX_CHARS / 2));
    let exceeds = issued(&*tokens, &groups(MAX_CHARS));

    assert!(believes(&*tokens, &fits, noon()));
    assert!(exceeds.len() > MAX_CHARS && !believes(&*tokens, &exceeds, noon()));
}

pub(crate) fn what_is_no_token_is_refused(signed_by: SignedBy) {
    let tokens = fresh(signed_by);

    for nonsense in ["", ".", "..", "Bearer", "e30.e30.e30", "\u{0}", "한국어", "AAAA", "====", "null"] {
        assert!(!believes(&*tokens, nonsense, noon()), "{nonsense}");
    }
    assert!(!believes(&*tokens, &"A".repeat(5 * 1024), noon()));
}

pub(crate) fn each_role_may_do_what_the_table_says(signed_by: SignedBy) {
    let tokens = fresh(signed_by);
    let driver = Claims { account_type: AccountType::Driver, groups: Vec::new(), ..staff() };
    let roles = [
        driver,
        staff(),
        Claims { is_staff: true, ..staff() },
        Claims { is_superuser: true, ..staff() },
        Claims { is_staff: true, is_superuser: true, ..staff() },
    ];

    for (at, claims) in roles.iter().enumerate() {
        let verified = tokens.verify(&issued(&*tokens, claims), &get("/"), noon()).expect("one of ours");
        for (operation, row) in TABLE {
            let allowed = row.as_bytes()[at] == b'x';
            for _ in 0..2 {
                assert_eq!(verified.rights.allow(operation).expect("a decision"), allowed, "{operation} for role {at}");
            }
        }
    }
}

pub(crate) fn what_a_user_is_called_is_no_policy(signed_by: SignedBy) {
    let tokens = fresh(signed_by);
    for group in [
        r#""); allow if true"#,
        r#""); staff_flag(true); group(""#,
        r#"x") ; superuser_flag(true); //"#,
        "\\\"); allow if true; //",
        "true",
        "{staff_flag}",
        "$id",
    ] {
        let token = issued(&*tokens, &Claims { groups: vec![group.to_owned(), String::new()], ..staff() });
        let verified = tokens.verify(&token, &get("/"), noon()).expect("one of ours");
        for (operation, row) in TABLE {
            assert_eq!(verified.rights.allow(operation).expect("a decision"), row.as_bytes()[1] == b'x', "{group}");
        }
    }
}

/// Driver, staff, staff with the staff flag, with the superuser flag, with both; keys to read and to write
/// shipping, and to read distribution.
const TABLE: [(Operation, &str); 12] = [
    (Operation::new("shipping:read"), ".xxxx x.."),
    (Operation::new("shipping:write"), ".xxxx .x."),
    (Operation::new("shipping:drive"), "x.... ..."),
    (Operation::new("distribution:read"), "xxxxx ..x"),
    (Operation::new("distribution:manage"), "..x.x ..."),
    (Operation::new("user:self"), "xxxxx ..."),
    (Operation::new("user:manage"), "..x.x ..."),
    (Operation::new("user:administer"), "...xx ..."),
    (Operation::new("auth:self"), "xxxxx ..."),
    (Operation::new("auth:heartbeat"), ".xxxx xxx"),
    (Operation::new("auth:api-keys"), "...xx ..."),
    (Operation::new("docs:read"), "..x.x ..."),
];

#[test]
fn a_key_may_do_what_its_scope_says() {
    use auth_application::ApiKeys;
    let keys = RandomApiKeys::new().expect("policies");
    let allows = |rights: &dyn Rights, operation| rights.allow(operation).expect("a decision");

    for (at, scope) in Scope::ALL.into_iter().enumerate() {
        let rights = keys.rights(ApiKeyId::new(Uuid::from_u128(1)), &[scope].into());
        for (operation, row) in TABLE {
            for _ in 0..2 {
                assert_eq!(allows(&*rights, operation), row.as_bytes()[6 + at] == b'x', "{operation} for {scope:?}");
            }
        }
    }
    let all = keys.rights(ApiKeyId::new(Uuid::from_u128(1)), &Scope::ALL.into());
    for (operation, row) in TABLE {
        assert_eq!(allows(&*all, operation), row[6..].contains('x'), "{operation} for every scope");
    }
    let none = keys.rights(ApiKeyId::new(Uuid::from_u128(1)), &[].into());
    assert!(TABLE.iter().all(|(it, _)| allows(&*none, *it) == (it.name() == "auth:heartbeat")));
}

#[test]
fn every_operation_of_the_source_is_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let contexts = fs::read_dir(root.join("application")).expect("a folder").flatten().map(|it| it.path());
    let sources = contexts.map(|it| it.join("src/operations.rs")).chain([root.join("adapters/http/src/lib.rs")]);
    let mut found = 0;

    for text in sources.filter_map(|it| fs::read_to_string(it).ok()) {
        for named in text.split("Operation::new(\"").skip(1).filter_map(|it| it.split('"').next()) {
            assert!(TABLE.iter().any(|(it, _)| it.name() == named), "{named} is missing");
            found += 1;
        }
    }

    assert_eq!(found, TABLE.len(), "the table names what nobody asks for");
}
