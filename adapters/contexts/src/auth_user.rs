//! Auth asks user: who there is. And auth hears from user who is gone, for good or for now.

use std::sync::Arc;

use async_trait::async_trait;
use auth_application::{
    Account, AccountDirectory, AccountType, Auth, CloseAccountError, NewAccount, NumberStanding, Profile,
    RegisterError, SignInName,
};
use auth_domain::AccountId;
use chrono::{DateTime, Utc};
use kernel_application::{Publisher, StoredEvent, Undelivered};
use kernel_domain::{CorrelationId, PhoneNumber, StoreError};
use user_application::{AccountName, ProfileView, RegisterUser, RegisterUserError, UnregisterUserError, Users};
use user_domain::{CannotClose, FullName, Privileges, Role, UserId, UserState, UserType, Username};
use uuid::Uuid;

/// The accounts of the user context.
pub struct UserAccounts(pub Arc<Users>);

#[async_trait]
impl AccountDirectory for UserAccounts {
    async fn find(&self, name: &SignInName) -> Result<Option<Account>, StoreError> {
        let name = match name {
            SignInName::Username(raw) => Username::parse(raw).ok().map(AccountName::Username),
            SignInName::PhoneNumber(number) => Some(AccountName::PhoneNumber(number.clone())),
            SignInName::Account(id) => Some(AccountName::Id(user_id(*id))),
        };
        let Some(name) = name else { return Ok(None) };
        Ok(self.0.account(&name).await?.map(account))
    }

    async fn standing(&self, number: &PhoneNumber) -> Result<NumberStanding, StoreError> {
        Ok(match self.0.number_standing(number).await? {
            user_application::NumberStanding::Free => NumberStanding::Free,
            user_application::NumberStanding::Taken(found) => NumberStanding::Taken(account(found)),
            user_application::NumberStanding::Banned => NumberStanding::Banned,
        })
    }

    async fn register(&self, account: NewAccount, correlation_id: &CorrelationId) -> Result<(), RegisterError> {
        let NewAccount { id, username, phone_number, account_type, is_superuser, full_name, date_of_birth } = account;
        let username = username.map(|raw| Username::parse(&raw).map_err(|_| RegisterError::InvalidUsername(raw)));
        let full_name = full_name.map(|raw| FullName::parse(&raw).map_err(|_| RegisterError::InvalidFullName(raw)));
        let command = RegisterUser {
            id: user_id(id),
            username: username.transpose()?,
            phone_number,
            role: match account_type {
                AccountType::Staff => Role::Staff { groups: Vec::new() },
                AccountType::Driver => Role::Driver { date_of_birth },
            },
            profile: user_domain::Profile { full_name: full_name.transpose()?, image: None },
            privileges: if is_superuser { Privileges::Superuser } else { Privileges::None },
        };
        match self.0.register_user(command, correlation_id).await {
            Ok(_) => Ok(()),
            Err(RegisterUserError::Taken(key)) => Err(RegisterError::Taken(key)),
            Err(RegisterUserError::Store(error)) => Err(error.into()),
        }
    }

    async fn close(&self, account: AccountId, correlation_id: &CorrelationId) -> Result<(), CloseAccountError> {
        self.0.close(user_id(account), correlation_id).await.map_err(|error| match error {
            UnregisterUserError::UnknownUser(_) => CloseAccountError::Unknown,
            UnregisterUserError::Refused(CannotClose::AlreadyClosed) => CloseAccountError::AlreadyClosed,
            UnregisterUserError::Refused(CannotClose::Superuser) => CloseAccountError::Superuser,
            UnregisterUserError::Store(error) => CloseAccountError::Store(error),
            // Nobody's rights are asked for here.
            UnregisterUserError::Denied(denied) => CloseAccountError::Store(StoreError::unavailable(denied)),
        })
    }

    async fn deactivated_since(&self, since: DateTime<Utc>) -> Result<Vec<AccountId>, StoreError> {
        let users = self.0.deactivated_since(since).await?;
        Ok(users.into_iter().map(|it| AccountId::new(it.as_uuid())).collect())
    }

    async fn profile(&self, account: AccountId) -> Result<Option<Profile>, StoreError> {
        Ok(self.0.profiles(&[user_id(account)]).await?.pop().map(profile))
    }
}

fn user_id(account: AccountId) -> UserId {
    UserId::new(account.as_uuid())
}

fn account(found: user_application::Account) -> Account {
    let (account_type, groups) = role(found.role);
    Account {
        id: AccountId::new(found.id.as_uuid()),
        active: found.state == UserState::Active,
        account_type,
        is_staff: found.privileges.is_staff(),
        is_superuser: found.privileges.is_superuser(),
        groups,
    }
}

fn profile(shown: ProfileView) -> Profile {
    let date_of_birth = match shown.role {
        Role::Driver { date_of_birth } => date_of_birth,
        Role::Staff { .. } => None,
    };
    let (account_type, groups) = role(shown.role);
    Profile {
        account_id: AccountId::new(shown.id.as_uuid()),
        phone_number: shown.phone_number.map(|it| it.as_str().to_owned()),
        username: shown.username.to_string(),
        full_name: shown.full_name,
        image_url: shown.image_url,
        account_type,
        groups,
        date_of_birth,
    }
}

fn role(role: Role) -> (AccountType, Vec<String>) {
    let account_type = match role.user_type() {
        UserType::Staff => AccountType::Staff,
        UserType::Driver => AccountType::Driver,
    };
    match role {
        Role::Staff { groups } => (account_type, groups.iter().map(|it| it.as_str().to_owned()).collect()),
        Role::Driver { .. } => (account_type, Vec::new()),
    }
}

/// Hears which accounts were closed, whoever closed them, and has auth forget them; and which ones were switched off or on,
/// and has auth end the sessions of before. Hearing it twice changes nothing.
pub struct ClosedAccounts(pub Arc<Auth>);

#[async_trait]
impl Publisher for ClosedAccounts {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), Undelivered>> {
        let mut fates = Vec::with_capacity(events.len());
        for event in events {
            fates.push(self.hear(event).await);
        }
        fates
    }
}

impl ClosedAccounts {
    async fn hear(&self, event: &StoredEvent) -> Result<(), Undelivered> {
        let is_closed = match event.name.as_str() {
            "UserDeactivated" | "UserBanned" => true,
            "UserSuspended" | "UserReinstated" => false,
            _ => return Ok(()),
        };
        let told = event.data.iter().find(|(name, _)| name == "uuid").map(|(_, value)| Uuid::try_parse(value));
        let user = told.and_then(Result::ok).ok_or_else(|| Undelivered::Refused("the event names no user".into()))?;
        let account = AccountId::new(user);
        if is_closed {
            self.0.forget_account(account, event.occurred_at).await?;
        } else {
            self.0.end_sessions_of(account, event.occurred_at).await?;
        }
        Ok(())
    }
}
