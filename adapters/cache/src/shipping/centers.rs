//! Centers with everybody who works there, put together a moment ago: each transport shows two, and most of them the same.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel_domain::StoreError;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use shipping_application::{Center, CenterDirectory};
use shipping_domain::CenterCode;
use tokio::time::Instant;

use crate::ViewCache;
use crate::views;

/// How long a center is shown again, from before it was looked up: what it was made of is no older than three quarters of a
/// second, so that what was changed elsewhere is seen within a second.
pub(super) const LIFETIME: Duration = Duration::from_millis(250);

/// Centers, and people who work in them, that are kept at most: some megabytes.
const CENTERS_AND_PEOPLE: u64 = 16_384;

/// Centers to expect at least.
const CENTERS_AT_LEAST: usize = 64;

/// Puts each center together once in a while, and after each eviction.
pub(super) struct ComposedCenters {
    inner: Arc<dyn CenterDirectory>,
    views: ViewCache,
    composed: Cache<CenterCode, Composed, Weight>,
}

#[derive(Clone)]
struct Composed {
    center: Arc<Center>,
    /// What was known of evictions before somebody looked.
    mark: u64,
    until: Instant,
}

#[derive(Clone)]
struct Weight;

impl Weighter<CenterCode, Composed> for Weight {
    fn weight(&self, _: &CenterCode, composed: &Composed) -> u64 {
        1 + composed.center.staff.len() as u64
    }
}

impl ComposedCenters {
    pub(super) fn new(inner: Arc<dyn CenterDirectory>, views: ViewCache) -> Self {
        Self { inner, views, composed: Cache::with_weighter(CENTERS_AT_LEAST, CENTERS_AND_PEOPLE, Weight) }
    }

    /// Keeps it, unless it took too long to come, or somebody who asked later was faster.
    fn keep(&self, composed: Composed) {
        let code = &composed.center.code;
        let is_newest = self.composed.get(code).is_none_or(|it| it.mark != composed.mark || it.until < composed.until);
        if is_newest && Instant::now() < composed.until {
            self.composed.insert(code.clone(), composed);
        }
    }
}

#[async_trait]
impl CenterDirectory for ComposedCenters {
    async fn find(&self, codes: &[CenterCode]) -> Result<Vec<Arc<Center>>, StoreError> {
        if views::is_inside_a_transaction() {
            return self.inner.find(codes).await;
        }
        let (asked, mark) = (Instant::now(), self.views.evictions());
        let mut found = Vec::with_capacity(codes.len());
        let mut missing = Vec::new();
        for code in codes {
            match self.composed.get(code).filter(|it| it.mark == mark && asked < it.until) {
                Some(composed) => found.push(composed.center),
                None => missing.push(code.clone()),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let until = asked + LIFETIME;
        for center in self.inner.find(&missing).await? {
            self.keep(Composed { center: center.clone(), mark, until });
            found.push(center);
        }
        Ok(found)
    }

    async fn open_among(&self, codes: &[CenterCode]) -> Result<Vec<CenterCode>, StoreError> {
        self.inner.open_among(codes).await
    }
}
