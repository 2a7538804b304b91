//! Which cache, and how long it may take.

use std::time::Duration;

use cache_adapter::{CacheUrl, RedisSettings};

use super::reader::Reader;

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    pub(super) fn cache(&mut self) -> CacheUrl {
        let Ok(Some(url)) = self.secret("CACHE_URL") else { return CacheUrl::Memory };
        CacheUrl::parse(&url).unwrap_or_else(|error| {
            self.faults.push(format!("CACHE_URL: {error}"));
            CacheUrl::Memory
        })
    }

    pub(super) fn cache_timeout(&mut self) -> Duration {
        self.parsed("CACHE_TIMEOUT_MS", RedisSettings::USUAL_TIMEOUT, "milliseconds, from 1 to 10000", |raw| {
            raw.parse().ok().filter(|it| (1..=10_000).contains(it)).map(Duration::from_millis)
        })
    }

    pub(super) fn cache_prefix(&mut self) -> String {
        self.raw("CACHE_PREFIX").unwrap_or_else(|| "majestic".to_owned())
    }
}
