//! Distribution asks user: who works in the centers.

use std::sync::Arc;

use async_trait::async_trait;
use distribution_application::{Role, StaffDirectory, StaffMember};
use distribution_domain::StaffId;
use kernel_domain::StoreError;
use user_application::{ProfileView, Users};
use user_domain::UserId;

/// The users who work in centers.
pub struct UserStaff(pub Arc<Users>);

#[async_trait]
impl StaffDirectory for UserStaff {
    async fn find(&self, staff: &[StaffId]) -> Result<Vec<StaffMember>, StoreError> {
        let ids: Vec<_> = staff.iter().map(|it| UserId::new(it.as_uuid())).collect();
        Ok(self.0.profiles(&ids).await?.into_iter().map(member).collect())
    }
}

fn member(profile: ProfileView) -> StaffMember {
    StaffMember {
        id: StaffId::new(profile.id.as_uuid()),
        phone_number: profile.phone_number.map(String::from),
        username: profile.username.into(),
        full_name: profile.full_name,
        image_url: profile.image_url,
        role: match profile.role {
            user_domain::Role::Staff { groups } => {
                Role::Staff { permission_groups: groups.into_iter().map(String::from).collect() }
            }
            user_domain::Role::Driver { date_of_birth } => Role::Driver { date_of_birth },
        },
    }
}
