//! Looking accounts up, for whoever signs somebody in.

use chrono::{DateTime, Utc};
use kernel_domain::{PhoneNumber, StoreError};
use user_domain::{PhoneNumberHash, UserId};

use crate::{Account, AccountName, NumberStanding, Users};

/// What such hashes are for: they have nothing in common with any others.
const BANNED_NUMBER: &str = "user: banned phone number";

impl Users {
    /// The account that goes by this name, for other contexts: they decide what follows from it.
    pub async fn account(&self, name: &AccountName) -> Result<Option<Account>, StoreError> {
        self.queries.account(name).await
    }

    /// Who has a phone number, for other contexts.
    pub async fn number_standing(&self, number: &PhoneNumber) -> Result<NumberStanding, StoreError> {
        self.queries.standing(number, &self.hashes_of(number)).await
    }

    /// Users whose accounts could be used until `since` at least, and cannot be used any more: whatever opens doors in
    /// their name must not.
    pub async fn deactivated_since(&self, since: DateTime<Utc>) -> Result<Vec<UserId>, StoreError> {
        self.queries.deactivated_since(since).await
    }

    /// What is kept of a number that must not be had again.
    pub(crate) fn hash_of(&self, number: &PhoneNumber) -> PhoneNumberHash {
        PhoneNumberHash::new(self.hash.digest(BANNED_NUMBER, number.as_str().as_bytes()))
    }

    /// What is kept of it now, and what was kept of it with earlier keys.
    fn hashes_of(&self, number: &PhoneNumber) -> Vec<PhoneNumberHash> {
        let hashes = self.hash.digests(BANNED_NUMBER, number.as_str().as_bytes());
        hashes.into_iter().map(PhoneNumberHash::new).collect()
    }
}
