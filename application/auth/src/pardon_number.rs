//! An operator believes a number again for which too many wrong tokens were shown.

use auth_domain::PhoneNumber;
use kernel_domain::StoreError;

use crate::{Auth, UnassignableNumber};

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum PardonNumberError {
    #[error(transparent)]
    Unassignable(#[from] UnassignableNumber),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Lets tokens for a number be requested and shown again; whether it was stopped.
    pub async fn pardon_number(&self, number: &PhoneNumber) -> Result<bool, PardonNumberError> {
        let number = self.numbering_plans.assignable(number)?;
        let mut work = self.store.begin().await?;
        let mut verification = work.verifications().find(&number).await?;
        let was_stopped = verification.pardon();
        if was_stopped {
            work.verifications().save(&verification).await?;
            work.commit().await?;
        }
        Ok(was_stopped)
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::testing::{a_challenge, a_phone_number, hash_of};
    use auth_domain::{PhoneVerification, Purpose, ShownBy};
    use kernel_application::testing::noon;

    use super::*;
    use crate::testing::World;

    fn stopped(number: &PhoneNumber) -> PhoneVerification {
        let mut verification = PhoneVerification::of(number.clone(), vec![]);
        let mut now = noon();
        while verification.request(a_challenge(Purpose::SignIn), ShownBy::Anybody, now).is_ok() {
            for _ in 0..PhoneVerification::TRIES {
                verification
                    .confirm(Purpose::SignIn, hash_of("000000"), ShownBy::Anybody, now)
                    .expect("it can be compared");
            }
            now += PhoneVerification::DAY;
        }
        verification
    }

    #[tokio::test]
    async fn a_number_that_was_stopped_is_believed_again() {
        let number = a_phone_number();
        let mut world = World::default();
        world.work.verifications.expect_find().returning(|it| Ok(stopped(it)));
        world.work.verifications.expect_save().times(1).withf(|it| !it.clone().pardon()).returning(|_| Ok(()));
        let (auth, committed) = world.commits();

        assert!(auth.pardon_number(&number).await.expect("it is found"));
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn there_is_nothing_to_pardon_in_a_number_that_was_not_stopped() {
        let mut world = World::default();
        world.work.verifications.expect_find().returning(|it| Ok(PhoneVerification::of(it.clone(), vec![])));
        let (auth, committed) = world.commits();

        assert!(!auth.pardon_number(&a_phone_number()).await.expect("it is found"));
        assert!(!committed.happened());
    }
}
