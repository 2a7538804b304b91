//! What tokens allow, and what no token allows.

use auth_application::AccountType;
use biscuit_auth::KeyPair;
use biscuit_auth::macros::block;
use chrono::TimeDelta;
use kernel_application::Operation;
use kernel_application::testing::noon;
use proptest::prelude::*;

use super::*;

const SHIP: Operation = Operation::new("shipping:write");
const LOOK: Operation = Operation::new("shipping:read");
const MANAGE: Operation = Operation::new("distribution:manage");
const SELF: Operation = Operation::new("user:self");

fn tokens() -> Biscuits {
    Biscuits::signed_by(RootKeys::parse(&RootKeys::generate(), []).expect("a key")).expect("policies")
}

fn staff() -> Claims {
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

fn get(path: &str) -> RequestFacts {
    RequestFacts { method: "GET".to_owned(), path: path.to_owned() }
}

fn allows(tokens: &Biscuits, token: &str, request: &RequestFacts, operation: Operation) -> bool {
    let verified = tokens.verify(token, request, noon()).expect("one of ours");
    verified.rights.allow(operation).expect("a decision")
}

fn narrowed(tokens: &Biscuits, token: &str, block: biscuit_auth::builder::BlockBuilder) -> String {
    let biscuit = Biscuit::from_base64(token, &tokens.keys).expect("one of ours");
    biscuit.append(block).expect("it can be narrowed").to_base64().expect("text")
}

#[test]
fn a_token_says_who_and_what() {
    let tokens = tokens();
    let token = tokens.issue(&staff()).expect("a token");

    let verified = tokens.verify(&token, &get("/"), noon()).expect("one of ours");

    assert_eq!((verified.account_id, verified.session_id), (staff().account_id, staff().session_id));
    for (operation, expected) in [(SHIP, true), (LOOK, true), (SELF, true), (MANAGE, false)] {
        for _ in 0..2 {
            assert_eq!(verified.rights.allow(operation).expect("a decision"), expected, "{operation}");
        }
    }
}

#[test]
fn the_staff_flag_opens_distribution_and_a_driver_does_not_ship() {
    let tokens = tokens();
    let flagged = tokens.issue(&Claims { is_staff: true, ..staff() }).expect("a token");
    let driver = tokens.issue(&Claims { account_type: AccountType::Driver, ..staff() }).expect("a token");

    assert!(allows(&tokens, &flagged, &get("/"), MANAGE));
    assert!(!allows(&tokens, &driver, &get("/"), SHIP));
    assert!(allows(&tokens, &driver, &get("/"), SELF));
}

#[test]
fn a_token_expires_even_if_it_was_verified_before() {
    let tokens = tokens();
    let token = tokens.issue(&staff()).expect("a token");
    tokens.verify(&token, &get("/"), noon()).expect("still good");

    let later = tokens.verify(&token, &get("/"), noon() + TimeDelta::minutes(15));

    assert!(matches!(later, Err(TokenRefused::Invalid)));
}

#[test]
fn a_token_of_another_key_is_refused() {
    let token = tokens().issue(&staff()).expect("a token");

    assert!(matches!(tokens().verify(&token, &get("/"), noon()), Err(TokenRefused::Invalid)));
}

#[test]
fn a_token_outlives_the_retirement_of_its_key_until_the_key_is_forgotten() {
    let (old, new) = (RootKeys::generate(), RootKeys::generate());
    let before = Biscuits::signed_by(RootKeys::parse(&old, []).expect("a key")).expect("policies");
    let after = Biscuits::signed_by(RootKeys::parse(&new, [old.as_str()]).expect("keys")).expect("policies");
    let forgotten = Biscuits::signed_by(RootKeys::parse(&new, []).expect("a key")).expect("policies");

    let token = before.issue(&staff()).expect("a token");

    assert!(after.verify(&token, &get("/"), noon()).is_ok());
    assert!(forgotten.verify(&token, &get("/"), noon()).is_err());
}

#[test]
fn a_holder_narrows_a_token_to_a_method_a_path_or_a_time() {
    let tokens = tokens();
    let token = tokens.issue(&staff()).expect("a token");
    let items = get("/api/v1/shipping/shippingitems/");
    let post = RequestFacts { method: "POST".to_owned(), ..items.clone() };

    let read_only = narrowed(&tokens, &token, block!(r#"check if method("GET");"#));
    assert!(allows(&tokens, &read_only, &items, LOOK));
    assert!(!allows(&tokens, &read_only, &post, SHIP));

    let one_path =
        narrowed(&tokens, &token, block!(r#"check if path($p), $p.starts_with("/api/v1/shipping/shippingitems/");"#));
    assert!(allows(&tokens, &one_path, &items, LOOK));
    assert!(!allows(&tokens, &one_path, &get("/api/v1/shipping/batches/"), LOOK));

    let over = SystemTime::from(noon());
    let until_noon = narrowed(&tokens, &token, block!("check if time($t), $t < {over};"));
    assert!(!allows(&tokens, &until_noon, &items, LOOK));
    assert!(allows(&tokens, &token, &items, LOOK), "the original is as good as ever");
}

#[test]
fn a_holder_cannot_widen_a_token() {
    let tokens = tokens();
    let driver = tokens.issue(&Claims { account_type: AccountType::Driver, ..staff() }).expect("a token");

    let forged = narrowed(&tokens, &driver, block!(r#"user_type("STAFF"); staff_flag(true);"#));

    assert!(!allows(&tokens, &forged, &get("/"), SHIP));
    assert!(!allows(&tokens, &forged, &get("/"), MANAGE));
}

#[test]
fn a_holder_cannot_be_somebody_else() {
    let tokens = tokens();
    let token = tokens.issue(&staff()).expect("a token");
    let somebody = Uuid::from_u128(99).to_string();

    let forged = narrowed(&tokens, &token, block!("user({somebody}); session({somebody});"));

    let verified = tokens.verify(&forged, &get("/"), noon()).expect("still one of ours");
    assert_eq!(verified.account_id, staff().account_id);
}

#[test]
fn a_token_with_too_many_blocks_or_characters_is_not_looked_at() {
    let tokens = tokens();
    let mut token = tokens.issue(&staff()).expect("a token");
    for _ in 0..MAX_BLOCKS {
        token = narrowed(&tokens, &token, block!("check if true;"));
    }

    assert!(matches!(tokens.verify(&token, &get("/"), noon()), Err(TokenRefused::Invalid)));
    assert!(matches!(tokens.verify(&"A".repeat(MAX_CHARS + 1), &get("/"), noon()), Err(TokenRefused::Invalid)));
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

    let refusal = tokens.verify(&extended.to_base64().expect("text"), &get("/"), noon());

    assert!(matches!(refusal, Err(TokenRefused::Invalid)));
}

proptest! {
    #[test]
    fn one_changed_character_makes_a_token_worthless(at in 0..400_usize, to in "[A-Za-z0-9_-]") {
        let tokens = tokens();
        let token = tokens.issue(&staff()).expect("a token");
        let at = at % token.len();
        let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        prop_assume!(changed != token);

        // The last character of base 64 may carry bits that mean nothing.
        let same = Biscuit::from_base64(&changed, &tokens.keys)
            .and_then(|it| it.to_base64())
            .is_ok_and(|it| it == token);
        prop_assert!(same || tokens.verify(&changed, &get("/"), noon()).is_err());
    }

    #[test]
    fn nonsense_is_refused_without_a_panic(nonsense in ".{0,600}") {
        prop_assert!(tokens().verify(&nonsense, &get("/"), noon()).is_err());
    }
}
