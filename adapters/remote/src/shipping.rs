//! What shipping asks: who drives, and where transports can go.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;
use kernel_domain::StoreError;
use serde::{Deserialize, Serialize};
use shipping_application::{Center, CenterDirectory, Driver, DriverDirectory, Person, Role};
use shipping_domain::{CenterCode, DriverId};
use uuid::Uuid;

use crate::peer::Peer;
use crate::question::Question;

/// The user context in another process: who drives.
pub struct RemoteDrivers(pub Arc<Peer>);

#[async_trait]
impl DriverDirectory for RemoteDrivers {
    async fn find(&self, drivers: &[DriverId]) -> Result<Vec<Driver>, StoreError> {
        if drivers.is_empty() {
            return Ok(Vec::new());
        }
        let drivers = drivers.iter().map(|it| it.as_uuid()).collect();
        let found = self.0.ask(&FindDrivers { drivers }).await?;
        Ok(found.into_iter().map(Driver::from).collect())
    }
}

/// The distribution context in another process: where transports can go.
pub struct RemoteCenters(pub Arc<Peer>);

#[async_trait]
impl CenterDirectory for RemoteCenters {
    async fn find(&self, codes: &[CenterCode]) -> Result<Vec<Arc<Center>>, StoreError> {
        if codes.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.0.ask(&FindCenters { codes: written(codes) }).await?;
        found.into_iter().map(|it| Center::try_from(it).map(Arc::new)).collect()
    }

    async fn open_among(&self, codes: &[CenterCode]) -> Result<Vec<CenterCode>, StoreError> {
        if codes.is_empty() {
            return Ok(Vec::new());
        }
        parsed(self.0.ask(&OpenCenters { codes: written(codes) }).await?)
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct FindDrivers {
    drivers: Vec<Uuid>,
}

#[async_trait]
impl Question for FindDrivers {
    const NAME: &'static str = "shipping-drivers-1";
    type Answer = Vec<ToldDriver>;
    type Port = dyn DriverDirectory;

    async fn answered_by(self, port: &Self::Port) -> Result<Vec<ToldDriver>, StoreError> {
        let drivers: Vec<_> = self.drivers.into_iter().map(DriverId::new).collect();
        Ok(port.find(&drivers).await?.into_iter().map(ToldDriver::from).collect())
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct FindCenters {
    codes: Vec<String>,
}

#[async_trait]
impl Question for FindCenters {
    const NAME: &'static str = "shipping-centers-1";
    type Answer = Vec<ToldCenter>;
    type Port = dyn CenterDirectory;

    async fn answered_by(self, port: &Self::Port) -> Result<Vec<ToldCenter>, StoreError> {
        let found = port.find(&parsed(self.codes)?).await?;
        Ok(found.into_iter().map(|it| Arc::unwrap_or_clone(it).into()).collect())
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct OpenCenters {
    codes: Vec<String>,
}

#[async_trait]
impl Question for OpenCenters {
    const NAME: &'static str = "shipping-open-centers-1";
    type Answer = Vec<String>;
    type Port = dyn CenterDirectory;

    async fn answered_by(self, port: &Self::Port) -> Result<Vec<String>, StoreError> {
        Ok(written(&port.open_among(&parsed(self.codes)?).await?))
    }
}

fn written(codes: &[CenterCode]) -> Vec<String> {
    codes.iter().map(|it| it.as_str().to_owned()).collect()
}

fn parsed(codes: Vec<String>) -> Result<Vec<CenterCode>, StoreError> {
    codes.into_iter().map(|it| code(&it)).collect()
}

fn code(told: &str) -> Result<CenterCode, StoreError> {
    CenterCode::parse(told).map_err(|error| StoreError::corrupt("center code", error))
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ToldDriver {
    may_drive: bool,
    person: ToldPerson,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ToldCenter {
    id: Uuid,
    code: String,
    name: String,
    staff: Vec<ToldPerson>,
}

#[derive(Serialize, Deserialize)]
struct ToldPerson {
    user_id: Uuid,
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

impl From<Driver> for ToldDriver {
    fn from(driver: Driver) -> Self {
        Self { may_drive: driver.may_drive, person: driver.person.into() }
    }
}

impl From<ToldDriver> for Driver {
    fn from(told: ToldDriver) -> Self {
        Self { id: DriverId::new(told.person.user_id), may_drive: told.may_drive, person: told.person.into() }
    }
}

impl From<Center> for ToldCenter {
    fn from(center: Center) -> Self {
        let Center { id, code, name, staff } = center;
        Self { id, code: code.as_str().to_owned(), name, staff: staff.into_iter().map(ToldPerson::from).collect() }
    }
}

impl TryFrom<ToldCenter> for Center {
    type Error = StoreError;

    fn try_from(told: ToldCenter) -> Result<Self, StoreError> {
        let ToldCenter { id, code: told_code, name, staff } = told;
        Ok(Self { id, code: code(&told_code)?, name, staff: staff.into_iter().map(Person::from).collect() })
    }
}

impl From<Person> for ToldPerson {
    fn from(person: Person) -> Self {
        let Person { user_id, phone_number, username, full_name, image_url, role } = person;
        let role = match role {
            Role::Staff { permission_groups } => ToldRole::Staff { permission_groups },
            Role::Driver { date_of_birth } => ToldRole::Driver { date_of_birth },
        };
        Self { user_id, phone_number, username, full_name, image_url, role }
    }
}

impl From<ToldPerson> for Person {
    fn from(told: ToldPerson) -> Self {
        let ToldPerson { user_id, phone_number, username, full_name, image_url, role } = told;
        let role = match role {
            ToldRole::Staff { permission_groups } => Role::Staff { permission_groups },
            ToldRole::Driver { date_of_birth } => Role::Driver { date_of_birth },
        };
        Self { user_id, phone_number, username, full_name, image_url, role }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_person(role: Role) -> Person {
        Person {
            user_id: Uuid::from_u128(7),
            phone_number: Some("+821012345678".to_owned()),
            username: "kim".to_owned(),
            full_name: None,
            image_url: None,
            role,
        }
    }

    #[test]
    fn what_is_told_of_drivers_and_centers_arrives_as_it_was_in_the_form_that_the_name_stands_for() {
        let person = a_person(Role::Driver { date_of_birth: None });
        let driver = Driver { id: DriverId::new(person.user_id), may_drive: true, person };
        let staff = vec![a_person(Role::Staff { permission_groups: vec!["dispatch".to_owned()] })];
        let center =
            Center { id: Uuid::from_u128(8), code: code("ABC001").expect("a code"), name: "A".to_owned(), staff };

        let told = serde_json::to_string(&ToldDriver::from(driver.clone())).expect("it is written");
        let heard: ToldDriver = serde_json::from_str(&told).expect("it is read");
        assert_eq!(Driver::from(heard), driver);
        let form = r#"{"may_drive":true,"person":{"user_id":"00000000-0000-0000-0000-000000000007","phone_number":"+821012345678","username":"kim","full_name":null,"image_url":null,"role":{"Driver":{"date_of_birth":null}}}}"#;
        assert_eq!((FindDrivers::NAME, told.as_str()), ("shipping-drivers-1", form), "another form has another name");

        let told = serde_json::to_string(&ToldCenter::from(center.clone())).expect("it is written");
        let heard: ToldCenter = serde_json::from_str(&told).expect("it is read");
        assert_eq!(Center::try_from(heard).ok(), Some(center));
        let form = r#"{"id":"00000000-0000-0000-0000-000000000008","code":"ABC001","name":"A","staff":[{"user_id":"00000000-0000-0000-0000-000000000007","phone_number":"+821012345678","username":"kim","full_name":null,"image_url":null,"role":{"Staff":{"permission_groups":["dispatch"]}}}]}"#;
        assert_eq!((FindCenters::NAME, told.as_str()), ("shipping-centers-1", form), "another form has another name");
    }
}
