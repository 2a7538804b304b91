//! Somebody new gets an account.

use kernel_application::record;
use kernel_domain::{CorrelationId, PhoneNumber, StoreError};
use user_domain::{Privileges, Profile, Registration, Role, User, UserId, Username};

use crate::Users;

/// Who to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterUser {
    /// The identifier they get.
    pub id: UserId,
    /// The name they will sign in with; without one, the digits of the number.
    pub username: Option<Username>,
    /// Their number.
    pub phone_number: PhoneNumber,
    /// What they are.
    pub role: Role,
    /// What is known of them.
    pub profile: Profile,
    /// Rights beyond those of the role.
    pub privileges: Privileges,
}

/// Why nobody was registered.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum RegisterUserError {
    /// `username` or `phonenumber`.
    #[error("somebody else has this {0}")]
    Taken(&'static str),
    #[error(transparent)]
    Store(StoreError),
}

impl Users {
    /// Registers somebody, for the context that proved who they are.
    pub async fn register_user(
        &self,
        command: RegisterUser,
        correlation_id: &CorrelationId,
    ) -> Result<UserId, RegisterUserError> {
        let RegisterUser { id, username, phone_number, role, profile, privileges } = command;
        let username = username.unwrap_or_else(|| Username::from(&phone_number));
        let registration = Registration { id, username, phone_number: Some(phone_number), role, profile, privileges };
        let now = self.clock.now();
        let (user, signed_up) = User::register(registration, now);

        let mut work = self.store.begin().await.map_err(RegisterUserError::Store)?;
        work.users().add(&user).await.map_err(|error| match error {
            StoreError::Duplicate { key } => RegisterUserError::Taken(key),
            error => RegisterUserError::Store(error),
        })?;
        let event = record(&signed_up, correlation_id, &*self.ids, now);
        work.outbox().append(&[event]).await.map_err(RegisterUserError::Store)?;
        work.commit().await.map_err(RegisterUserError::Store)?;
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use kernel_domain::StoreError;
    use user_domain::testing::a_phone_number;
    use uuid::Uuid;

    use super::*;
    use crate::testing::World;

    fn a_driver() -> RegisterUser {
        RegisterUser {
            id: UserId::new(Uuid::from_u128(1)),
            username: None,
            phone_number: a_phone_number(),
            role: Role::Driver { date_of_birth: None },
            profile: Profile::default(),
            privileges: Privileges::None,
        }
    }

    fn correlation() -> CorrelationId {
        CorrelationId::from(Uuid::from_u128(2))
    }

    #[tokio::test]
    async fn who_registers_goes_by_the_digits_of_their_number_and_is_announced() {
        let command = a_driver();
        let digits = command.phone_number.digits().to_owned();
        let mut world = World::default();
        world.work.users.expect_add().times(1).withf(move |it| it.username().as_str() == digits).returning(|_| Ok(()));
        world
            .work
            .outbox
            .expect_append()
            .times(1)
            .withf(|events| {
                events.len() == 1 && events[0].name == "UserSignup" && events[0].correlation_id == correlation()
            })
            .returning(|_| Ok(()));
        let (users, committed) = world.commits();

        users.register_user(command, &correlation()).await.expect("they register");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_number_that_somebody_else_has_registers_nobody() {
        let mut world = World::default();
        world.work.users.expect_add().returning(|_| Err(StoreError::Duplicate { key: "phonenumber" }));
        let (users, committed) = world.commits();

        let refusal = users.register_user(a_driver(), &correlation()).await;

        assert!(matches!(refusal, Err(RegisterUserError::Taken("phonenumber"))));
        assert!(!committed.happened());
    }
}
