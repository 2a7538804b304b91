//! API keys: what is read has the form that scanners look for, and a key that was mistyped is none.

use std::sync::LazyLock;

use auth_application::{ApiKeys as _, PresentedKey};
use tokens_adapter::RandomApiKeys;

/// `mk_`, what finds the key, a dot, what is secret, and what checks the rest.
const CHARS: usize = 3 + 8 + 1 + 43 + 6;
const DOT: usize = 3 + 8;

#[expect(clippy::expect_used, reason = "without policies there is nothing to try")]
static KEYS: LazyLock<RandomApiKeys> = LazyLock::new(|| RandomApiKeys::new().expect("policies"));

pub(crate) fn take(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Some(fingerprint) = KEYS.read(&PresentedKey::new(text)) else { return };

    assert_eq!(text.len(), CHARS);
    assert_eq!(fingerprint.prefix, text[..DOT]);
    let (brand, secret) = (text.strip_prefix("mk_"), &text[DOT + 1..]);
    let drawn = brand.is_some_and(|it| it[..8].bytes().chain(secret.bytes()).all(|it| it.is_ascii_alphanumeric()));
    assert!(drawn && text.as_bytes()[DOT] == b'.', "a scanner would not find it");

    for at in 0..CHARS {
        let mut mistyped = text.to_owned();
        mistyped.replace_range(at..=at, if &text[at..=at] == "0" { "1" } else { "0" });
        assert!(KEYS.read(&PresentedKey::new(mistyped)).is_none(), "the character at {at} does not matter");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_ours_is_read() {
        let (key, fingerprint) = KEYS.fresh();

        assert_eq!(KEYS.read(&key), Some(fingerprint));
        take(key.expose().as_bytes());
    }
}
