//! The other contexts, as shipping sees them.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;
use kernel_domain::StoreError;
use shipping_domain::{CenterCode, DriverId};
use uuid::Uuid;

/// Somebody's profile, as shipping shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user.
    pub user_id: Uuid,
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

/// Somebody who drives, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// Who.
    pub id: DriverId,
    /// Whether they are an active driver, and not somebody else by now.
    pub may_drive: bool,
    /// Their profile.
    pub person: Person,
}

/// A distribution center, as shipping shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Center {
    /// Its identifier.
    pub id: Uuid,
    /// Its code.
    pub code: CenterCode,
    /// Its name.
    pub name: String,
    /// Who works there.
    pub staff: Vec<Person>,
}

/// The user context: who can drive.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait DriverDirectory: Send + Sync {
    /// The users with these ids, in any order, in one call; unknown ones are left out.
    async fn find(&self, drivers: &[DriverId]) -> Result<Vec<Driver>, StoreError>;
}

/// The distribution context: where transports can go.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CenterDirectory: Send + Sync {
    /// The centers with these codes, in any order, in one call; unknown ones are left out.
    async fn find(&self, codes: &[CenterCode]) -> Result<Vec<Arc<Center>>, StoreError>;

    /// Those of these codes whose centers are open, and will be asked for: who closes one sees every plan that was written
    /// down, if not yet kept, when this was asked. It waits for nobody.
    async fn open_among(&self, codes: &[CenterCode]) -> Result<Vec<CenterCode>, StoreError>;
}
