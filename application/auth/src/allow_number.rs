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
