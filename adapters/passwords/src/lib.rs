//! Password hashes as argon2id, with the parameters that OWASP asks for.
//!
//! A hash takes tens of milliseconds and 19 MiB: it runs on blocking threads, a few at a time, and
//! when too many wait already the next one is refused at once.
//!
//! Hashes that Django wrote (PBKDF2) and weaker ones of ours are checked too, and replaced when their owner signs in. Until then
//! an account of Django's answers after as long as Django took, which is longer than an account that there is not: to hide
//! that, everybody would have to wait as long as the slowest. A team that minds lets its users choose new passwords.

mod kept;
mod workplace;

use std::sync::Arc;

use argon2::Params;
use async_trait::async_trait;
use auth_application::{PasswordHasher, Verified};
use auth_domain::{NewPassword, Password, PasswordHash};
use kept::Kept;
use kernel_domain::StoreError;
use tokio::sync::{Semaphore, TryAcquireError};
use workplace::{Workplace, Workplaces};

/// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes that run at the same time: each keeps a core busy.
const AT_ONCE: usize = 2;
/// Hashes that may wait. At about 22 ms each, the last one waits well below a second; longer if many are Django's.
const WAITING: usize = 32;

/// How much there is to hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Passwords that are being hashed.
    pub busy: usize,
    /// Passwords that wait for it.
    pub waiting: usize,
}

/// Hashes and checks passwords.
pub struct Argon2id {
    params: Params,
    workplaces: Arc<Workplaces>,
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
        let workplaces = Workplaces::default();
        let decoy = workplaces.with(|it| hash(it, &params, "nobody has this password"))?;
        Ok(Self {
            params,
            workplaces: Arc::new(workplaces),
            decoy,
            running: Arc::new(Semaphore::new(AT_ONCE)),
            admitted: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
        })
    }

    /// How many passwords are being hashed, and how many wait for it.
    pub fn load(&self) -> Load {
        let busy = AT_ONCE.saturating_sub(self.running.available_permits());
        let admitted = (AT_ONCE + WAITING).saturating_sub(self.admitted.available_permits());
        Load { busy, waiting: admitted.saturating_sub(busy) }
    }

    /// Runs `work` on a blocking thread when it is its turn. The turn belongs to the work, not to
    /// whoever waits for it: a client that leaves does not let another hash in beside it.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Workplace, &Params) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|full: TryAcquireError| {
            StoreError::Unavailable(format!("too many passwords are being hashed: {full}").into())
        })?;
        let turn = self.running.clone().acquire_owned().await.map_err(StoreError::unavailable)?;
        let (workplaces, params) = (self.workplaces.clone(), self.params.clone());
        let done = tokio::task::spawn_blocking(move || {
            let outcome = workplaces.with(|it| work(it, &params));
            drop((turn, admitted));
            outcome
        });
        done.await.map_err(StoreError::unavailable)?
    }
}

fn hash(workplace: &mut Workplace, params: &Params, password: &str) -> Result<PasswordHash, StoreError> {
    Ok(PasswordHash::new(workplace.hash(params, password)?.to_string()))
}

#[async_trait]
impl PasswordHasher for Argon2id {
    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, StoreError> {
        let password = password.as_password().clone();
        self.in_turn(move |workplace, params| hash(workplace, params, password.expose())).await
    }

    async fn verify(&self, password: &Password, kept: Option<PasswordHash>) -> Result<Verified, StoreError> {
        let known = match kept.as_ref().map(Kept::parse).transpose()? {
            Some(Kept::Unusable) | None => None,
            Some(kept) => Some(kept),
        };
        let exists = known.is_some();
        let kept = known.map_or_else(|| Kept::parse(&self.decoy), Ok)?;
        let password = password.clone();
        let verified = self.in_turn(move |workplace, params| {
            if !kept.is_of(workplace, &password) {
                return Ok(Verified::Wrong);
            }
            if kept.is_as_strong_as(params) {
                return Ok(Verified::Right);
            }
            Ok(Verified::Outdated(hash(workplace, params, password.expose())?))
        });
        let verified = verified.await?;
        Ok(if exists { verified } else { Verified::Wrong })
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
