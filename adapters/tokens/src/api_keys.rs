//! API keys: `mk_` and 8 characters to find one, a dot, 43 characters that are secret, and 6 that check the rest.
//!
//! The form is GitHub's: a pattern, `mk_[0-9A-Za-z]{8}\.[0-9A-Za-z]{49}`, finds a key that leaked, and the checksum (CRC-32)
//! tells without a database that a key was mistyped or made up.

use std::collections::BTreeSet;
use std::sync::Arc;

use auth_application::{ApiKeys, KeyFingerprint, PresentedKey};
use auth_domain::{ApiKeyHash, ApiKeyId, Scope};
use kernel_application::Rights;
use sha2::{Digest, Sha256};

use crate::random;
use crate::rights::{Decisions, InvalidPolicies, Policies, Stated, StatedRights};

/// What every key begins with.
const BRAND: &str = "mk_";
/// Characters that find a key.
const FINDING: usize = 8;
/// Characters of 256 random bits.
const SECRET: usize = 43;
/// Characters of a CRC-32.
const CHECKSUM: usize = 6;
/// Characters up to the dot.
const PREFIX: usize = BRAND.len() + FINDING;
/// Characters up to the checksum.
const CHECKED: usize = PREFIX + 1 + SECRET;

const BASE: u16 = 62;
const DIGITS: &[u8; BASE as usize] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Draws 256 bits from the operating system for every key. A fast digest is enough for them:
/// there is nothing to guess (OWASP ASVS 5, 6.5.2).
pub struct RandomApiKeys {
    decisions: Arc<Decisions>,
}

impl RandomApiKeys {
    /// Prepares to make and read keys.
    pub fn new() -> Result<Self, InvalidPolicies> {
        Ok(Self { decisions: Decisions::by(Policies::parse()?) })
    }
}

impl ApiKeys for RandomApiKeys {
    fn fresh(&self) -> (PresentedKey, KeyFingerprint) {
        let (finding, secret) = (base62(random::<8>(), FINDING), base62(random::<32>(), SECRET));
        let checked = format!("{BRAND}{finding}.{secret}");
        let text = format!("{checked}{}", checksum(&checked));
        let fingerprint = fingerprint(&text, &text[..PREFIX]);
        (PresentedKey::new(text), fingerprint)
    }

    fn read(&self, key: &PresentedKey) -> Option<KeyFingerprint> {
        let text = key.expose();
        if text.len() != CHECKED + CHECKSUM {
            return None;
        }
        let (checked, given) = text.split_at_checked(CHECKED)?;
        let (prefix, secret) = checked.split_once('.')?;
        let finding = prefix.strip_prefix(BRAND)?;
        let drawn = |it: &str, length| it.len() == length && it.bytes().all(|it| it.is_ascii_alphanumeric());
        let ours = drawn(finding, FINDING) && drawn(secret, SECRET) && given == checksum(checked);
        ours.then(|| fingerprint(text, prefix))
    }

    fn rights(&self, id: ApiKeyId, scopes: &BTreeSet<Scope>) -> Arc<dyn Rights> {
        let scopes = scopes.iter().map(|it| Stated::text("scope", &it.name()));
        let facts = std::iter::once(Stated::text("api_key", &id)).chain(scopes).collect();
        Arc::new(StatedRights { facts, decisions: self.decisions.clone() })
    }
}

fn fingerprint(text: &str, prefix: &str) -> KeyFingerprint {
    KeyFingerprint { prefix: prefix.to_owned(), hash: ApiKeyHash::new(Sha256::digest(text.as_bytes()).into()) }
}

fn checksum(checked: &str) -> String {
    base62(crc32fast::hash(checked.as_bytes()).to_be_bytes(), CHECKSUM)
}

/// The number's last `length` digits to the base of 62.
fn base62<const N: usize>(mut number: [u8; N], length: usize) -> String {
    let mut digits: Vec<u8> = (0..length).map(|_| DIGITS[usize::from(divide_by_62(&mut number))]).collect();
    digits.reverse();
    digits.into_iter().map(char::from).collect()
}

/// Divides a number, its highest byte first, and gives the remainder.
fn divide_by_62(number: &mut [u8]) -> u8 {
    let mut rest: u16 = 0;
    for byte in number {
        let part = rest << 8 | u16::from(*byte);
        *byte = (part / BASE).to_be_bytes()[1];
        rest = part % BASE;
    }
    rest.to_be_bytes()[1]
}

#[cfg(test)]
#[path = "api_keys_tests.rs"]
mod tests;
