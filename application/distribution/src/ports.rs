//! The other contexts, as distribution sees them.

use async_trait::async_trait;
use chrono::NaiveDate;
use distribution_domain::{CenterCode, StaffId};
use kernel_domain::StoreError;

/// Somebody who works in a center, as distribution shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffMember {
    /// The user.
    pub id: StaffId,
    /// In E.164 form, if known.
    pub phone_number: Option<String>,
    /// The name they sign in with.
    pub username: String,
    /// The name they go by.
    pub full_name: Option<String>,
    /// Where their picture is.
    pub image_url: Option<String>,
    /// What depends on what they are.
    pub role: Role,
}

/// What somebody is, and what is known of them because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Works in a center.
    Staff {
        /// The names of their permission groups.
        permission_groups: Vec<String>,
    },
    /// Drives.
    Driver {
        /// When they were born.
        date_of_birth: Option<NaiveDate>,
    },
}

/// The user context: who works in the centers.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait StaffDirectory: Send + Sync {
    /// The users with these ids, in any order, in one call; unknown ones are left out.
    async fn find(&self, staff: &[StaffId]) -> Result<Vec<StaffMember>, StoreError>;
}

/// Whoever knows of changes, so that what was shown can be shown again until there is one.
pub trait CenterChanges: Send + Sync {
    /// A mark that is another one after each change, of a center or of somebody who works in one, that was made in this
    /// process: whoever takes it before looking, and finds it unchanged later, would see the same, but for what was
    /// changed elsewhere.
    fn mark(&self) -> u64;
}

/// Whoever relies on centers, and has a say before one is closed.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CenterUsage: Send + Sync {
    /// Whether a transport that has not arrived starts or ends at this center. Whoever is just writing such a plan down
    /// is waited for.
    async fn is_used(&self, center: &CenterCode) -> Result<bool, StoreError>;
}
