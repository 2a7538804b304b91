//! An operator says whose numbers may sign up as staff.

use auth_domain::{AllowedNumber, PhoneNumber};
use kernel_domain::StoreError;

use crate::{Auth, UnassignableNumber};

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum AllowNumberError {
    #[error(transparent)]
    Unassignable(#[from] UnassignableNumber),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Lets the owner of a number sign up as staff.
    pub async fn allow_number(&self, number: AllowedNumber) -> Result<(), AllowNumberError> {
        let phone_number = self.numbering_plans.assignable(&number.phone_number)?;
        let mut work = self.store.begin().await?;
        work.allowed_numbers().save(&AllowedNumber { phone_number, ..number }).await?;
        work.commit().await?;
        Ok(())
    }

    /// Lets the owner of a number sign up as staff no longer; whether they could.
    pub async fn disallow_number(&self, number: &PhoneNumber) -> Result<bool, AllowNumberError> {
        let number = self.numbering_plans.assignable(number)?;
        let mut work = self.store.begin().await?;
        let was_allowed = work.allowed_numbers().remove(&number).await?;
        work.commit().await?;
        Ok(was_allowed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auth_domain::Description;
    use auth_domain::testing::a_phone_number;

    use super::*;
    use crate::MockNumberingPlans;
    use crate::testing::World;

    /// Auth with a numbering plan in which every number is written as `proper`.
    fn writing(auth: Auth, proper: &PhoneNumber) -> Auth {
        let mut plans = MockNumberingPlans::new();
        let proper = proper.clone();
        plans.expect_assignable().returning(move |_| Ok(proper.clone()));
        Auth { numbering_plans: Arc::new(plans), ..auth }
    }

    #[tokio::test]
    async fn a_number_is_allowed_in_the_form_in_which_it_will_sign_up() {
        let (given, proper) = (a_phone_number(), a_phone_number());
        let mut world = World::default();
        let kept = AllowedNumber { phone_number: proper.clone(), description: Description::default() };
        world.work.allowed_numbers.expect_save().times(1).withf(move |it| *it == kept).returning(|_| Ok(()));
        let (auth, committed) = world.commits();
        let number = AllowedNumber { phone_number: given, description: Description::default() };

        writing(auth, &proper).allow_number(number).await.expect("it is allowed");

        assert!(committed.happened());
    }

    #[tokio::test]
    async fn who_is_allowed_no_longer_was_allowed_or_was_not() {
        for was_allowed in [true, false] {
            let proper = a_phone_number();
            let mut world = World::default();
            let theirs = proper.clone();
            let remove = world.work.allowed_numbers.expect_remove().times(1).withf(move |it| *it == theirs);
            remove.returning(move |_| Ok(was_allowed));
            let (auth, committed) = world.commits();

            let told = writing(auth, &proper).disallow_number(&a_phone_number()).await.expect("it is removed");

            assert_eq!(told, was_allowed);
            assert!(committed.happened());
        }
    }
}
