//! The read side: rows straight to views, without entities or units of work.

use std::sync::Arc;

use async_trait::async_trait;
use distribution_domain::{Center, CenterCode, CenterId, StaffId};
use kernel_application::{Page, PageRequest};
use kernel_domain::StoreError;

use crate::StaffMember;

/// A center, as distribution alone knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CenterSummary {
    /// Its identifier.
    pub id: CenterId,
    /// Its code.
    pub code: CenterCode,
    /// Its name.
    pub name: String,
    /// Who works there, in the order they were named.
    pub staff: Vec<StaffId>,
}

impl CenterSummary {
    /// What there is to know of `center`.
    pub fn of(center: &Center) -> Self {
        Self {
            id: center.id(),
            code: center.code().clone(),
            name: center.name().to_string(),
            staff: center.staff().to_vec(),
        }
    }
}

/// A center with the people who work there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CenterView {
    /// Its identifier.
    pub id: CenterId,
    /// Its code.
    pub code: CenterCode,
    /// Its name.
    pub name: String,
    /// Who works there; users who are no more are left out. Whoever works in several centers is shared by them.
    pub staff: Vec<Arc<StaffMember>>,
}

/// Which centers. Empty means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CenterFilter {
    /// Only the one with this code, compared exactly.
    pub code: Option<String>,
    /// Only those with this name, compared exactly.
    pub name: Option<String>,
}

/// Reads what distribution owns, each in a fixed number of statements whatever the size of the
/// page. Lists are newest first; a page past the end is `None`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait DistributionQueries: Send + Sync {
    /// The center with this id.
    async fn center(&self, id: CenterId) -> Result<Option<CenterSummary>, StoreError>;

    /// The centers with these codes, in any order; unknown codes are left out.
    async fn centers_coded(&self, codes: &[CenterCode]) -> Result<Vec<CenterSummary>, StoreError>;

    /// Those of these codes whose centers are there and not being closed, in any order: as they are kept at this very
    /// moment, and not as they were known to be.
    async fn open_among(&self, codes: &[CenterCode]) -> Result<Vec<CenterCode>, StoreError>;

    /// A page of centers. The first one of all is counted exactly, however many they are: it may be kept until one changes.
    async fn centers(
        &self,
        filter: &CenterFilter,
        page: PageRequest,
    ) -> Result<Option<Page<CenterSummary>>, StoreError>;
}
