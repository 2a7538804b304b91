//! What only JWTs have to withstand.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::crypto::sign;
use kernel_application::testing::noon;
use proptest::prelude::*;

use super::*;
use crate::RootKeys;
use crate::contract::{access_tokens_contract, get, staff};

access_tokens_contract!(super::signed_by);

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn signed_by(key: &str, retired: &[&str]) -> Box<dyn AccessTokens> {
    let keys = JwtKeys::parse(key, retired.iter().copied()).expect("keys");
    Box::new(Jwts::signed_by(keys).expect("policies"))
}

fn accepted(token: &str) -> bool {
    signed_by(KEY, &[]).verify(token, &get("/"), noon()).is_ok()
}

/// A token that we did not issue, with our key.
fn signed(header: &str, payload: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key: Vec<u8> = (0..32).collect();
    let signature = sign(message.as_bytes(), &EncodingKey::from_secret(&key), Algorithm::HS256).expect("a signature");
    format!("{message}.{signature}")
}

fn part(token: &str, at: usize) -> String {
    let part = token.split('.').nth(at).expect("three parts");
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).expect("base 64")).expect("text")
}

#[test]
fn the_claims_are_those_of_the_original_and_what_rights_need() {
    let token = signed_by(KEY, &[]).issue(&staff()).expect("a token");

    assert_eq!(
        part(&token, 1),
        r#"{"token_type":"access","exp":1767356100,"jti":"00000000000000000000000000000002","user_id":"00000000000000000000000000000001","user_type":"STAFF","is_staff":false,"is_superuser":false,"groups":["night shift"]}"#
    );
    assert_eq!(part(&token, 0), r#"{"typ":"JWT","alg":"HS256","kid":"7d8a485a"}"#);
    assert!(accepted(&token));
}

#[test]
fn no_other_algorithm_is_believed() {
    let token = signed_by(KEY, &[]).issue(&staff()).expect("a token");
    let (payload, signature) = token.split_once('.').and_then(|it| it.1.split_once('.')).expect("three parts");

    for alg in ["none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256", ""] {
        let header = part(&token, 0).replace("HS256", alg);
        assert!(!accepted(&signed(&header, &part(&token, 1))), "{alg}, signed by us");
        let header = URL_SAFE_NO_PAD.encode(header);
        assert!(!accepted(&format!("{header}.{payload}.{signature}")), "{alg}");
        assert!(!accepted(&format!("{header}.{payload}.")), "{alg}");
    }
}

#[test]
fn a_header_cannot_choose_a_key_that_is_not_ours() {
    let token = signed_by(KEY, &[]).issue(&staff()).expect("a token");

    let header = part(&token, 0);
    let kid = our_kid(&header);
    for other in ["", "00000000", "../../dev/null", "' OR 1=1"] {
        assert!(!accepted(&signed(&header.replace(&kid, other), &part(&token, 1))), "{other}");
    }
    let without = header.replace(&format!(r#","kid":"{kid}""#), "");
    assert!(!without.contains("kid") && !accepted(&signed(&without, &part(&token, 1))));
    assert!(accepted(&signed(&header, &part(&token, 1))), "they differ in the key's id alone");
}

fn our_kid(header: &str) -> String {
    header.split('"').rev().nth(1).expect("the last value").to_owned()
}

#[test]
fn other_claims_are_no_access_token_even_if_we_signed_them() {
    let token = signed_by(KEY, &[]).issue(&staff()).expect("a token");
    let (header, claims) = (part(&token, 0), part(&token, 1));

    for (from, to) in [
        (r#""token_type":"access""#, r#""token_type":"refresh""#),
        (r#""token_type":"access","#, ""),
        (r#""exp":1767356100"#, r#""exp":"1767356100""#),
        (r#""exp":1767356100"#, r#""exp":null"#),
        (r#""exp":1767356100"#, r#""exp":9223372036854775807"#),
        (r#""exp":1767356100"#, r#""exp":-1"#),
        (r#""exp":1767356100,"#, ""),
        (r#""user_id":"00000000000000000000000000000001""#, r#""user_id":1"#),
        (r#""user_id":"00000000000000000000000000000001""#, r#""user_id":"1""#),
        (r#""user_type":"STAFF""#, r#""user_type":"ROOT""#),
        (r#""is_staff":false"#, r#""is_staff":"true""#),
        (r#""groups":["night shift"]"#, r#""groups":"night shift""#),
        (r#""is_superuser":false"#, r#""is_superuser":false,"is_superuser":true"#),
    ] {
        let changed = claims.replace(from, to);
        assert_ne!(changed, claims, "{from}");
        assert!(!accepted(&signed(&header, &changed)), "{to}");
    }
}

#[test]
fn nobody_else_can_tell_our_tokens_from_others() {
    assert_eq!(signed_by(KEY, &[&RootKeys::generate()]).public_keys(), Vec::new());
}

proptest! {
    #[test]
    fn nonsense_is_refused_without_a_panic(nonsense in ".{0,600}", a in "[A-Za-z0-9_=-]{0,80}", b in "[A-Za-z0-9_=-]{0,80}") {
        prop_assert!(!accepted(&nonsense));
        let like = format!("{a}.{b}.{a}");
        prop_assert!(!accepted(&like));
    }
}
