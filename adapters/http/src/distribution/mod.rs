//! Distribution over HTTP.

mod centers;
mod rules;
mod shown;

use std::sync::Arc;

use distribution_application::Distribution;

pub(crate) use centers::CentersApi;

/// The operations of distribution.
pub(crate) type Api = CentersApi;

/// The operations of distribution, over `distribution`.
pub(crate) fn api(distribution: Arc<Distribution>) -> Api {
    CentersApi { distribution, shown: shown::ShownPages::default() }
}
