//! Shipping asks distribution where transports can go, and has a say before a center is closed.
//!
//! Distribution knows nothing of shipping for that: it asks whoever relies on its centers, in a port of its own.

use std::sync::Arc;

use async_trait::async_trait;
use distribution_application::{CenterUsage, CenterView, Distribution, StaffMember};
use kernel_domain::StoreError;
use shipping_application::{Center, CenterDirectory, Person, Role, ShippingQueries};
use shipping_domain::CenterCode;

/// The centers of the distribution context.
pub struct DistributionCenters(pub Arc<Distribution>);

#[async_trait]
impl CenterDirectory for DistributionCenters {
    async fn find(&self, codes: &[CenterCode]) -> Result<Vec<Arc<Center>>, StoreError> {
        self.0.centers_coded(&theirs(codes)?).await?.into_iter().map(|it| center(it).map(Arc::new)).collect()
    }

    async fn open_among(&self, codes: &[CenterCode]) -> Result<Vec<CenterCode>, StoreError> {
        let open = self.0.open_among(&theirs(codes)?).await?;
        Ok(codes.iter().filter(|code| open.iter().any(|it| it.as_str() == code.as_str())).cloned().collect())
    }
}

/// The codes, as distribution knows them.
fn theirs(codes: &[CenterCode]) -> Result<Vec<distribution_domain::CenterCode>, StoreError> {
    let codes = codes.iter().map(|it| distribution_domain::CenterCode::parse(it.as_str()));
    codes.collect::<Result<_, _>>().map_err(|error| StoreError::corrupt("center code", error))
}

/// The routes of transports. Over shipping's read side, not its facade, which is built on distribution's.
pub struct TransportRoutes(pub Arc<dyn ShippingQueries>);

#[async_trait]
impl CenterUsage for TransportRoutes {
    async fn is_used(&self, center: &distribution_domain::CenterCode) -> Result<bool, StoreError> {
        let code = CenterCode::parse(center.as_str()).map_err(|error| StoreError::corrupt("center code", error))?;
        self.0.is_center_used(&code).await
    }
}

fn center(view: CenterView) -> Result<Center, StoreError> {
    Ok(Center {
        id: view.id.as_uuid(),
        code: CenterCode::parse(view.code.as_str()).map_err(|error| StoreError::corrupt("center code", error))?,
        name: view.name,
        staff: view.staff.into_iter().map(|it| person(Arc::unwrap_or_clone(it))).collect(),
    })
}

fn person(member: StaffMember) -> Person {
    Person {
        user_id: member.id.as_uuid(),
        phone_number: member.phone_number,
        username: member.username,
        full_name: member.full_name,
        image_url: member.image_url,
        role: match member.role {
            distribution_application::Role::Staff { permission_groups } => Role::Staff { permission_groups },
            distribution_application::Role::Driver { date_of_birth } => Role::Driver { date_of_birth },
        },
    }
}
