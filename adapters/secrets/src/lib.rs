//! Keyed hashes (HMAC-SHA256) and sealed texts (XChaCha20-Poly1305), all from one key that is in no database.

use std::collections::BTreeSet;
use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use kernel_application::{KeyedHash, Sealing};
use kernel_domain::BoxError;
use sha2::Sha256;

/// Bytes in a key.
const KEY_BYTES: usize = 32;
/// Different bytes that a key has at least. One of 10^11 random keys has fewer; what somebody typed has.
const MIN_DIFFERENT: usize = 16;
/// The first byte of what is sealed: how it was done, so that it can be done otherwise one day.
const FORMAT: u8 = 1;
/// Random bytes behind it: so many that drawing them never repeats.
const NONCE_BYTES: usize = 24;

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// It has another form.
    #[error("a secret key is 64 hexadecimal digits")]
    Malformed,
    /// It was typed, not drawn.
    #[error("a secret key is random: this one has fewer than {MIN_DIFFERENT} different bytes")]
    Guessable,
}

/// What was sealed cannot be opened. It says no more: there is nothing to learn from trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this was not sealed by us, or not for what it is used for")]
struct NotOpened;

/// A key, with the keys it took over from. `Debug` hides them.
///
/// A new key seals and hashes; retired ones open what they sealed, and find again what they hashed.
pub struct Secrets {
    current: Key,
    retired: Vec<Key>,
}

impl Secrets {
    /// Takes the key in use and those that were in use before, each as 64 hexadecimal digits.
    pub fn parse<'a>(current: &str, retired: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidSecret> {
        let retired = retired.into_iter().map(Key::parse).collect::<Result<_, _>>()?;
        Ok(Self { current: Key::parse(current)?, retired })
    }

    /// A fresh key, in the form that [`parse`](Self::parse) takes.
    ///
    /// # Panics
    /// If the operating system has no randomness.
    pub fn generate() -> String {
        hex(&random::<KEY_BYTES>())
    }

    /// The key in use, then those before it.
    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.retired)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl KeyedHash for Secrets {
    fn digest(&self, purpose: &'static str, message: &[u8]) -> [u8; 32] {
        self.current.digest(purpose, message)
    }

    fn digests(&self, purpose: &'static str, message: &[u8]) -> Vec<[u8; 32]> {
        self.keys().map(|key| key.digest(purpose, message)).collect()
    }
}

impl Sealing for Secrets {
    fn seal(&self, plain: &[u8], belongs_to: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = random();
        let payload = Payload { msg: plain, aad: belongs_to };
        #[expect(clippy::expect_used, reason = "only what is longer than 256 GiB cannot be sealed")]
        let sealed = self.current.cipher().encrypt(&XNonce::from(nonce), payload).expect("it is not that long");
        [&[FORMAT], nonce.as_slice(), &sealed].concat()
    }

    fn open(&self, sealed: &[u8], belongs_to: &[u8]) -> Result<Vec<u8>, BoxError> {
        let (format, rest) = sealed.split_first().ok_or(NotOpened)?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(NotOpened)?;
        if *format != FORMAT {
            return Err(NotOpened.into());
        }
        let nonce = XNonce::from(*nonce);
        let plain = self.keys().find_map(|key| key.cipher().decrypt(&nonce, Payload { msg, aad: belongs_to }).ok());
        Ok(plain.ok_or(NotOpened)?)
    }
}

/// A master key. Nothing is hashed or sealed with it, only with what is derived from it.
struct Key([u8; KEY_BYTES]);

impl Key {
    fn parse(text: &str) -> Result<Self, InvalidSecret> {
        if text.len() != 2 * KEY_BYTES || !text.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Err(InvalidSecret::Malformed);
        }
        let mut key = [0; KEY_BYTES];
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|_| InvalidSecret::Malformed)?;
        }
        if key.iter().collect::<BTreeSet<_>>().len() < MIN_DIFFERENT {
            return Err(InvalidSecret::Guessable);
        }
        Ok(Self(key))
    }

    /// A key for one use and purpose. The length keeps `("a", "bc")` and `("ab", "c")` apart.
    fn derive(&self, usage: &'static str, purpose: &str) -> [u8; 32] {
        let length = (usage.len() as u64).to_be_bytes();
        hmac(&self.0, &[&length, usage.as_bytes(), purpose.as_bytes()])
    }

    fn digest(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        hmac(&self.derive("hash", purpose), &[message])
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.derive("seal", "").into())
    }
}

fn hmac(key: &[u8], message: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    for part in message {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |hex, byte| hex + &format!("{byte:02x}"))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "without randomness nothing can be kept secret")]
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn secrets() -> Secrets {
        Secrets::parse(KEY, []).expect("a key")
    }

    /// RFC 4231, 4.2, 4.3, 4.4 and 4.7.
    #[test]
    fn the_hash_is_hmac_sha256() {
        let vectors: [(&[u8], &[u8], &str); 4] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];

        for (key, message, expected) in vectors {
            assert_eq!(hex(&hmac(key, &[message])), expected);
        }
    }

    /// What is in a database has to be found again by the next release.
    #[test]
    fn a_digest_stays_what_it_is() {
        assert_eq!(
            hex(&secrets().digest("one-time token", b"123456")),
            "e0e520e40b077e5b200d06ba441ba589af562d491cd0cfa4bbe62e41e89db6e1"
        );
    }

    #[test]
    fn purposes_and_keys_have_nothing_in_common() {
        let (one, other) = (secrets(), Secrets::parse(&Secrets::generate(), []).expect("a key"));

        assert_eq!(one.digest("a", b"bc"), secrets().digest("a", b"bc"));
        assert_ne!(one.digest("a", b"bc"), one.digest("ab", b"c"));
        assert_ne!(one.digest("a", b"bc"), one.digest("b", b"bc"));
        assert_ne!(one.digest("a", b"bc"), other.digest("a", b"bc"));
    }

    #[test]
    fn what_was_hashed_with_a_retired_key_is_found_again() {
        let new = Secrets::generate();
        let after = Secrets::parse(&new, [KEY]).expect("keys");

        assert_eq!(after.digests("a", b"bc"), [after.digest("a", b"bc"), secrets().digest("a", b"bc")]);
        assert_eq!(secrets().digests("a", b"bc"), [secrets().digest("a", b"bc")]);
    }

    #[test]
    fn what_is_sealed_is_opened_for_what_it_belongs_to() {
        let sealed = secrets().seal(b"123456", b"event 7");

        assert_eq!(secrets().open(&sealed, b"event 7").expect("it is ours"), b"123456");
        assert!(secrets().open(&sealed, b"event 8").is_err());
        assert!(!sealed.windows(6).any(|it| it == b"123456"));
        assert_ne!(sealed, secrets().seal(b"123456", b"event 7"), "equal texts do not look equal");
    }

    #[test]
    fn a_changed_or_shortened_byte_is_noticed() {
        let sealed = secrets().seal(b"123456", b"event 7");

        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                assert!(secrets().open(&changed, b"event 7").is_err(), "bit {bit} of byte {at}");
            }
            assert!(secrets().open(&sealed[..at], b"event 7").is_err(), "{at} bytes of it");
        }
    }

    #[test]
    fn a_retired_key_opens_what_it_sealed_and_seals_nothing() {
        let (old, new) = (Secrets::generate(), Secrets::generate());
        let before = Secrets::parse(&old, []).expect("a key");
        let after = Secrets::parse(&new, [old.as_str()]).expect("keys");
        let forgotten = Secrets::parse(&new, []).expect("a key");
        let sealed = before.seal(b"123456", b"event 7");

        assert_eq!(after.open(&sealed, b"event 7").expect("an older key of ours"), b"123456");
        assert!(forgotten.open(&sealed, b"event 7").is_err());
        assert!(before.open(&after.seal(b"123456", b"event 7"), b"event 7").is_err());
    }

    #[test]
    fn a_key_is_random_and_has_64_digits() {
        assert!(Secrets::parse(&Secrets::generate(), []).is_ok());
        for malformed in
            ["", "123123123123", &KEY[1..], &format!("{KEY}0"), &format!("{}+1", &KEY[2..]), &"é".repeat(32)]
        {
            assert_eq!(Secrets::parse(malformed, []).err(), Some(InvalidSecret::Malformed), "{malformed}");
            assert_eq!(Secrets::parse(KEY, [malformed]).err(), Some(InvalidSecret::Malformed), "{malformed}");
        }
        for typed in ["0".repeat(64), "0123456789abcdef".repeat(4), "deadbeef".repeat(8)] {
            assert_eq!(Secrets::parse(&typed, []).err(), Some(InvalidSecret::Guessable), "{typed}");
        }
    }

    #[test]
    fn a_log_shows_no_key() {
        assert_eq!(format!("{:?}", secrets()), "Secrets(…)");
    }
}
