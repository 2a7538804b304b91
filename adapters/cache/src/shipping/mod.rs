//! What is kept of what shipping shows: the centers at the ends of transports.

mod centers;

use std::sync::Arc;

use shipping_application::CenterDirectory;

use self::centers::ComposedCenters;
use crate::ViewCache;

impl ViewCache {
    /// The centers of this directory, which reads them and whoever works there by these views.
    pub fn center_directory(&self, inner: Arc<dyn CenterDirectory>) -> Arc<dyn CenterDirectory> {
        Arc::new(ComposedCenters::new(inner, self.clone()))
    }
}

#[cfg(test)]
mod tests;
