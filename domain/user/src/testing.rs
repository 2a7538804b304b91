//! Builders with sensible defaults; a test names only what it is about.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{PhoneNumber, Privileges, Profile, Registration, Role, UserId, Username};

static MADE: AtomicU64 = AtomicU64::new(1);

/// Noon on the second of January 2026.
pub fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_355_200)
}

/// A phone number like no other.
///
/// # Panics
/// Never: eight digits follow the country and the prefix.
#[expect(clippy::expect_used, reason = "the digits are ours")]
pub fn a_phone_number() -> PhoneNumber {
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    PhoneNumber::parse(&format!("+8210{number:08}")).expect("a phone number")
}

/// Somebody from the staff who registers with a number of their own.
pub fn a_registration() -> Registration {
    let phone_number = a_phone_number();
    Registration {
        id: UserId::new(Uuid::from_u128(u128::from(MADE.fetch_add(1, Ordering::Relaxed)))),
        username: Username::from(&phone_number),
        phone_number: Some(phone_number),
        role: Role::Staff { groups: Vec::new() },
        profile: Profile::default(),
        privileges: Privileges::None,
    }
}
