//! Distribution: the centers that transports run between, and who works there.

mod center;
mod repository;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use center::{CannotClose, Center, CenterCode, CenterName, CenterSnapshot, InvalidCenterCode, InvalidCenterName};
#[cfg(feature = "testing")]
pub use repository::MockCenterRepository;
pub use repository::{CenterRepository, DistributionStore, DistributionWork};

kernel_domain::typed_id!(
    /// Identifies a [`Center`].
    CenterId
);
kernel_domain::typed_id!(
    /// Identifies one attempt to close a [`Center`].
    ClosingId
);
kernel_domain::typed_id!(
    /// Identifies somebody who works in a center; the user context knows the rest.
    StaffId
);
