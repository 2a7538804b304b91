//! Password hashes as argon2id, with the parameters that OWASP asks for.
//!
//! A hash takes tens of milliseconds and 19 MiB: it runs on blocking threads, a few at a time, and
//! when too many wait already the next one is refused at once.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash as ParsedHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use async_trait::async_trait;
use auth_application::PasswordHasher;
use auth_domain::{NewPassword, Password, PasswordHash};
use kernel_domain::StoreError;
use tokio::sync::{Semaphore, TryAcquireError};

/// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes that run at the same time: each keeps a core busy.
const AT_ONCE: usize = 2;
/// Hashes that may wait. At about 22 ms each, the last one waits well below a second.
const WAITING: usize = 32;

/// Hashes and checks passwords.
pub struct Argon2id {
    argon2: Argon2<'static>,
    /// Checked when there is no account, so that a stranger takes as long as anybody.
    decoy: PasswordHash,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Argon2id {
    /// Prepares a hasher.
    ///
    /// # Errors
    /// If the operating system has no randomness for a salt.
    pub fn new() -> Result<Self, StoreError> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
            .map_err(|it| StoreError::corrupt("parameter", it.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon2, "nobody has this password")?;
        Ok(Self {
            argon2,
            decoy,
            running: Arc::new(Semaphore::new(AT_ONCE)),
            admitted: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
        })
    }

    /// Runs `work` on a blocking thread when it is its turn. The turn belongs to the work, not to
    /// whoever waits for it: a client that leaves does not let another hash in beside it.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|full: TryAcquireError| {
            StoreError::Unavailable(format!("too many passwords are being hashed: {full}").into())
        })?;
        let turn = self.running.clone().acquire_owned().await.map_err(StoreError::unavailable)?;
        let argon2 = self.argon2.clone();
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work(&argon2);
            drop((turn, admitted));
            outcome
        });
        done.await.map_err(StoreError::unavailable)?
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<PasswordHash, StoreError> {
    let hash = argon2.hash_password(password.as_bytes());
    Ok(PasswordHash::new(hash.map_err(|it| StoreError::unavailable(it.to_string()))?.to_string()))
}

#[async_trait]
impl PasswordHasher for Argon2id {
    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, StoreError> {
        let password = password.as_password().clone();
        self.in_turn(move |argon2| hash(argon2, password.expose())).await
    }

    async fn verify(&self, password: &Password, kept: Option<PasswordHash>) -> Result<bool, StoreError> {
        let exists = kept.is_some();
        let kept = kept.unwrap_or_else(|| self.decoy.clone());
        let password = password.clone();
        let matches = self.in_turn(move |argon2| {
            let parsed =
                ParsedHash::new(kept.as_str()).map_err(|it| StoreError::corrupt("password hash", it.to_string()))?;
            Ok(argon2.verify_password(password.expose().as_bytes(), &parsed).is_ok())
        });
        Ok(matches.await? && exists)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_password(text: &str) -> NewPassword {
        NewPassword::choose(Password::typed(text)).expect("long enough")
    }

    #[tokio::test]
    async fn only_the_password_that_was_hashed_is_right() {
        let hasher = Argon2id::new().expect("a hasher");
        let hash = hasher.hash(&a_password("correct horse")).await.expect("a hash");

        assert!(hasher.verify(&Password::typed("correct horse"), Some(hash.clone())).await.expect("an answer"));
        assert!(!hasher.verify(&Password::typed("correct horsf"), Some(hash)).await.expect("an answer"));
    }

    #[tokio::test]
    async fn a_hash_is_written_with_the_parameters_of_owasp_and_its_own_salt() {
        let hasher = Argon2id::new().expect("a hasher");
        let one = hasher.hash(&a_password("correct horse")).await.expect("a hash");
        let other = hasher.hash(&a_password("correct horse")).await.expect("a hash");

        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
        assert_ne!(one, other);
    }

    #[tokio::test]
    async fn nobody_has_the_password_of_no_account() {
        let hasher = Argon2id::new().expect("a hasher");

        assert!(!hasher.verify(&Password::typed("nobody has this password"), None).await.expect("an answer"));
    }

    #[tokio::test]
    async fn a_queue_that_is_full_refuses_at_once() {
        let hasher = Arc::new(Argon2id::new().expect("a hasher"));
        let busy = hasher.admitted.clone().acquire_many_owned(34).await.expect("every place");

        let refusal = hasher.verify(&Password::typed("correct horse"), None).await;

        assert!(matches!(refusal, Err(StoreError::Unavailable(_))));
        drop(busy);
        assert!(hasher.verify(&Password::typed("correct horse"), None).await.is_ok());
    }

    #[tokio::test]
    async fn a_kept_hash_that_is_none_is_our_fault() {
        let hasher = Argon2id::new().expect("a hasher");

        let answer = hasher.verify(&Password::typed("correct horse"), Some(PasswordHash::new("md5:42"))).await;

        assert!(matches!(answer, Err(StoreError::Corrupt { what: "password hash", .. })));
    }
}
