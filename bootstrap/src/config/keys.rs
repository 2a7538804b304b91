//! What signs tokens, and what is hashed and sealed with.

use secrets_adapter::Secrets;
use tokens_adapter::RootKeys;

use super::Secret;
use super::reader::Reader;

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

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    pub(super) fn token_format(&mut self) -> TokenFormat {
        self.parsed("TOKEN_FORMAT", TokenFormat::Biscuit, "biscuit or jwt", TokenFormat::named)
    }

    pub(super) fn token_root_key(&mut self, private: bool) -> Secret {
        match self.raw("TOKEN_ROOT_KEY") {
            Some(key) if RootKeys::parse(&key, []).is_ok() => Secret::new(key),
            Some(_) => {
                self.fault("TOKEN_ROOT_KEY", "a key that `majestic generate-keypair` printed");
                Secret::new("")
            }
            None if private => Secret::new(RootKeys::generate()),
            None => {
                self.fault("TOKEN_ROOT_KEY", "set outside local and test; `majestic generate-keypair` prints one");
                Secret::new("")
            }
        }
    }

    pub(super) fn token_retired_keys(&mut self) -> Vec<Secret> {
        self.keys("TOKEN_RETIRED_KEYS", |key| RootKeys::parse(key, []).is_ok())
    }

    pub(super) fn secret_key(&mut self, private: bool) -> Secret {
        match self.raw("SECRET_KEY") {
            Some(key) if key.eq_ignore_ascii_case(DEVELOPMENT_KEY) && !private => {
                self.fault("SECRET_KEY", "a key of your own outside local and test");
                Secret::new("")
            }
            Some(key) if Secrets::parse(&key, []).is_ok() => Secret::new(key),
            Some(_) => {
                self.fault("SECRET_KEY", "a key that `majestic generate-keypair` printed");
                Secret::new("")
            }
            None if private => Secret::new(DEVELOPMENT_KEY),
            None => {
                self.fault("SECRET_KEY", "set outside local and test; `majestic generate-keypair` prints one");
                Secret::new("")
            }
        }
    }

    pub(super) fn secret_retired_keys(&mut self) -> Vec<Secret> {
        self.keys("SECRET_RETIRED_KEYS", |key| Secrets::parse(key, []).is_ok())
    }

    /// Keys by comma.
    fn keys(&mut self, name: &str, is_key: impl Fn(&str) -> bool) -> Vec<Secret> {
        let keys = self.raw(name).unwrap_or_default();
        let keys: Vec<_> = keys.split(',').map(str::trim).filter(|it| !it.is_empty()).map(Secret::new).collect();
        if keys.iter().any(|key| !is_key(key.expose())) {
            self.fault(name, "keys that `majestic generate-keypair` printed, by comma");
            return Vec::new();
        }
        keys
    }
}
