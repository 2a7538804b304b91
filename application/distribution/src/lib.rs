//! Distribution use cases. One file each; the file name is the use case.

use std::sync::Arc;

use distribution_domain::DistributionStore;
use kernel_application::{Clock, Ids, Pauses};

mod change_center;
mod close_center;
mod find_centers;
mod open_center;
mod operations;
mod ports;
mod queries;
mod retries;

#[cfg(feature = "testing")]
pub mod testing;

pub use change_center::{ChangeCenter, ChangeCenterError};
pub use close_center::CloseCenterError;
pub use find_centers::FindCenterError;
pub use open_center::{OpenCenter, OpenCenterError};
pub use operations::{MANAGE, READ};
pub use ports::{CenterChanges, CenterUsage, Role, StaffDirectory, StaffMember};
#[cfg(feature = "testing")]
pub use ports::{MockCenterUsage, MockStaffDirectory};
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
    /// Whether what is shown of them may have changed.
    pub changes: Arc<dyn CenterChanges>,
    /// Who relies on the centers.
    pub usage: Arc<dyn CenterUsage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
    /// Waiting, before something is tried again.
    pub pauses: Arc<dyn Pauses>,
}
