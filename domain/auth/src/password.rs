//! Passwords: chosen, given, and kept as hashes.

use std::fmt;

use crate::{AccountId, common_passwords};

/// A password as somebody typed it. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Takes what was typed, as it is: white space counts.
    pub fn typed(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever hashes it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A password good enough to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPassword(Password);

/// Why a password may not be set (OWASP ASVS 5, 6.2.1, 6.2.4 and 6.2.9: its length, and who else has it, and nothing else).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// It can be guessed.
    #[error("a password has at least {} characters", NewPassword::MIN_CHARS)]
    TooShort,
    /// Hashing it would cost more than it is worth.
    #[error("a password has at most {} characters", NewPassword::MAX_CHARS)]
    TooLong,
    /// It is among the first that are tried.
    #[error("a password is none that everybody uses")]
    Common,
}

impl NewPassword {
    /// Characters in the shortest password.
    pub const MIN_CHARS: usize = 8;
    /// Characters in the longest password.
    pub const MAX_CHARS: usize = 128;

    /// Chooses a password.
    pub fn choose(password: Password) -> Result<Self, WeakPassword> {
        match password.0.chars().count() {
            ..Self::MIN_CHARS => Err(WeakPassword::TooShort),
            Self::MIN_CHARS..=Self::MAX_CHARS if common_passwords::has(&password.0) => Err(WeakPassword::Common),
            Self::MIN_CHARS..=Self::MAX_CHARS => Ok(Self(password)),
            _ => Err(WeakPassword::TooLong),
        }
    }

    /// The password, for whoever hashes it.
    pub fn as_password(&self) -> &Password {
        &self.0
    }
}

/// A password's hash in PHC string form. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a hash as a hasher wrote it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The hash's text, for hashers and stores.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What proves that somebody is the owner of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The account.
    pub account_id: AccountId,
    /// The hash of its password.
    pub password_hash: PasswordHash,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(text: &str) -> Result<NewPassword, WeakPassword> {
        NewPassword::choose(Password::typed(text))
    }

    #[test]
    fn of_a_password_that_few_have_only_the_length_matters_and_characters_count() {
        assert_eq!(choose("1234567"), Err(WeakPassword::TooShort));
        assert!(choose("비밀번호여덟글자").is_ok());
        assert!(choose(&"x".repeat(128)).is_ok());
        assert_eq!(choose(&"x".repeat(129)), Err(WeakPassword::TooLong));
    }

    #[test]
    fn what_everybody_uses_is_refused_however_it_is_written() {
        for common in ["password", "12345678", "12341234", "iLoveYou", "PASSWORD1", " qwertyuiop\t"] {
            assert_eq!(choose(common), Err(WeakPassword::Common), "{common}");
        }
        for uncommon in ["password of mine", "1234567812", "correct horse", "p a s s w o r d"] {
            assert!(choose(uncommon).is_ok(), "{uncommon}");
        }
    }

    #[test]
    fn a_password_is_hashed_as_it_was_typed_and_its_hash_kept_as_it_was_written() {
        let chosen = choose(" correct horse ").expect("nobody else has it");

        assert_eq!(chosen.as_password().expose(), " correct horse ");
        assert_eq!(PasswordHash::new("$argon2id$…").as_str(), "$argon2id$…");
    }

    #[test]
    fn a_log_shows_neither_password_nor_hash() {
        assert_eq!(format!("{:?}", Password::typed("hunter2-hunter2")), "Password(…)");
        assert_eq!(format!("{:?}", PasswordHash::new("$argon2id$…")), "PasswordHash(…)");
    }
}
