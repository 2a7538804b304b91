//! A clock that stands still, ids that count up, units of work that tell, and actors of every sort.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel_domain::{BoxError, CorrelationId, PhoneNumber, StoreError};
use uuid::Uuid;

use crate::{
    Actor, Clock, Identity, Ids, InternationalForm, KeyedHash, Operation, Pauses, Rate, Rights, ScopedWork, Throttle,
    TransactionScope, Verdict,
};

/// Noon on the second of January 2026.
pub fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(1_767_355_200)
}

/// It is always [`noon`].
pub struct Noon;

impl Clock for Noon {
    fn now(&self) -> DateTime<Utc> {
        noon()
    }
}

/// Time passes at once.
pub struct NoPause;

#[async_trait]
impl Pauses for NoPause {
    async fn pause(&self, _: Duration) {}
}

/// Whatever is asked may pass.
pub struct NoLimit;

#[async_trait]
impl Throttle for NoLimit {
    async fn hit(&self, _: &str, _: &str, rate: Rate) -> Result<Verdict, StoreError> {
        Ok(Verdict { allowed: true, remaining: rate.limit, reset_after: rate.window })
    }
}

/// Counts up from one: the same test sees the same ids each time.
#[derive(Default)]
pub struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1))
    }

    fn secret(&self) -> Uuid {
        self.uuid()
    }

    fn below(&self, bound: u64) -> u64 {
        (self.0.fetch_add(1, Ordering::Relaxed) + 1).checked_rem(bound).unwrap_or(0)
    }
}

/// Tells messages apart, and purposes, and hides nothing.
pub struct PlainHash;

impl KeyedHash for PlainHash {
    fn digest(&self, purpose: &'static str, message: &[u8]) -> [u8; 32] {
        let mut digest = [0_u8; 32];
        for (at, byte) in purpose.bytes().chain(*b"|").chain(message.iter().copied()).enumerate() {
            digest[at % 32] = digest[at % 32].rotate_left(3).wrapping_add(byte);
        }
        digest
    }

    fn digests(&self, purpose: &'static str, message: &[u8]) -> Vec<[u8; 32]> {
        vec![self.digest(purpose, message)]
    }
}

/// Every number is written as it should be.
pub struct AsWritten;

impl InternationalForm for AsWritten {
    fn of(&self, number: &PhoneNumber) -> PhoneNumber {
        number.clone()
    }
}

/// Units of work are on their own: each is kept when it is committed.
pub struct NoScope;

#[async_trait]
impl TransactionScope for NoScope {
    async fn enclose(&self, work: ScopedWork<'_>) -> Result<(), StoreError> {
        work.await;
        Ok(())
    }
}

/// Whether a mocked unit of work was kept; clones see the same.
#[derive(Clone, Default)]
pub struct Committed(Arc<AtomicBool>);

impl Committed {
    /// It was.
    pub fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    pub fn happened(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct Fixed(fn(Operation) -> bool);

impl Rights for Fixed {
    fn allow(&self, operation: Operation) -> Result<bool, BoxError> {
        Ok(self.0(operation))
    }
}

/// The right to everything.
pub fn every_right() -> Arc<dyn Rights> {
    Arc::new(Fixed(|_| true))
}

/// Somebody whose credential is asked `allow` for every operation.
pub fn an_actor_who(allow: fn(Operation) -> bool) -> Actor {
    let request = Uuid::from_u128(0xC0);
    let identity = Identity::User { user_id: Uuid::from_u128(0xAC), session_id: Uuid::from_u128(0x5E) };
    Actor::new(identity, CorrelationId::from(request), Arc::new(Fixed(allow)))
}

/// Somebody who may do everything.
pub fn anyone() -> Actor {
    an_actor_who(|_| true)
}

/// Somebody who may do nothing.
pub fn nobody() -> Actor {
    an_actor_who(|_| false)
}
