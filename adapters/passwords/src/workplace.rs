//! Where a hash is computed: in memory that is used again for the next one.
//!
//! A hash needs 19 MiB. Allocated anew for each, they would stay with every thread that ever hashed something.

use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use kernel_domain::StoreError;
use subtle::ConstantTimeEq;

/// Bytes of a hash: 256 bits.
const HASH_BYTES: usize = 32;

/// The memory of those that have ended. As many as have run at the same time.
#[derive(Default)]
pub(crate) struct Workplaces(Mutex<Vec<Workplace>>);

impl Workplaces {
    /// Does some work in a workplace that nobody else uses meanwhile.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Workplace) -> T) -> T {
        let mut workplace = self.free().pop().unwrap_or_default();
        let done = work(&mut workplace);
        self.free().push(workplace);
        done
    }

    fn free(&self) -> MutexGuard<'_, Vec<Workplace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The memory of one hash.
#[derive(Default)]
pub(crate) struct Workplace(Vec<Block>);

impl Workplace {
    /// The hash of a password as argon2id with these parameters and a fresh salt.
    pub(crate) fn hash(&mut self, params: &Params, password: &str) -> Result<Phc, StoreError> {
        let failed = |it: argon2::password_hash::Error| StoreError::unavailable(it.to_string());
        let salt = Salt::generate();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let mut hash = [0; HASH_BYTES];
        self.compute(&argon2, password, &salt, &mut hash).map_err(|it| StoreError::unavailable(it.to_string()))?;
        Ok(Phc {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(params).map_err(failed)?,
            salt: Some(salt),
            hash: Some(Output::new(&hash).map_err(|it| StoreError::unavailable(it.to_string()))?),
        })
    }

    /// Whether that is the hash of this password.
    pub(crate) fn is_of(&mut self, hash: &Phc, password: &str) -> bool {
        let (Ok(params), Ok(algorithm)) = (Params::try_from(hash), Algorithm::try_from(hash.algorithm.as_str())) else {
            return false;
        };
        let version = hash.version.map(Version::try_from).transpose().map(Option::unwrap_or_default);
        let (Ok(version), Some(salt), Some(expected)) = (version, &hash.salt, &hash.hash) else { return false };
        let mut computed = vec![0; expected.len()];
        let argon2 = Argon2::new(algorithm, version, params);
        self.compute(&argon2, password, salt, &mut computed).is_ok() && computed.ct_eq(expected.as_bytes()).into()
    }

    fn compute(&mut self, argon2: &Argon2<'_>, password: &str, salt: &[u8], out: &mut [u8]) -> argon2::Result<()> {
        self.0.resize(argon2.params().block_count(), Block::new());
        self.0.shrink_to_fit();
        argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, &mut self.0)
    }
}
