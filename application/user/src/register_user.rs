//! Somebody new gets an account.

use kernel_application::record;
use kernel_domain::{CorrelationId, StoreError};
use user_domain::{PhoneNumber, Privileges, Profile, Registration, Role, User, UserId, Username};

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
    use std::sync::Arc;

    use async_trait::async_trait;
    use kernel_application::testing::{Committed, CountingIds, Noon};
    use kernel_domain::{MockOutbox, Outbox};
    use user_domain::testing::a_phone_number;
    use user_domain::{MockUserRepository, UserRepository, UserStore, UserWork};
    use uuid::Uuid;

    use super::*;
    use crate::MockUserQueries;

    #[derive(Default)]
    struct MockedWork {
        users: MockUserRepository,
        outbox: MockOutbox,
        committed: Committed,
    }

    #[async_trait]
    impl UserWork for MockedWork {
        fn users(&mut self) -> &mut dyn UserRepository {
            &mut self.users
        }
        fn outbox(&mut self) -> &mut dyn Outbox {
            &mut self.outbox
        }
        async fn commit(self: Box<Self>) -> Result<(), StoreError> {
            self.committed.note();
            Ok(())
        }
    }

    struct OneWork(std::sync::Mutex<Option<MockedWork>>);

    #[async_trait]
    impl UserStore for OneWork {
        async fn begin(&self) -> Result<Box<dyn UserWork>, StoreError> {
            let work = self.0.lock().expect("nobody panics here").take();
            Ok(Box::new(work.expect("one unit of work")))
        }
    }

    fn users(work: MockedWork) -> Users {
        Users {
            store: Arc::new(OneWork(std::sync::Mutex::new(Some(work)))),
            queries: Arc::new(MockUserQueries::new()),
            clock: Arc::new(Noon),
            ids: Arc::new(CountingIds::default()),
        }
    }

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
        let mut work = MockedWork::default();
        work.users.expect_add().times(1).withf(move |it| it.username().as_str() == digits).returning(|_| Ok(()));
        work.outbox
            .expect_append()
            .times(1)
            .withf(|events| {
                events.len() == 1 && events[0].name == "UserSignup" && events[0].correlation_id == correlation()
            })
            .returning(|_| Ok(()));
        let committed = work.committed.clone();

        users(work).register_user(command, &correlation()).await.expect("they register");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_number_that_somebody_else_has_registers_nobody() {
        let mut work = MockedWork::default();
        work.users.expect_add().returning(|_| Err(StoreError::Duplicate { key: "phonenumber" }));
        let committed = work.committed.clone();

        let refusal = users(work).register_user(a_driver(), &correlation()).await;

        assert!(matches!(refusal, Err(RegisterUserError::Taken("phonenumber"))));
        assert!(!committed.happened());
    }
}
