//! Somebody asks whether a number has an account.

use auth_domain::PhoneNumber;
use kernel_domain::StoreError;

use crate::{Auth, NumberStanding, UnassignableNumber};

/// A number, and whether it has an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedNumber {
    /// The number in E.164 form.
    pub phone_number: PhoneNumber,
    /// Whether somebody signs in with it, or that is not told.
    pub has_account: bool,
}

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum CheckPhoneNumberError {
    #[error(transparent)]
    Unassignable(#[from] UnassignableNumber),
    #[error("the number is banned")]
    Banned,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Whether a number has an account. Where accounts are hidden, each has.
    pub async fn check_phone_number(&self, number: &PhoneNumber) -> Result<CheckedNumber, CheckPhoneNumberError> {
        let phone_number = self.numbering_plans.assignable(number)?;
        if self.policy.accounts_are_hidden {
            return Ok(CheckedNumber { phone_number, has_account: true });
        }
        match self.accounts.standing(&phone_number).await? {
            NumberStanding::Taken(account) => {
                self.recent_numbers.keep(phone_number.clone(), Some(account.id), self.clock.now());
                Ok(CheckedNumber { phone_number, has_account: true })
            }
            NumberStanding::Free => {
                self.recent_numbers.keep(phone_number.clone(), None, self.clock.now());
                Ok(CheckedNumber { phone_number, has_account: false })
            }
            NumberStanding::Banned => Err(CheckPhoneNumberError::Banned),
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::testing::a_phone_number;

    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn where_accounts_are_hidden_nobody_is_asked() {
        let mut world = World::default();
        world.accounts.expect_standing().never();
        let (mut auth, _) = world.commits();
        auth.policy.accounts_are_hidden = true;

        assert!(auth.check_phone_number(&a_phone_number()).await.expect("an answer").has_account);
    }

    #[tokio::test]
    async fn a_banned_number_is_told_to_be() {
        let mut world = World::default();
        world.accounts.expect_standing().returning(|_| Ok(NumberStanding::Banned));
        let (auth, _) = world.commits();

        let refused = auth.check_phone_number(&a_phone_number()).await;

        assert!(matches!(refused, Err(CheckPhoneNumberError::Banned)));
    }
}
