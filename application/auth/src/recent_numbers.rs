//! Whose numbers were seen of late: who has just asked whether a number has an account will not have another looked up.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use auth_domain::{AccountId, PhoneNumber};
use chrono::{DateTime, TimeDelta, Utc};

/// How long it is known whose a number is: as long as somebody takes from one page of a form to the next. Accounts keep their
/// numbers until they are closed.
const TAKEN_FOR: TimeDelta = TimeDelta::minutes(1);

/// How long it is known that a number is nobody's, as other absences: somebody may sign up with it on another instance. Who
/// opens an account looks for themselves.
const FREE_FOR: TimeDelta = TimeDelta::seconds(5);

/// Numbers that are remembered: as many as are seen in a minute.
const CAPACITY: usize = 10_000;

/// Whose numbers were seen of late.
#[derive(Default)]
pub struct RecentNumbers(Mutex<HashMap<PhoneNumber, Seen>>);

/// Whose a number was, if anybody's, and when.
#[derive(Clone, Copy)]
struct Seen {
    account: Option<AccountId>,
    at: DateTime<Utc>,
}

impl Seen {
    fn is_fresh(self, now: DateTime<Utc>) -> bool {
        now - self.at < if self.account.is_some() { TAKEN_FOR } else { FREE_FOR }
    }
}

impl RecentNumbers {
    /// The account that had this number just now.
    pub(crate) fn account_of(&self, number: &PhoneNumber, now: DateTime<Utc>) -> Option<AccountId> {
        self.seen(number, now)?.account
    }

    /// Whether nobody had this number just now.
    pub(crate) fn is_free(&self, number: &PhoneNumber, now: DateTime<Utc>) -> bool {
        self.seen(number, now).is_some_and(|it| it.account.is_none())
    }

    /// Remembers whose number this is; nobody's, if there is no account.
    pub(crate) fn keep(&self, number: PhoneNumber, account: Option<AccountId>, now: DateTime<Utc>) {
        let mut recent = self.lock();
        if recent.len() >= CAPACITY {
            recent.retain(|_, seen| seen.is_fresh(now));
        }
        if recent.len() < CAPACITY || recent.contains_key(&number) {
            recent.insert(number, Seen { account, at: now });
        }
    }

    fn seen(&self, number: &PhoneNumber, now: DateTime<Utc>) -> Option<Seen> {
        self.lock().get(number).copied().filter(|it| it.is_fresh(now))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PhoneNumber, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::testing::{a_phone_number, an_account};
    use kernel_application::testing::noon;

    use super::*;

    #[test]
    fn that_a_number_is_free_is_forgotten_sooner_than_whose_it_is() {
        let (recent, number, account) = (RecentNumbers::default(), a_phone_number(), an_account());
        let after = |seconds| noon() + TimeDelta::seconds(seconds);

        recent.keep(number.clone(), None, noon());
        assert!(recent.is_free(&number, after(4)) && !recent.is_free(&number, after(5)));
        assert_eq!(recent.account_of(&number, after(4)), None);

        recent.keep(number.clone(), Some(account), noon());
        assert!(!recent.is_free(&number, noon()));
        assert_eq!(recent.account_of(&number, after(59)), Some(account));
        assert_eq!(recent.account_of(&number, after(60)), None);
    }

    #[test]
    fn no_more_numbers_are_known_than_fit_and_those_that_are_no_longer_fresh_make_room() {
        let (recent, account) = (RecentNumbers::default(), an_account());
        let numbers: Vec<PhoneNumber> = (0..=CAPACITY).map(|_| a_phone_number()).collect();
        let (first, one_more) = (&numbers[0], &numbers[CAPACITY]);
        for number in &numbers {
            recent.keep(number.clone(), Some(account), noon());
        }
        assert_eq!(recent.account_of(one_more, noon()), None);

        let later = noon() + TimeDelta::seconds(59);
        recent.keep(first.clone(), Some(account), later);
        recent.keep(one_more.clone(), Some(account), noon() + TAKEN_FOR);

        assert_eq!(recent.account_of(first, noon() + TAKEN_FOR), Some(account), "a number that is known is kept anew");
        assert_eq!(recent.account_of(one_more, noon() + TAKEN_FOR), Some(account));
        assert_eq!(recent.lock().len(), 2);
    }
}
