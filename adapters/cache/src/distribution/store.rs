//! Units of work that tell when what is kept of a center is true no more.

use std::sync::Arc;

use async_trait::async_trait;
use distribution_domain::{Center, CenterCode, CenterId, CenterRepository, DistributionStore, DistributionWork};
use kernel_domain::StoreError;

use super::centers::{ByCode, ById, Everybody, NewestCenters};
use crate::ViewCache;
use crate::views::Eviction;

/// Evicts the centers that a unit of work added, saved or removed, right before it is committed and again once it was.
pub(super) struct EvictingDistributionStore {
    pub(super) inner: Arc<dyn DistributionStore>,
    pub(super) views: ViewCache,
}

#[async_trait]
impl DistributionStore for EvictingDistributionStore {
    async fn begin(&self) -> Result<Box<dyn DistributionWork>, StoreError> {
        let inner = self.inner.begin().await?;
        Ok(Box::new(EvictingWork { inner, changed: Vec::new(), views: self.views.clone() }))
    }
}

struct EvictingWork {
    inner: Box<dyn DistributionWork>,
    changed: Vec<(CenterId, CenterCode)>,
    views: ViewCache,
}

impl EvictingWork {
    /// A code never changes: what was kept under it is the same center.
    fn note(&mut self, center: &Center) {
        self.changed.push((center.id(), center.code().clone()));
    }
}

#[async_trait]
impl DistributionWork for EvictingWork {
    fn centers(&mut self) -> &mut dyn CenterRepository {
        self
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self { inner, changed, views } = *self;
        let eviction = Eviction::from(&views);
        for (id, code) in &changed {
            eviction.add::<ById>(id);
            eviction.add::<ByCode>(code);
            eviction.add::<NewestCenters>(&Everybody);
        }
        eviction.ahead().await;
        let outcome = inner.commit().await;
        // After an error, too: a commit whose answer was lost may have been made.
        eviction.now().await;
        outcome
    }
}

#[async_trait]
impl CenterRepository for EvictingWork {
    /// Until now its code was known to be nobody's.
    async fn add(&mut self, center: &Center) -> Result<(), StoreError> {
        self.note(center);
        self.inner.centers().add(center).await
    }

    async fn find(&mut self, id: CenterId) -> Result<Option<Center>, StoreError> {
        self.inner.centers().find(id).await
    }

    async fn save(&mut self, center: &Center) -> Result<(), StoreError> {
        self.note(center);
        self.inner.centers().save(center).await
    }

    async fn remove(&mut self, center: &Center) -> Result<(), StoreError> {
        self.note(center);
        self.inner.centers().remove(center).await
    }
}
