//! Refresh tokens: random, and kept as a digest only.

use auth_application::{RefreshToken, RefreshTokens};
use auth_domain::RefreshTokenHash;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::random;

/// Draws 256 bits from the operating system for every token. A fast digest is enough for them:
/// there is nothing to guess (OWASP ASVS 5, 6.5.2).
pub struct RandomRefreshTokens;

impl RefreshTokens for RandomRefreshTokens {
    fn fresh(&self) -> RefreshToken {
        RefreshToken::new(URL_SAFE_NO_PAD.encode(random::<32>()))
    }

    fn hash(&self, token: &RefreshToken) -> RefreshTokenHash {
        RefreshTokenHash::new(Sha256::digest(token.expose().as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_new_and_keeps_its_hash() {
        let (one, other) = (RandomRefreshTokens.fresh(), RandomRefreshTokens.fresh());

        assert_ne!(one, other);
        assert_eq!(one.expose().len(), 43, "256 bits in base 64");
        assert_eq!(RandomRefreshTokens.hash(&one), RandomRefreshTokens.hash(&one));
        assert_ne!(RandomRefreshTokens.hash(&one), RandomRefreshTokens.hash(&other));
    }
}
