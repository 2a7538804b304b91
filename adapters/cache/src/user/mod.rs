//! What is kept of the user context: profiles, by user.

mod profiles;
mod store;

use std::sync::Arc;

use user_application::UserQueries;
use user_domain::UserStore;

use self::profiles::CachedProfiles;
use self::store::EvictingUserStore;
use crate::ViewCache;

impl ViewCache {
    /// Queries that read each profile once in a while. Whatever changes users has to go through
    /// [`user_store`](Self::user_store).
    pub fn user_queries(&self, inner: Arc<dyn UserQueries>) -> Arc<dyn UserQueries> {
        Arc::new(CachedProfiles { inner, views: self.clone() })
    }

    /// A store that evicts what its units of work change.
    pub fn user_store(&self, inner: Arc<dyn UserStore>) -> Arc<dyn UserStore> {
        Arc::new(EvictingUserStore { inner, views: self.clone() })
    }
}

#[cfg(test)]
mod tests;
