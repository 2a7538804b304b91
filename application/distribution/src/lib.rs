//! Distribution use cases. One file each; the file name is the use case.

use std::sync::Arc;

use distribution_domain::DistributionStore;
use kernel_application::{Clock, Ids};

mod find_centers;
mod open_center;
mod operations;
mod ports;
mod queries;

#[cfg(feature = "testing")]
pub mod testing;

pub use find_centers::FindCenterError;
pub use open_center::{OpenCenter, OpenCenterError};
pub use operations::{MANAGE, READ};
#[cfg(feature = "testing")]
pub use ports::MockStaffDirectory;
pub use ports::{Role, StaffDirectory, StaffMember};
#[cfg(feature = "testing")]
pub use queries::MockDistributionQueries;
pub use queries::{CenterFilter, CenterSummary, CenterView, DistributionQueries};

/// The distribution context, as the outside sees it: its driving port.
pub struct Distribution {
    /// Where units of work begin.
    pub store: Arc<dyn DistributionStore>,
    /// The read side.
    pub queries: Arc<dyn DistributionQueries>,
    /// Who works in the centers.
    pub staff: Arc<dyn StaffDirectory>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
}
