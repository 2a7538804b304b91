//! A user: somebody with an account.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};

use crate::{Email, FullName, GroupName, PhoneNumber, UserEvent, UserId, Username};

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    id: UserId,
    username: Username,
    phone_number: Option<PhoneNumber>,
    email: Option<Email>,
    role: Role,
    profile: Profile,
    privileges: Privileges,
    state: UserState,
    joined_at: DateTime<Utc>,
}

/// What somebody is, and what is known of them because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Works in a center.
    Staff {
        /// The permission groups they are in.
        groups: Vec<GroupName>,
    },
    /// Drives transports.
    Driver {
        /// When they were born.
        date_of_birth: Option<NaiveDate>,
    },
}

impl Role {
    /// What somebody is, in one word.
    pub fn user_type(&self) -> UserType {
        match self {
            Self::Staff { .. } => UserType::Staff,
            Self::Driver { .. } => UserType::Driver,
        }
    }
}

/// What somebody is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserType {
    /// Works in a center.
    Staff,
    /// Drives transports.
    Driver,
}

impl UserType {
    /// Every type there is.
    pub const ALL: [Self; 2] = [Self::Staff, Self::Driver];

    /// The word that the API and the database use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Staff => "STAFF",
            Self::Driver => "DRIVER",
        }
    }

    /// The type with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl fmt::Display for UserType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is known of anybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// The name they go by.
    pub full_name: Option<FullName>,
    /// The storage key of their picture.
    pub image: Option<String>,
}

/// Rights beyond those of the role. A superuser has the staff flag too: the fourth combination
/// cannot be spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Privileges {
    /// None.
    #[default]
    None,
    /// The staff flag.
    Staff,
    /// The staff flag and the superuser flag.
    Superuser,
}

impl Privileges {
    /// Whether the staff flag is set.
    pub fn is_staff(self) -> bool {
        self != Self::None
    }

    /// Whether the superuser flag is set.
    pub fn is_superuser(self) -> bool {
        self == Self::Superuser
    }
}

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserState {
    /// It can.
    Active,
    /// It is switched off.
    Inactive,
    /// Its owner was thrown out for good.
    Banned,
    /// Its owner left.
    Unregistered {
        /// When they left.
        at: DateTime<Utc>,
    },
}

/// Who is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The identifier they get.
    pub id: UserId,
    /// The name they will sign in with.
    pub username: Username,
    /// Their number.
    pub phone_number: Option<PhoneNumber>,
    /// What they are.
    pub role: Role,
    /// What is known of them.
    pub profile: Profile,
    /// Rights beyond those of the role.
    pub privileges: Privileges,
}

impl User {
    /// Opens an account.
    pub fn register(registration: Registration, now: DateTime<Utc>) -> (Self, UserEvent) {
        let Registration { id, username, phone_number, role, profile, privileges } = registration;
        let user = Self {
            id,
            username,
            phone_number,
            email: None,
            role,
            profile,
            privileges,
            state: UserState::Active,
            joined_at: now,
        };
        (user, UserEvent::SignedUp { user_id: id })
    }

    /// Their identifier.
    pub fn id(&self) -> UserId {
        self.id
    }

    /// The name they sign in with.
    pub fn username(&self) -> &Username {
        &self.username
    }

    /// What they are.
    pub fn role(&self) -> &Role {
        &self.role
    }
}

/// Everything a store must keep to bring a user back, unjudged: rules guard transitions, never history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct UserSnapshot {
    pub id: UserId,
    pub username: Username,
    pub phone_number: Option<PhoneNumber>,
    pub email: Option<Email>,
    pub role: Role,
    pub profile: Profile,
    pub privileges: Privileges,
    pub state: UserState,
    pub joined_at: DateTime<Utc>,
}

impl User {
    /// What a store keeps.
    pub fn snapshot(&self) -> UserSnapshot {
        let Self { id, username, phone_number, email, role, profile, privileges, state, joined_at } = self.clone();
        UserSnapshot { id, username, phone_number, email, role, profile, privileges, state, joined_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{a_registration, noon};
    use kernel_domain::DomainEvent;

    #[test]
    fn a_new_user_is_active_and_announced() {
        let registration = a_registration();
        let id = registration.id;

        let (user, event) = User::register(registration, noon());

        assert_eq!(user.snapshot().state, UserState::Active);
        assert_eq!(event.name(), "UserSignup");
        assert_eq!(event.data(), [("uuid", id.to_string().replace('-', ""))]);
    }

    #[test]
    fn a_superuser_has_the_staff_flag() {
        assert!(Privileges::Superuser.is_staff() && Privileges::Superuser.is_superuser());
        assert!(Privileges::Staff.is_staff() && !Privileges::Staff.is_superuser());
        assert!(!Privileges::None.is_staff());
    }

    #[test]
    fn every_type_can_be_read_back() {
        for user_type in UserType::ALL {
            assert_eq!(UserType::named(user_type.name()), Some(user_type));
        }
    }
}
