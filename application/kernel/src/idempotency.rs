//! A request that is made again acts once, as a port.

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel_domain::StoreError;

/// How long an answer is kept.
pub const ANSWERS_ARE_KEPT: TimeDelta = TimeDelta::hours(24);

/// Names one request of one caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// Who asks, and what for: nobody finds the answer to a request of somebody else.
    pub scope: String,
    /// The name that the caller gave it.
    pub key: String,
}

/// An answer as it was given, in a form that only whoever keeps it there understands.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptAnswer(pub Vec<u8>);

/// What is known of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptRequest {
    /// The digest of what was asked.
    pub fingerprint: [u8; 32],
    /// What was answered.
    pub answer: KeptAnswer,
}

/// What the request came to.
#[derive(Clone, PartialEq, Eq)]
pub enum Once {
    /// It was done now.
    Done,
    /// It had been done before.
    Before(KeptRequest),
    /// It is being done at this moment.
    Running,
}

/// Work that ends with an answer to keep, or with none: then nothing that it did is kept either.
pub type Work<'a> = Pin<Box<dyn Future<Output = Option<KeptAnswer>> + Send + 'a>>;

/// Does what a request asks for once, however often it is made: across instances, and through a crash
/// at any moment.
#[async_trait]
pub trait Idempotency: Send + Sync {
    /// Does `work`, unless it was done before or is being done. Everything that the units of work in it
    /// commit, the name of the request and its answer are kept by one transaction, or none of them is.
    ///
    /// Whatever `work` gives, it is for the caller to hold on to its answer; after an error nothing was kept.
    async fn once(
        &self,
        request: RequestKey,
        fingerprint: [u8; 32],
        now: DateTime<Utc>,
        work: Work<'_>,
    ) -> Result<Once, StoreError>;

    /// Forgets requests that were made before `before`, at most `limit` of them; how many.
    async fn forget(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}
