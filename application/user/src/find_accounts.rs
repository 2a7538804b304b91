//! Looking an account up, for whoever signs somebody in.

use kernel_domain::StoreError;

use crate::{Account, AccountName, Users};

impl Users {
    /// The account that goes by this name, for other contexts: they decide what follows from it.
    pub async fn account(&self, name: &AccountName) -> Result<Option<Account>, StoreError> {
        self.queries.account(name).await
    }
}
