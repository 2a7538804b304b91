//! Access tokens as Biscuits (signed by us, narrowed by whoever holds them) or JWTs, refresh tokens, and API keys.

mod api_keys;
mod biscuits;
#[cfg(test)]
mod contract;
mod jwts;
mod keys;
mod narrowing;
mod refresh;
mod rights;

pub use api_keys::RandomApiKeys;
pub use biscuits::Biscuits;
pub use jwts::Jwts;
pub use keys::{InvalidKey, JwtKeys, RootKeys};
pub use refresh::RandomRefreshTokens;
pub use rights::InvalidPolicies;

/// Characters in the longest access token that is looked at: what a header can hold.
const MAX_CHARS: usize = 4096;

fn random<const N: usize>() -> [u8; N] {
    let mut bits = [0; N];
    #[expect(clippy::expect_used, reason = "without randomness nothing can be kept secret")]
    getrandom::fill(&mut bits).expect("the operating system has randomness");
    bits
}
