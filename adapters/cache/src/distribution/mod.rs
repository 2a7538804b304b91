//! What is kept of the distribution context: centers, by code and by id, and the beginning of their list.

mod centers;
mod store;

use std::sync::Arc;

use distribution_application::{CenterChanges, DistributionQueries};
use distribution_domain::DistributionStore;

use self::centers::CachedCenters;
use self::store::EvictingDistributionStore;
use crate::ViewCache;

impl ViewCache {
    /// Queries that read each center once in a while. Whatever changes centers has to go through
    /// [`distribution_store`](Self::distribution_store).
    pub fn distribution_queries(&self, inner: Arc<dyn DistributionQueries>) -> Arc<dyn DistributionQueries> {
        Arc::new(CachedCenters { inner, views: self.clone() })
    }

    /// A store that evicts what its units of work change.
    pub fn distribution_store(&self, inner: Arc<dyn DistributionStore>) -> Arc<dyn DistributionStore> {
        Arc::new(EvictingDistributionStore { inner, views: self.clone() })
    }
}

/// Centers, and the profiles of those who work there, are evicted when they change.
impl CenterChanges for ViewCache {
    fn mark(&self) -> u64 {
        self.evictions()
    }
}

#[cfg(test)]
mod tests;
