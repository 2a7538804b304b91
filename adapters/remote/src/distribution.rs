//! What distribution asks: who works in its centers, and who relies on them.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;
use distribution_application::{CenterUsage, Role, StaffDirectory, StaffMember};
use distribution_domain::{CenterCode, StaffId};
use kernel_domain::StoreError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::peer::Peer;
use crate::question::Question;

/// The user context in another process: who works in the centers.
pub struct RemoteStaff(pub Arc<Peer>);

#[async_trait]
impl StaffDirectory for RemoteStaff {
    async fn find(&self, staff: &[StaffId]) -> Result<Vec<StaffMember>, StoreError> {
        if staff.is_empty() {
            return Ok(Vec::new());
        }
        let staff = staff.iter().map(|it| it.as_uuid()).collect();
        let found = self.0.ask(&FindStaff { staff }).await?;
        Ok(found.into_iter().map(StaffMember::from).collect())
    }
}

/// Whoever relies on centers, in another process.
pub struct RemoteCenterUsage(pub Arc<Peer>);

#[async_trait]
impl CenterUsage for RemoteCenterUsage {
    async fn is_used(&self, center: &CenterCode) -> Result<bool, StoreError> {
        self.0.ask(&IsCenterUsed { center: center.as_str().to_owned() }).await
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct FindStaff {
    staff: Vec<Uuid>,
}

#[async_trait]
impl Question for FindStaff {
    const NAME: &'static str = "distribution-staff-1";
    type Answer = Vec<ToldMember>;
    type Port = dyn StaffDirectory;

    async fn answered_by(self, port: &Self::Port) -> Result<Vec<ToldMember>, StoreError> {
        let staff: Vec<_> = self.staff.into_iter().map(StaffId::new).collect();
        Ok(port.find(&staff).await?.into_iter().map(ToldMember::from).collect())
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct IsCenterUsed {
    center: String,
}

#[async_trait]
impl Question for IsCenterUsed {
    const NAME: &'static str = "distribution-center-usage-1";
    type Answer = bool;
    type Port = dyn CenterUsage;

    async fn answered_by(self, port: &Self::Port) -> Result<bool, StoreError> {
        let center = CenterCode::parse(&self.center).map_err(|error| StoreError::corrupt("center code", error))?;
        port.is_used(&center).await
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ToldMember {
    id: Uuid,
    phone_number: Option<String>,
    username: String,
    full_name: Option<String>,
    image_url: Option<String>,
    role: ToldRole,
}

#[derive(Serialize, Deserialize)]
enum ToldRole {
    Staff { permission_groups: Vec<String> },
    Driver { date_of_birth: Option<NaiveDate> },
}

impl From<StaffMember> for ToldMember {
    fn from(member: StaffMember) -> Self {
        let StaffMember { id, phone_number, username, full_name, image_url, role } = member;
        let role = match role {
            Role::Staff { permission_groups } => ToldRole::Staff { permission_groups },
            Role::Driver { date_of_birth } => ToldRole::Driver { date_of_birth },
        };
        Self { id: id.as_uuid(), phone_number, username, full_name, image_url, role }
    }
}

impl From<ToldMember> for StaffMember {
    fn from(told: ToldMember) -> Self {
        let ToldMember { id, phone_number, username, full_name, image_url, role } = told;
        let role = match role {
            ToldRole::Staff { permission_groups } => Role::Staff { permission_groups },
            ToldRole::Driver { date_of_birth } => Role::Driver { date_of_birth },
        };
        Self { id: StaffId::new(id), phone_number, username, full_name, image_url, role }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_member(role: Role) -> StaffMember {
        StaffMember {
            id: StaffId::new(Uuid::from_u128(7)),
            phone_number: None,
            username: "kim".to_owned(),
            full_name: Some("김 \"Ann\"".to_owned()),
            image_url: Some("/media/a.png".to_owned()),
            role,
        }
    }

    #[test]
    fn what_is_told_of_somebody_arrives_as_it_was_in_the_form_that_the_name_stands_for() {
        let driver = a_member(Role::Driver { date_of_birth: NaiveDate::from_ymd_opt(1990, 2, 28) });
        let staff = a_member(Role::Staff { permission_groups: vec!["night shift".to_owned()] });
        for member in [driver.clone(), staff] {
            let told = serde_json::to_vec(&ToldMember::from(member.clone())).expect("it is written");
            let heard: ToldMember = serde_json::from_slice(&told).expect("it is read");
            assert_eq!(StaffMember::from(heard), member);
        }

        let form = r#"{"id":"00000000-0000-0000-0000-000000000007","phone_number":null,"username":"kim","full_name":"김 \"Ann\"","image_url":"/media/a.png","role":{"Driver":{"date_of_birth":"1990-02-28"}}}"#;
        let told = serde_json::to_string(&ToldMember::from(driver)).expect("it is written");
        assert_eq!((FindStaff::NAME, told.as_str()), ("distribution-staff-1", form), "another form has another name");
    }
}
