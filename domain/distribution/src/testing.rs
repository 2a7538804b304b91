//! Builders with sensible defaults; a test names only what it is about.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{Center, CenterCode, CenterId, CenterName, ClosingId, StaffId};

static MADE: AtomicU64 = AtomicU64::new(1);

fn next() -> u64 {
    MADE.fetch_add(1, Ordering::Relaxed)
}

/// Noon on the second of January 2026.
pub fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_355_200)
}

/// Somebody like nobody else.
pub fn a_staff_member() -> StaffId {
    StaffId::new(Uuid::from_u128(u128::from(next())))
}

/// An attempt to close a center, like no other.
pub fn an_attempt() -> ClosingId {
    ClosingId::new(Uuid::from_u128(u128::from(next())))
}

/// A center with a code of its own, where nobody works.
pub fn a_center() -> CenterBuilder {
    CenterBuilder { code: format!("C{}", next()), staff: Vec::new() }
}

/// Builds a [`Center`].
#[must_use]
pub struct CenterBuilder {
    code: String,
    staff: Vec<StaffId>,
}

impl CenterBuilder {
    /// With this code.
    pub fn called(mut self, code: &str) -> Self {
        code.clone_into(&mut self.code);
        self
    }

    /// With these people.
    pub fn staffed_by(mut self, staff: &[StaffId]) -> Self {
        self.staff = staff.to_vec();
        self
    }

    /// The center.
    ///
    /// # Panics
    /// If its code is none.
    #[expect(clippy::expect_used, reason = "tests name valid codes")]
    pub fn build(self) -> Center {
        let code = CenterCode::parse(&self.code).expect("a center code");
        let name = CenterName::parse(&format!("Center {}", self.code)).expect("a name");
        Center::open(CenterId::new(Uuid::from_u128(u128::from(next()))), code, name, self.staff, noon())
    }
}
