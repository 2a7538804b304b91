//! An operator creates the first user, on the command line.

use auth_domain::{AccountId, Credential, NewPassword, PhoneNumber};
use kernel_domain::{CorrelationId, StoreError};

use crate::{AccountType, Auth, NewAccount, RegisterError, UnassignableNumber};

/// Who to create.
#[derive(Clone, PartialEq, Eq)]
pub struct CreateSuperuser {
    /// Their number.
    pub phone_number: PhoneNumber,
    /// The name to sign in with; without one, the digits of the number.
    pub username: Option<String>,
    /// Their password.
    pub password: NewPassword,
}

/// Why nobody was created.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum CreateSuperuserError {
    #[error(transparent)]
    Unassignable(#[from] UnassignableNumber),
    #[error(transparent)]
    Register(#[from] RegisterError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Creates a user of type staff with the staff and the superuser flag, and their password with them.
    pub async fn create_superuser(&self, command: CreateSuperuser) -> Result<AccountId, CreateSuperuserError> {
        let phone_number = self.numbering_plans.assignable(&command.phone_number)?;
        let id = AccountId::new(self.ids.uuid());
        let password_hash = self.passwords.hash(&command.password).await?;

        let account = NewAccount {
            id,
            username: command.username,
            phone_number,
            account_type: AccountType::Staff,
            is_superuser: true,
            full_name: None,
            date_of_birth: None,
        };
        let created = async {
            self.accounts.register(account, &CorrelationId::from(self.ids.uuid())).await?;

            let mut work = self.store.begin().await?;
            work.credentials().save(&Credential { account_id: id, password_hash }).await?;
            Ok::<_, CreateSuperuserError>(work.commit().await?)
        };
        self.scope.all_or_nothing(created).await?;
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use auth_domain::testing::a_phone_number;
    use auth_domain::{Password, PasswordHash};

    fn a_command() -> CreateSuperuser {
        CreateSuperuser {
            phone_number: a_phone_number(),
            username: None,
            password: NewPassword::choose(Password::typed("correct horse")).expect("long enough"),
        }
    }

    #[tokio::test]
    async fn a_superuser_is_staff_and_has_a_password() {
        let mut world = World::with_account(None);
        world.passwords.expect_hash().times(1).returning(|_| Ok(PasswordHash::new("kept")));
        world.work.credentials.expect_save().times(1).returning(|_| Ok(()));
        world
            .accounts
            .expect_register()
            .times(1)
            .withf(|account, _| account.account_type == AccountType::Staff && account.is_superuser)
            .returning(|_, _| Ok(()));
        let (auth, committed) = world.commits();

        auth.create_superuser(a_command()).await.expect("they are created");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_number_that_is_taken_leaves_no_password_behind() {
        let mut world = World::with_account(None);
        world.passwords.expect_hash().returning(|_| Ok(PasswordHash::new("kept")));
        world.work.credentials.expect_save().never();
        world.accounts.expect_register().returning(|_, _| Err(RegisterError::Taken("phonenumber")));
        let (auth, committed) = world.commits();

        let refusal = auth.create_superuser(a_command()).await;

        assert!(matches!(refusal, Err(CreateSuperuserError::Register(RegisterError::Taken("phonenumber")))));
        assert!(!committed.happened());
    }
}
