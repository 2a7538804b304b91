//! What only Biscuits have to withstand, and what a holder may do with them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use auth_application::AccountType;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use biscuit_auth::KeyPair;
use biscuit_auth::builder::BlockBuilder;
use biscuit_auth::macros::block;
use kernel_application::Operation;
use kernel_application::testing::noon;
use proptest::prelude::*;

use super::*;
use crate::contract::{access_tokens_contract, get, staff};

#[path = "../../../docs/clients/narrow_a_token.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is a program of its own")]
mod client;

access_tokens_contract!(super::signed_by);

const SHIP: Operation = Operation::new("shipping:write");
const LOOK: Operation = Operation::new("shipping:read");
const SELF: Operation = Operation::new("user:self");

/// Tokens that are not signed by us, published for every implementation of Biscuit.
const PUBLISHED: &str = include_str!("published_samples.txt");
/// The private key that they are signed with, published too.
const PUBLISHED_KEY: &str = "99e87b0e9158531eeeb503ff15266e2b23c2a2507b138c9d1b1f2ab458df2d61";

fn signed_by(key: &str, retired: &[&str]) -> Box<dyn AccessTokens> {
    let keys = RootKeys::parse(key, retired.iter().copied()).expect("keys");
    Box::new(Biscuits::signed_by(keys).expect("policies"))
}

fn tokens() -> Biscuits {
    Biscuits::signed_by(RootKeys::parse(&RootKeys::generate(), []).expect("a key")).expect("policies")
}

fn refuses(tokens: &Biscuits, token: &str) -> bool {
    matches!(tokens.verify(token, &get("/"), noon()), Err(TokenRefused::Invalid))
}

fn allows(tokens: &Biscuits, token: &str, request: &RequestFacts, operation: Operation) -> bool {
    let verified = tokens.verify(token, request, noon()).expect("one of ours");
    verified.rights.allow(operation).expect("a decision")
}

fn narrowed(token: &str, block: BlockBuilder) -> String {
    let narrowed = UnverifiedBiscuit::from_base64(token).and_then(|it| it.append(block));
    narrowed.and_then(|it| it.to_base64()).expect("it can be narrowed")
}

fn by_client(token: &str, to: &str, value: Option<&str>) -> String {
    client::narrowed(token, to, value).expect("it can be narrowed")
}

#[test]
fn anybody_can_tell_our_tokens_from_others() {
    let (key, retired) = (RootKeys::generate(), RootKeys::generate());
    let tokens = signed_by(&key, &[&retired]);
    let token = tokens.issue(&staff()).expect("a token");

    let published = tokens.public_keys();

    assert_eq!(published.len(), 2);
    let named = UnverifiedBiscuit::from_base64(&token).expect("a token").root_key_id().expect("it names its key");
    let key = published.iter().find(|it| it.id == named).expect("it is published");
    assert_eq!(key.algorithm, "ed25519");
    let public = biscuit_auth::PublicKey::from_bytes_hex(&key.hex, biscuit_auth::Algorithm::Ed25519).expect("a key");
    assert!(Biscuit::from_base64(&token, public).is_ok());
}

#[test]
fn a_read_only_token_only_reads() {
    let tokens = tokens();
    let token = by_client(&tokens.issue(&staff()).expect("a token"), "read-only", None);
    let with = |method: &str| RequestFacts { method: method.to_owned(), path: "/api/v1/shipping/batches/".to_owned() };

    for method in ["GET", "HEAD"] {
        assert!(allows(&tokens, &token, &with(method), LOOK), "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", ""] {
        assert!(!allows(&tokens, &token, &with(method), LOOK), "{method}");
        assert!(!allows(&tokens, &token, &with(method), SHIP), "{method}");
    }
}

#[test]
fn a_token_for_a_path_opens_no_other() {
    let tokens = tokens();
    let token = by_client(&tokens.issue(&staff()).expect("a token"), "path", Some("/api/v1/shipping/batches/"));

    for path in ["/api/v1/shipping/batches/", "/api/v1/shipping/batches/7/"] {
        assert!(allows(&tokens, &token, &get(path), LOOK), "{path}");
    }
    for path in ["/", "/api/v1/shipping/", "/api/v1/shipping/batches2/", "/x/api/v1/shipping/batches/", ""] {
        assert!(!allows(&tokens, &token, &get(path), LOOK), "{path}");
    }
}

#[test]
fn a_token_with_a_deadline_ends_before_the_one_it_was_made_from() {
    let tokens = tokens();
    let token = tokens.issue(&staff()).expect("a token");
    let shorter = by_client(&token, "until", Some("2026-01-02T12:05:00Z"));
    let allowed = |token: &str, minutes| {
        let verified = tokens.verify(token, &get("/"), noon() + chrono::TimeDelta::minutes(minutes));
        verified.is_ok_and(|it| it.rights.allow(LOOK).expect("a decision"))
    };

    assert!(allowed(&shorter, 4) && !allowed(&shorter, 5));
    assert!(allowed(&token, 14) && !allowed(&token, 15), "the original is as good as ever");
    let longer = by_client(&token, "until", Some("2027-01-02T12:00:00Z"));
    assert!(allowed(&longer, 14) && !allowed(&longer, 15), "and gets no better");
}

#[test]
fn what_a_client_says_is_no_policy() {
    let token = tokens().issue(&staff()).expect("a token");

    for (to, value) in
        [("", None), ("read-only", Some("x")), ("path", None), ("until", Some("tomorrow")), ("all", None)]
    {
        assert!(client::narrowed(&token, to, value).is_err(), "{to}");
    }
    assert!(client::narrowed("nonsense", "read-only", None).is_err());
    assert!(client::narrowed(&token, "path", Some(r#""); allow if true; //"#)).is_ok(), "it is a path");
}

#[test]
fn a_holder_cannot_widen_a_token() {
    let tokens = tokens();
    let token = tokens.issue(&Claims { account_type: AccountType::Driver, ..staff() }).expect("a token");
    let facts = [
        block!(r#"user_type("STAFF"); staff_flag(true); superuser_flag(true); role("staff");"#),
        block!(r#"operation("user:self"); method("GET"); path("/"); api_key("1"); scope("shipping:write");"#),
    ];
    let rules = [
        block!(r#"user_type("STAFF") <- user($id); scope($op) <- operation($op); api_key($id) <- user($id);"#),
        block!(r#"user_type("STAFF") <- user_type("DRIVER") trusting authority;"#),
        block!(r#"staff_flag(true) <- user($id) trusting previous;"#),
    ];

    for block in facts {
        let widened = narrowed(&token, block);
        for operation in ["shipping:write", "distribution:manage", "user:manage", "user:administer", "auth:api-keys"] {
            assert!(!allows(&tokens, &widened, &get("/"), Operation::new(operation)), "{operation}");
        }
        assert!(allows(&tokens, &widened, &get("/"), SELF), "it is as good as before");
    }
    for block in rules {
        assert!(refuses(&tokens, &narrowed(&token, block)));
    }
}

#[test]
fn a_holder_cannot_be_somebody_else_or_live_longer() {
    let tokens = tokens();
    let token = tokens.issue(&staff()).expect("a token");
    let (somebody, later) = (Uuid::from_u128(99).to_string(), SystemTime::from(noon() + chrono::TimeDelta::days(1)));

    let forged = narrowed(&token, block!("user({somebody}); session({somebody}); expires_at({later});"));

    let verified = tokens.verify(&forged, &get("/"), noon()).expect("still one of ours");
    assert_eq!((verified.account_id, verified.session_id), (staff().account_id, staff().session_id));
    assert!(tokens.verify(&forged, &get("/"), staff().expires_at).is_err());
}

#[test]
fn more_blocks_than_anybody_needs_are_refused() {
    let tokens = tokens();
    let mut token = tokens.issue(&staff()).expect("a token");
    for _ in 1..MAX_BLOCKS {
        token = narrowed(&token, block!("check if true;"));
    }
    assert!(!refuses(&tokens, &token), "8 blocks");

    let token = narrowed(&token, block!("check if true;"));

    assert!(token.len() < MAX_CHARS && refuses(&tokens, &token), "9 blocks");
}

#[test]
fn a_token_that_was_narrowed_beyond_a_header_is_refused() {
    let tokens = tokens();
    let long = "x".repeat(5 * 1024);

    let token = narrowed(&tokens.issue(&staff()).expect("a token"), block!("check if path({long});"));

    assert!(token.len() > MAX_CHARS && refuses(&tokens, &token));
}

#[test]
fn a_block_that_asks_for_endless_work_is_refused_before_it_is_begun() {
    let tokens = tokens();
    let token = tokens.issue(&staff()).expect("a token");
    let ten = "d(0); d(1); d(2); d(3); d(4); d(5); d(6); d(7); d(8); d(9);";
    let groups = Claims { groups: (0..40).map(|it| it.to_string()).collect(), ..staff() };
    let in_groups = tokens.issue(&groups).expect("a token");
    let bombs = [
        (&token, format!("{ten} p($a, $b, $c, $d, $e, $f) <- d($a), d($b), d($c), d($d), d($e), d($f);")),
        (&token, format!("{ten} check if d($a), d($b), d($c), d($d), d($e), d($f), $a == 10;")),
        (&token, format!("check if {};", ["[1, 2, 3].all($a -> [1, 2, 3].all($b -> $a == $b))"; 10].join(" || "))),
        (&token, r#"check if path($p), $p.matches("((a{50}){50}){50}");"#.to_owned()),
        (&token, r#"check if true && (false || "a".matches("a"));"#.to_owned()),
        (&in_groups, "check if group($a), group($b), group($c), $a == $b + $c;".to_owned()),
        (&in_groups, "check if group($a), group($b); ".to_owned()),
    ];

    for (token, bomb) in bombs {
        let bomb = narrowed(token, BlockBuilder::new().code(&bomb).expect("Datalog"));
        assert!(bomb.len() < MAX_CHARS && refuses(&tokens, &bomb), "{bomb}");
    }
}

#[test]
fn sensible_checks_are_believed() {
    let tokens = tokens();
    let token = tokens.issue(&Claims { groups: vec!["a".to_owned(), "b".to_owned()], ..staff() }).expect("a token");

    for (check, holds) in [
        (r#"check if method("GET"), path($p), $p.starts_with("/api/") || $p == "/";"#, true),
        (r#"check if operation($o), $o.ends_with(":read"), time($t), $t < 2027-01-01T00:00:00Z;"#, true),
        (r#"check if operation($o), ["shipping:read", "user:self"].contains($o);"#, true),
        (r#"check if group("a"), group("b"); check all group($g), $g.length() == 1; reject if path("/x/");"#, true),
        (r#"check if group("c") or method("POST");"#, false),
        (r#"reject if operation($o), $o.starts_with("shipping:");"#, false),
    ] {
        let narrowed = narrowed(&token, BlockBuilder::new().code(check).expect("Datalog"));
        assert_eq!(allows(&tokens, &narrowed, &get("/"), LOOK), holds, "{check}");
    }
}

#[test]
fn a_block_signed_by_a_third_party_is_refused() {
    let tokens = tokens();
    let token = tokens.issue(&staff()).expect("a token");
    let biscuit = Biscuit::from_base64(&token, &tokens.keys).expect("one of ours");
    let third_party = KeyPair::new();
    let request = biscuit.third_party_request().expect("a request");
    let block = request.create_block(&third_party.private(), block!(r#"user_type("STAFF");"#)).expect("a block");
    let extended = biscuit.append_third_party(third_party.public(), block).expect("it is appended");

    assert!(refuses(&tokens, &extended.to_base64().expect("text")));
}

#[test]
fn a_key_that_nobody_named_or_knows_is_not_tried() {
    let tokens = tokens();
    let (id, key) = tokens.keys.signing();
    let unnamed = biscuit!(r#"user("x");"#).build(key).expect("a token").to_base64().expect("text");
    let unknown = biscuit!(r#"user("x");"#).root_key_id(id ^ 1).build(key).expect("a token").to_base64().expect("text");
    let other = biscuit!(r#"user("x");"#).root_key_id(id).build(&KeyPair::new()).expect("a token");

    for token in [unnamed, unknown, other.to_base64().expect("text")] {
        assert!(refuses(&tokens, &token));
    }
}

#[test]
fn blocks_that_changed_places_are_refused() {
    let tokens = tokens();
    let token = tokens.issue(&staff()).expect("a token");
    let token = narrowed(&narrowed(&token, block!(r#"check if method("GET");"#)), block!(r#"check if path("/");"#));
    let bytes = URL_SAFE.decode(&token).expect("base 64");
    // The message's fields: 1 is the key's id, 2 the first block, 3 each further one, 4 the proof.
    let fields = fields(&bytes);
    let tags: Vec<u8> = fields.iter().map(|it| it[0] >> 3).collect();
    assert_eq!(tags, [1, 2, 3, 3, 4]);
    let with = |order: &[usize]| URL_SAFE.encode(order.iter().flat_map(|at| fields[*at].clone()).collect::<Vec<_>>());
    assert_eq!(with(&[0, 1, 2, 3, 4]), token);

    for order in [
        &[0, 1, 3, 2, 4][..],
        &[0, 1, 3, 4],
        &[0, 1, 2, 4],
        &[0, 1, 4],
        &[0, 1, 2, 2, 3, 4],
        &[0, 1, 2, 3],
        &[1, 2, 3, 4],
    ] {
        assert!(refuses(&tokens, &with(order)), "{order:?}");
    }
}

/// The fields of a Protocol Buffers message, each with its tag.
fn fields(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let varint = |bytes: &[u8]| {
        let length = bytes.iter().position(|it| *it < 0x80).expect("it ends") + 1;
        let value = bytes[..length].iter().rev().fold(0_usize, |value, it| value << 7 | usize::from(it & 0x7f));
        (value, length)
    };
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (value, length) = varint(&bytes[1..]);
        let whole = 1 + length + if bytes[0] & 7 == 2 { value } else { 0 };
        fields.push(bytes[..whole].to_vec());
        bytes = &bytes[whole..];
    }
    fields
}

#[test]
fn a_changed_bit_makes_a_token_worthless() {
    let tokens = tokens();
    let token = by_client(&tokens.issue(&staff()).expect("a token"), "read-only", None);
    let bytes = URL_SAFE.decode(&token).expect("base 64");

    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert!(refuses(&tokens, &URL_SAFE.encode(&changed)), "bit {bit} of byte {at} of {}", bytes.len());
        }
    }
}

#[test]
fn nothing_that_others_signed_is_believed() {
    let (ours, theirs) = (tokens(), signed_by(PUBLISHED_KEY, &[]));
    let samples: Vec<_> = PUBLISHED.lines().filter(|it| !it.starts_with('#')).collect();
    assert_eq!(samples.len(), 38);

    for sample in samples {
        let (name, token) = sample.split_once(' ').expect("a name and a token");
        assert!(refuses(&ours, token), "{name}");
        assert!(theirs.verify(token, &get("/"), noon()).is_err(), "{name}, even if their key were ours");
    }
}

/// Changes a token here and there, in every way that a byte can be changed.
fn mutations(tokens: &Biscuits, count: usize) -> usize {
    let plain = tokens.issue(&staff()).expect("a token");
    let originals =
        [plain.clone(), by_client(&plain, "read-only", None)].map(|it| URL_SAFE.decode(it).expect("base 64"));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("it is small")
    };
    let mut accepted = 0;
    for _ in 0..count {
        let original = &originals[random(2)];
        let mut bytes = original.clone();
        for _ in 0..=random(4) {
            let (at, byte) = (random(bytes.len()), random(256).to_be_bytes()[7]);
            match random(6) {
                0 | 1 => bytes[at] = byte,
                2 => bytes[at] ^= 1 << random(8),
                3 => bytes.insert(at, byte),
                4 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(1)),
            }
        }
        accepted +=
            usize::from(bytes != *original && tokens.verify(&URL_SAFE.encode(&bytes), &get("/"), noon()).is_ok());
    }
    accepted
}

#[test]
fn no_mutation_is_accepted_and_none_panics() {
    assert_eq!(mutations(&tokens(), 100_000), 0);
}

/// Valid tokens are allowed however busy the machine is: eight threads on whatever it has.
#[test]
fn no_valid_token_is_refused_under_load() {
    let tokens = tokens();
    let plain = tokens.issue(&staff()).expect("a token");
    let narrowed = by_client(&plain, "read-only", None);
    let refused = AtomicUsize::new(0);

    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for turn in 0..2_500 {
                    // Most tokens are narrowed: they are decided every time.
                    let token = if turn % 10 == 0 { &plain } else { &narrowed };
                    let verified = tokens.verify(token, &get("/"), noon());
                    let allowed = verified.is_ok_and(|it| it.rights.allow(LOOK).is_ok_and(|it| it));
                    refused.fetch_add(usize::from(!allowed), Ordering::Relaxed);
                }
            });
        }
    });

    assert_eq!(refused.into_inner(), 0);
}

proptest! {
    #[test]
    fn nonsense_is_refused_without_a_panic(nonsense in ".{0,600}", like in "[A-Za-z0-9_=-]{0,800}") {
        let tokens = tokens();
        prop_assert!(refuses(&tokens, &nonsense));
        prop_assert!(refuses(&tokens, &like));
    }
}
