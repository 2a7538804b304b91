//! The sample data: two centers, somebody from the staff, a driver, and twenty items.

use std::sync::Arc;

use auth_domain::{AccountId, NewPassword, Password};
use distribution_application::{OpenCenter, OpenCenterError};
use distribution_domain::{CenterCode, CenterName};
use kernel_application::{Actor, Identity, Operation, Rights};
use kernel_domain::{BoxError, CorrelationId, StoreError};
use shipping_application::RegisterItem;
use shipping_domain::Sku;
use user_application::{AccountName, RegisterUser};
use user_domain::{FullName, PhoneNumber, Privileges, Profile, Role, UserId};

use crate::App;

/// How many parcels travel.
const ITEMS: usize = 20;

/// What was loaded.
pub(super) struct Sample {
    pub(super) username: String,
    pub(super) password: String,
    pub(super) driver: UserId,
    pub(super) source: &'static str,
    pub(super) destination: &'static str,
    pub(super) tracking_numbers: Vec<String>,
}

/// Whoever sits at the machine may load sample data.
struct Operator;

impl Rights for Operator {
    fn allow(&self, _: Operation) -> Result<bool, BoxError> {
        Ok(true)
    }
}

impl Sample {
    /// Loads what is not there yet, a fresh password for the staff, and fresh items.
    pub(super) async fn load(app: &App) -> Result<Self, BoxError> {
        let staff_number = PhoneNumber::parse("+82 10-9000-0001")?;
        let staff = Role::Staff { groups: Vec::new() };
        let staff_id = user(app, &staff_number, "Kim Jisoo", staff, Privileges::Staff).await?;
        let identity = Identity::User { user_id: staff_id.as_uuid(), session_id: app.ids.uuid() };
        let operator = Actor::new(identity, CorrelationId::from(app.ids.uuid()), Arc::new(Operator));
        let password = format!("demo-{}", app.ids.below(u64::MAX));
        let chosen = NewPassword::choose(Password::typed(password.as_str()))?;
        app.auth.set_password(AccountId::new(staff_id.as_uuid()), &chosen).await?;

        let driver_number = PhoneNumber::parse("+82 10-9000-0002")?;
        let driver = Role::Driver { date_of_birth: None };
        let driver = user(app, &driver_number, "Park Minho", driver, Privileges::None).await?;

        let (source, destination) = ("SEOUL01", "BUSAN01");
        for (code, name) in [(source, "Seoul Gangnam"), (destination, "Busan Haeundae")] {
            center(app, &operator, code, name).await?;
        }

        let mut tracking_numbers = Vec::with_capacity(ITEMS);
        for number in 1..=ITEMS {
            let sku = Sku::parse(&format!("DEMO-{number:03}"))?;
            let item = app.shipping.register_item(&operator, RegisterItem { sku }).await?;
            tracking_numbers.push(item.tracking_number.to_string());
        }
        let username = staff_number.digits().to_owned();
        Ok(Self { username, password, driver, source, destination, tracking_numbers })
    }
}

/// The user with this number, registered if there is none.
async fn user(
    app: &App,
    number: &PhoneNumber,
    full_name: &str,
    role: Role,
    privileges: Privileges,
) -> Result<UserId, BoxError> {
    if let Some(account) = app.users.account(&AccountName::PhoneNumber(number.clone())).await? {
        return Ok(account.id);
    }
    let command = RegisterUser {
        id: UserId::new(app.ids.uuid()),
        username: None,
        phone_number: number.clone(),
        role,
        profile: Profile { full_name: Some(FullName::parse(full_name)?), image: None },
        privileges,
    };
    Ok(app.users.register_user(command, &CorrelationId::from(app.ids.uuid())).await?)
}

async fn center(app: &App, operator: &Actor, code: &str, name: &str) -> Result<(), BoxError> {
    let command = OpenCenter { code: CenterCode::parse(code)?, name: CenterName::parse(name)?, staff: Vec::new() };
    match app.distribution.open_center(operator, command).await {
        Ok(_) | Err(OpenCenterError::Store(StoreError::Duplicate { .. })) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
