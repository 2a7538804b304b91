//! Auth asks user: who there is.

use std::sync::Arc;

use async_trait::async_trait;
use auth_application::{Account, AccountDirectory, AccountType, NewAccount, RegisterError, SignInName};
use auth_domain::AccountId;
use kernel_domain::{CorrelationId, StoreError};
use user_application::{AccountName, RegisterUser, RegisterUserError, Users};
use user_domain::{PhoneNumber, Privileges, Profile, Role, UserId, UserState, Username};

/// The accounts of the user context.
pub struct UserAccounts(pub Arc<Users>);

#[async_trait]
impl AccountDirectory for UserAccounts {
    async fn find(&self, name: &SignInName) -> Result<Option<Account>, StoreError> {
        let name = match name {
            SignInName::Username(raw) => Username::parse(raw).ok().map(AccountName::Username),
            SignInName::PhoneNumber(raw) => PhoneNumber::parse(raw).ok().map(AccountName::PhoneNumber),
        };
        let Some(name) = name else { return Ok(None) };
        Ok(self.0.account(&name).await?.map(account))
    }

    async fn register(&self, account: NewAccount, correlation_id: &CorrelationId) -> Result<(), RegisterError> {
        let NewAccount { id, username, phone_number, account_type, is_superuser } = account;
        let username = username.map(|raw| Username::parse(&raw).map_err(|_| RegisterError::InvalidUsername(raw)));
        let number = PhoneNumber::parse(&phone_number);
        let command = RegisterUser {
            id: UserId::new(id.as_uuid()),
            username: username.transpose()?,
            phone_number: number.map_err(|_| RegisterError::InvalidPhoneNumber(phone_number))?,
            role: match account_type {
                AccountType::Staff => Role::Staff { groups: Vec::new() },
                AccountType::Driver => Role::Driver { date_of_birth: None },
            },
            profile: Profile::default(),
            privileges: if is_superuser { Privileges::Superuser } else { Privileges::None },
        };
        match self.0.register_user(command, correlation_id).await {
            Ok(_) => Ok(()),
            Err(RegisterUserError::Taken(key)) => Err(RegisterError::Taken(key)),
            Err(RegisterUserError::Store(error)) => Err(error.into()),
        }
    }
}

fn account(found: user_application::Account) -> Account {
    let (account_type, groups) = match found.role {
        Role::Staff { groups } => (AccountType::Staff, groups.iter().map(|it| it.as_str().to_owned()).collect()),
        Role::Driver { .. } => (AccountType::Driver, Vec::new()),
    };
    Account {
        id: AccountId::new(found.id.as_uuid()),
        active: found.state == UserState::Active,
        account_type,
        is_staff: found.privileges.is_staff(),
        is_superuser: found.privileges.is_superuser(),
        groups,
    }
}
