//! One-time tokens: what somebody reads on their phone and types here.

use std::fmt;

use subtle::ConstantTimeEq;

/// A token as it is sent, or as somebody typed it. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeToken(String);

impl OneTimeToken {
    /// Takes what was typed.
    pub fn typed(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever sends or hashes it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OneTimeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeToken(…)")
    }
}

/// How many digits a token has: at least six, so that five tries find one in less than 1 of 100 000 cases
/// (NIST SP 800-63B, 5.1.3.2, asks for 20 bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLength(u8);

impl TokenLength {
    /// Six digits.
    pub const USUAL: Self = Self(6);

    /// From six to ten digits; `None` for any other number.
    pub fn new(digits: u8) -> Option<Self> {
        (6..=10).contains(&digits).then_some(Self(digits))
    }

    /// How many tokens there are of this length.
    pub fn tokens(self) -> u64 {
        10_u64.pow(u32::from(self.0))
    }

    /// The token with this number, below [`tokens`](Self::tokens).
    pub fn token(self, number: u64) -> OneTimeToken {
        OneTimeToken(format!("{number:0width$}", width = usize::from(self.0)))
    }
}

/// The keyed hash of a token. Compared in constant time; `Debug` hides it.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Takes a digest.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest, for stores.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_all_its_digits() {
        assert_eq!(TokenLength::USUAL.token(42).expose(), "000042");
        assert_eq!(TokenLength::USUAL.token(TokenLength::USUAL.tokens() - 1).expose(), "999999");
        assert_eq!(TokenLength::new(8).map(|it| it.token(7)), Some(OneTimeToken::typed("00000007")));
    }

    #[test]
    fn short_tokens_can_be_guessed_and_are_not_made() {
        assert_eq!(TokenLength::new(5), None);
        assert_eq!(TokenLength::new(11), None);
    }

    #[test]
    fn a_store_gets_the_hash() {
        assert_eq!(TokenHash::new([7; 32]).as_bytes(), &[7; 32]);
    }

    #[test]
    fn a_log_shows_neither_token_nor_hash() {
        assert_eq!(format!("{:?}", OneTimeToken::typed("123456")), "OneTimeToken(…)");
        assert_eq!(format!("{:?}", TokenHash::new([7; 32])), "TokenHash(…)");
    }
}
