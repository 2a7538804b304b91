//! Views in Redis, for all instances.
//!
//! An epoch is a number in the name of each key; the current one has a key of its own, which is read along with
//! everything else, in the same round trip. It is a time of the server, so that none comes back.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bb8_redis::redis::{Cmd, FromRedisValue, Pipeline, Value as Answer, cmd, from_redis_value, pipe};
use kernel_domain::StoreError;

use super::RedisCache;
use super::connection::Connection;
use crate::views::{Epoch, Kept, Key, SharedViews, Value};

/// It was in 1970, and nothing is of it.
const UNKNOWN: Epoch = Epoch(0);

/// How often to ask until the epoch stays the same: the very first to ask does so three times, and whoever starts later
/// twice.
const ATTEMPTS: usize = 5;

/// What is kept begins with what it is. Nothing at all is a tombstone.
const VIEW: u8 = b'+';
const ABSENCE: u8 = b'-';

/// Keeps views as long as they live, and tombstones among them.
pub(crate) struct RedisViews {
    cache: RedisCache,
    /// The last one that was seen.
    epoch: AtomicU64,
}

impl RedisViews {
    pub(crate) fn new(cache: RedisCache) -> Self {
        Self { cache, epoch: AtomicU64::new(UNKNOWN.0) }
    }

    fn epoch_key(&self) -> String {
        format!("{}:views:epoch", self.cache.prefix)
    }

    fn key(&self, epoch: Epoch, key: &Key) -> String {
        format!("{}:views:{}:{}", self.cache.prefix, epoch.0, key.as_str())
    }

    /// Asks in the current epoch, which is found out by asking.
    async fn ask(&self, ask: impl Fn(Epoch, &mut Pipeline)) -> Result<(Epoch, VecDeque<Answer>), StoreError> {
        let mut connection = self.cache.connection().await?;
        for _ in 0..ATTEMPTS {
            let epoch = Epoch(self.epoch.load(Ordering::Relaxed));
            let mut questions = pipe();
            questions.get(self.epoch_key());
            if epoch != UNKNOWN {
                ask(epoch, &mut questions);
            }
            let mut answers: VecDeque<_> =
                questions.query_async::<Vec<_>>(&mut connection).await.map_err(StoreError::unavailable)?.into();
            match understood(answers.pop_front())? {
                Some(current) if current == epoch.0 => return Ok((epoch, answers)),
                Some(current) => self.epoch.store(current, Ordering::Relaxed),
                None => self.begin(&mut connection, Some("NX")).await?,
            }
        }
        Err(StoreError::unavailable("one epoch follows the other"))
    }

    async fn begin(&self, connection: &mut Connection, condition: Option<&str>) -> Result<(), StoreError> {
        let time = cmd("TIME").query_async(connection).await;
        let (seconds, micros): (u64, u64) = time.map_err(StoreError::unavailable)?;
        let mut set = cmd("SET");
        set.arg(self.epoch_key()).arg(seconds * 1_000_000 + micros).arg(condition);
        set.exec_async(connection).await.map_err(StoreError::unavailable)
    }

    fn set(&self, epoch: Epoch, key: &Key, value: &[u8], lifetime: Duration) -> Cmd {
        let lifetime = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
        let mut set = cmd("SET");
        set.arg(self.key(epoch, key)).arg(value).arg("PX").arg(lifetime);
        set
    }
}

#[async_trait]
impl SharedViews for RedisViews {
    async fn read(&self, keys: &[Key]) -> Result<(Epoch, Vec<Kept>), StoreError> {
        let asked = self.ask(|epoch, questions| {
            let keys: Vec<_> = keys.iter().map(|key| self.key(epoch, key)).collect();
            questions.mget(keys);
        });
        let (epoch, mut answers) = asked.await?;
        let values: Vec<Option<Vec<u8>>> = understood(answers.pop_front())?;
        Ok((epoch, values.iter().map(|it| decoded(it.as_deref().unwrap_or_default())).collect()))
    }

    async fn fill(&self, epoch: Epoch, views: &[(Key, Value, Duration)]) -> Result<(), StoreError> {
        let mut writes = pipe();
        for (key, value, lifetime) in views {
            let mut set = self.set(epoch, key, &encoded(value), *lifetime);
            set.arg("NX");
            writes.add_command(set).ignore();
        }
        let mut connection = self.cache.connection().await?;
        writes.exec_async(&mut connection).await.map_err(StoreError::unavailable)
    }

    async fn evict(&self, keys: &[Key], tombstone: Duration) -> Result<(), StoreError> {
        let asked = self.ask(|epoch, questions| {
            for key in keys {
                questions.add_command(self.set(epoch, key, &[], tombstone)).ignore();
            }
        });
        asked.await.map(drop)
    }

    async fn begin_epoch(&self) -> Result<(), StoreError> {
        self.begin(&mut self.cache.connection().await?, None).await
    }
}

fn understood<T: FromRedisValue>(answer: Option<Answer>) -> Result<T, StoreError> {
    from_redis_value(answer.unwrap_or(Answer::Nil)).map_err(StoreError::unavailable)
}

fn encoded(value: &Value) -> Vec<u8> {
    match value {
        Some(view) => [&[VIEW], view.as_ref()].concat(),
        None => vec![ABSENCE],
    }
}

fn decoded(kept: &[u8]) -> Kept {
    match kept {
        [VIEW, view @ ..] => Kept::Value(Some(view.into())),
        [ABSENCE] => Kept::Value(None),
        _ => Kept::Nothing,
    }
}
