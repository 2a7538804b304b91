//! What signs tokens, and what is hashed and sealed with.

use secrets_adapter::Secrets;
use tokens_adapter::RootKeys;

use super::Secret;
use super::reader::{AtFault, Reader};

/// What access tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFormat {
    /// Biscuits, which their holders can narrow and everybody can verify.
    Biscuit,
    /// JSON web tokens (RFC 7519) with a shared key, as many clients know them.
    Jwt,
}

impl TokenFormat {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "biscuit" => Some(Self::Biscuit),
            "jwt" => Some(Self::Jwt),
            _ => None,
        }
    }
}

/// On a developer's machine, and nowhere else: what was sealed yesterday can be opened today.
pub(super) const DEVELOPMENT_KEY: &str = "0d15ea5e0123456789abcdef0011223344556677f8e9dacbbcad9e8f70615243";

/// Whether others know this key, or could find it.
fn is_guessable(key: &str) -> bool {
    key.eq_ignore_ascii_case(DEVELOPMENT_KEY) || is_typed(key)
}

/// What somebody typed instead of having it generated: text, digits, or bytes that count.
fn is_typed(key: &str) -> bool {
    let bytes: Vec<u8> =
        (0..key.len()).step_by(2).filter_map(|at| u8::from_str_radix(key.get(at..at + 2)?, 16).ok()).collect();
    let step = |pair: &[u8]| pair[1].wrapping_sub(pair[0]);
    let mut steps = bytes.windows(2).map(step);
    let first = steps.next();
    key.bytes().all(|it| it.is_ascii_digit())
        || bytes.iter().all(|it| (b' '..=b'~').contains(it))
        || steps.all(|it| Some(it) == first)
}

const GENERATED: &str = "a key that `majestic generate-keypair` printed";
const OF_YOUR_OWN: &str = "a key of your own, as `majestic generate-keypair` prints it, outside local and test";
const NEEDED: &str = "set outside local and test; `majestic generate-keypair` prints one";

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    pub(super) fn token_format(&mut self) -> TokenFormat {
        self.parsed("TOKEN_FORMAT", TokenFormat::Biscuit, "biscuit or jwt", TokenFormat::named)
    }

    pub(super) fn token_root_key(&mut self, private: bool) -> Secret {
        let is_key = |key: &str| RootKeys::parse(key, []).is_ok();
        self.key("TOKEN_ROOT_KEY", private, is_key, RootKeys::generate)
    }

    pub(super) fn token_retired_keys(&mut self, private: bool) -> Vec<Secret> {
        self.keys("TOKEN_RETIRED_KEYS", private, |key| RootKeys::parse(key, []).is_ok())
    }

    pub(super) fn secret_key(&mut self, private: bool) -> Secret {
        let is_key = |key: &str| Secrets::parse(key, []).is_ok();
        self.key("SECRET_KEY", private, is_key, || DEVELOPMENT_KEY.to_owned())
    }

    pub(super) fn secret_retired_keys(&mut self, private: bool) -> Vec<Secret> {
        self.keys("SECRET_RETIRED_KEYS", private, |key| Secrets::parse(key, []).is_ok())
    }

    /// The key in use. Where one person runs it for themselves, one is made up.
    fn key(
        &mut self,
        name: &str,
        private: bool,
        is_key: impl Fn(&str) -> bool,
        make_up: impl Fn() -> String,
    ) -> Secret {
        let rule = match self.secret(name) {
            Ok(Some(key)) if !is_key(&key) => GENERATED,
            Ok(Some(key)) if !private && is_guessable(&key) => OF_YOUR_OWN,
            Ok(Some(key)) => return Secret::new(key),
            Ok(None) if private => return Secret::new(make_up()),
            Ok(None) => NEEDED,
            Err(AtFault) => return Secret::new(""),
        };
        self.fault(name, rule);
        Secret::new("")
    }

    /// Keys that were in use before, by comma. What they sealed and signed is still believed, so each has to be as good.
    fn keys(&mut self, name: &str, private: bool, is_key: impl Fn(&str) -> bool) -> Vec<Secret> {
        let Ok(keys) = self.secret(name) else { return Vec::new() };
        let keys = keys.unwrap_or_default();
        let keys: Vec<_> = keys.split(',').map(str::trim).filter(|it| !it.is_empty()).map(Secret::new).collect();
        if keys.iter().any(|key| !is_key(key.expose())) {
            self.fault(name, "keys that `majestic generate-keypair` printed, by comma");
            return Vec::new();
        }
        if !private && keys.iter().any(|key| is_guessable(key.expose())) {
            self.fault(name, "keys of your own, as `majestic generate-keypair` prints them, outside local and test");
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_generated_can_be_guessed() {
        let typed =
            "correct horse battery staple, 12".bytes().map(|it| format!("{it:02x}")).collect::<Vec<_>>().concat();
        let counted = (0..32_u8).map(|it| format!("{:02x}", it.wrapping_mul(7))).collect::<Vec<_>>().concat();
        for key in [DEVELOPMENT_KEY, &DEVELOPMENT_KEY.to_uppercase(), &typed, &counted, &"0123456789".repeat(7)[..64]] {
            assert!(is_guessable(key), "{key}");
        }
        for _ in 0..100 {
            assert!(!is_guessable(&Secrets::generate()) && !is_guessable(&RootKeys::generate()));
        }
    }
}
