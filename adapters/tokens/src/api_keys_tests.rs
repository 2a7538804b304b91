//! What is a key, and what costs nothing because it cannot be one.

use proptest::prelude::*;

use super::*;

/// Its checksum was computed with another program.
const KEY: &str = "mk_ABCDEFGH.00000000000000000000000000000000000000000002DGz9M";

fn keys() -> RandomApiKeys {
    RandomApiKeys::new().expect("policies")
}

fn read(text: &str) -> Option<KeyFingerprint> {
    keys().read(&PresentedKey::new(text))
}

#[test]
fn a_fresh_key_is_new_and_found_by_the_pattern() {
    let keys = keys();
    let mut seen = BTreeSet::new();

    for _ in 0..200 {
        let (key, fingerprint) = keys.fresh();

        let (prefix, secret) = key.expose().split_once('.').expect("a dot");
        let drawn = prefix.strip_prefix("mk_").expect("the brand");
        let all = |it: &str| it.bytes().all(|it| it.is_ascii_alphanumeric());
        assert!(drawn.len() == 8 && all(drawn) && secret.len() == 49 && all(secret), "{}", key.expose());
        assert_eq!(fingerprint.prefix, prefix);
        assert_eq!(keys.read(&key), Some(fingerprint));
        assert!(seen.insert(prefix.to_owned()) && seen.insert(secret[..43].to_owned()));
    }
}

#[test]
fn the_checksum_is_crc_32_to_the_base_of_62() {
    let fingerprint = read(KEY).expect("a key");

    assert_eq!(fingerprint.prefix, "mk_ABCDEFGH");
    assert_eq!(fingerprint.hash, ApiKeyHash::new(Sha256::digest(KEY).into()), "the hash is of the whole key");
    assert_eq!(base62([0xff; 4], CHECKSUM), "4gfFC3");
    assert_eq!(base62([0xff; 32], SECRET), "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
    assert_eq!(base62([0; 32], SECRET), "0".repeat(SECRET));
}

#[test]
fn a_changed_character_is_noticed_without_a_database() {
    for at in 0..KEY.len() {
        for other in DIGITS.iter().map(|it| char::from(*it)).chain(['.', '_', '-', ' ', '\0']) {
            let changed = format!("{}{other}{}", &KEY[..at], &KEY[at + 1..]);
            assert!(changed == KEY || read(&changed).is_none(), "{changed}");
        }
        assert!(read(&KEY[..at]).is_none() && read(&KEY[at + 1..]).is_none());
    }
}

#[test]
fn what_only_looks_like_a_key_is_none() {
    let long = format!("{KEY}0");
    let twice = format!("{KEY}{KEY}");
    let with = |it: &str| KEY.replacen("ABCDEFGH", it, 1);
    for text in [
        "",
        ".",
        "mk_",
        "mk_.",
        &long,
        &twice,
        &format!(" {KEY}"),
        &with("ABCDEF한"),
        &with("ABC.EFGH"),
        &"é".repeat(30),
    ] {
        assert!(read(text).is_none(), "{text}");
    }
    assert!(read(&"x".repeat(10_000_000)).is_none());
}

#[test]
fn a_log_shows_no_key() {
    let (key, fingerprint) = keys().fresh();

    let shown = format!("{key:?} {fingerprint:?}");

    assert!(!shown.contains(&key.expose()[PREFIX + 1..]), "{shown}");
}

proptest! {
    #[test]
    fn nonsense_is_no_key_and_no_panic(nonsense in ".{0,80}", like in "mk_[0-9A-Za-z]{8}\\.[0-9A-Za-z]{43}", sum in "[0-9A-Za-z]{6}") {
        prop_assert!(read(&nonsense).is_none());
        prop_assert_eq!(read(&format!("{like}{sum}")).is_some(), sum == checksum(&like));
        let whole = format!("{like}{}", checksum(&like));
        prop_assert!(read(&whole).is_some());
    }

    #[test]
    fn digits_say_the_number(number in any::<u32>()) {
        let value = base62(number.to_be_bytes(), CHECKSUM).bytes().fold(0_u64, |value, digit| {
            value * 62 + DIGITS.iter().position(|it| *it == digit).map_or(0, |it| it as u64)
        });
        prop_assert_eq!(value, u64::from(number));
    }
}
