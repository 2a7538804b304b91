//! Shipping asks user: who drives.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_domain::StoreError;
use shipping_application::{Driver, DriverDirectory, Person, Role};
use shipping_domain::DriverId;
use user_application::{ProfileView, Users};
use user_domain::{UserId, UserState, UserType};

/// The users who drive.
pub struct UserDrivers(pub Arc<Users>);

#[async_trait]
impl DriverDirectory for UserDrivers {
    async fn find(&self, drivers: &[DriverId]) -> Result<Vec<Driver>, StoreError> {
        let ids: Vec<_> = drivers.iter().map(|it| UserId::new(it.as_uuid())).collect();
        Ok(self.0.profiles(&ids).await?.into_iter().map(driver).collect())
    }
}

fn driver(profile: ProfileView) -> Driver {
    Driver {
        id: DriverId::new(profile.id.as_uuid()),
        may_drive: profile.state == UserState::Active && profile.role.user_type() == UserType::Driver,
        person: Person {
            user_id: profile.id.as_uuid(),
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
        },
    }
}
