//! The forms in which a password's hash may have been kept.

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{ARGON2ID_IDENT, Params, Version};
use auth_domain::{Password, PasswordHash};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel_domain::StoreError;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::workplace::Workplace;

/// The most work that a kept hash may ask for: Django 6 does 1.2 million, and a little more with each release.
/// A row that asks for more is a mistake or a trap.
const MAX_ITERATIONS: u32 = 2_000_000;
/// The most memory that a kept hash may ask for: 64 MiB, so that the hashes that run at once stay within bounds.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
/// The most passes over that memory.
const MAX_PASSES: u32 = 10;

/// A hash as it was kept.
pub(crate) enum Kept {
    /// Ours, perhaps with the parameters of another day.
    Argon2(Box<Phc>),
    /// Django's: `pbkdf2_sha256$<iterations>$<salt>$<digest in base 64>`.
    Pbkdf2 { iterations: u32, salt: String, digest: Vec<u8> },
    /// Django's mark of an account without a password: `!` and something random.
    Unusable,
}

impl Kept {
    pub(crate) fn parse(hash: &PasswordHash) -> Result<Self, StoreError> {
        let text = hash.as_str();
        let kept = if text.starts_with('!') {
            Some(Self::Unusable)
        } else if let Some(rest) = text.strip_prefix("pbkdf2_sha256$") {
            pbkdf2(rest)
        } else {
            argon2(text)
        };
        kept.ok_or_else(|| StoreError::corrupt("password hash", "it has no form that we know"))
    }

    /// Whether it is the hash of this password. Takes its time.
    pub(crate) fn is_of(&self, workplace: &mut Workplace, password: &Password) -> bool {
        let password = password.expose();
        match self {
            Self::Argon2(hash) => workplace.is_of(hash, password),
            Self::Pbkdf2 { iterations, salt, digest } => {
                let computed =
                    pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), salt.as_bytes(), *iterations);
                computed.ct_eq(digest.as_slice()).into()
            }
            Self::Unusable => false,
        }
    }

    /// Whether it need not be replaced.
    pub(crate) fn is_as_strong_as(&self, ours: &Params) -> bool {
        match self {
            Self::Argon2(hash) => {
                hash.algorithm == ARGON2ID_IDENT
                    && hash.version == Some(Version::V0x13.into())
                    && Params::try_from(hash.as_ref())
                        .is_ok_and(|it| it.m_cost() >= ours.m_cost() && it.t_cost() >= ours.t_cost())
            }
            Self::Pbkdf2 { .. } | Self::Unusable => false,
        }
    }
}

fn argon2(text: &str) -> Option<Kept> {
    let hash = Phc::new(text).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let bounded = params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES;
    (bounded && hash.hash.is_some()).then(|| Kept::Argon2(Box::new(hash)))
}

fn pbkdf2(rest: &str) -> Option<Kept> {
    let mut parts = rest.split('$');
    let (iterations, salt, digest) = (parts.next()?, parts.next()?, parts.next()?);
    let iterations = iterations.parse().ok().filter(|it| (1..=MAX_ITERATIONS).contains(it))?;
    let digest = STANDARD.decode(digest).ok().filter(|it| it.len() == 32)?;
    let whole = parts.next().is_none() && !salt.is_empty();
    whole.then(|| Kept::Pbkdf2 { iterations, salt: salt.to_owned(), digest })
}
