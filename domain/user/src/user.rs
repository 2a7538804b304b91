//! A user: somebody with an account.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};

use crate::{Email, FullName, GroupName, ImageKey, Locale, PhoneNumber, PhoneNumberHash, UserEvent, UserId, Username};

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
    locale: Locale,
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
    /// Where their picture is kept.
    pub image: Option<ImageKey>,
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
    Inactive {
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Its owner was thrown out for good.
    Banned {
        /// When.
        at: DateTime<Utc>,
        /// What is left of their number: it stays banned.
        phone_number: Option<PhoneNumberHash>,
    },
    /// Its owner left.
    Unregistered {
        /// When they left.
        at: DateTime<Utc>,
    },
}

impl UserState {
    /// Since when the account cannot be used; `None` while it can.
    pub fn deactivated_at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Active => None,
            Self::Inactive { since } => Some(since),
            Self::Banned { at, .. } | Self::Unregistered { at } => Some(at),
        }
    }
}

/// What a user may change about themselves. What is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileChange {
    /// The name they go by, or none any more.
    pub full_name: Option<Option<FullName>>,
    /// When they were born, or that they no longer tell. Only drivers are asked.
    pub date_of_birth: Option<Option<NaiveDate>>,
    /// Where their new picture is kept, or that they want none.
    pub image: Option<Option<ImageKey>>,
}

/// What a superuser may change about somebody. What is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountChange {
    /// The staff flag.
    pub is_staff: Option<bool>,
    /// Whether the account can be used.
    pub is_active: Option<bool>,
    /// The address, or none any more.
    pub email: Option<Option<Email>>,
    /// The permission groups. Only staff are in any.
    pub groups: Option<Vec<GroupName>>,
}

/// Why somebody cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotChangeUser {
    /// Their account was given up, or taken from them: there is nothing left to change.
    #[error("the account was closed")]
    Closed,
    /// A superuser has the staff flag.
    #[error("a superuser has the staff flag")]
    SuperuserWithoutStaffFlag,
    /// Drivers are in no permission group.
    #[error("only staff are in permission groups")]
    GroupsOfDriver,
}

/// Why an account is not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotClose {
    /// There is nothing left to close.
    #[error("the account was closed already")]
    AlreadyClosed,
    /// The staff cannot rid themselves of who looks after them: it takes the superuser flag off first.
    #[error("the account is that of a superuser")]
    Superuser,
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
            locale: Locale::default(),
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

    /// Their number.
    pub fn phone_number(&self) -> Option<&PhoneNumber> {
        self.phone_number.as_ref()
    }

    /// Changes what they tell of themselves; the picture that is not needed any more, if there is one.
    pub fn change_profile(&mut self, change: ProfileChange) -> Result<Option<ImageKey>, CannotChangeUser> {
        self.require_open()?;
        let ProfileChange { full_name, date_of_birth, image } = change;
        if let Some(full_name) = full_name {
            self.profile.full_name = full_name;
        }
        if let (Some(told), Role::Driver { date_of_birth }) = (date_of_birth, &mut self.role) {
            *date_of_birth = told;
        }
        Ok(image.and_then(|image| std::mem::replace(&mut self.profile.image, image)))
    }

    /// Changes what a superuser may change, and tells if that switched the account off or on.
    pub fn change_account(
        &mut self,
        change: AccountChange,
        now: DateTime<Utc>,
    ) -> Result<Option<UserEvent>, CannotChangeUser> {
        self.require_open()?;
        let AccountChange { is_staff, is_active, email, groups } = change;
        let privileges = match (self.privileges, is_staff) {
            (Privileges::Superuser, Some(false)) => return Err(CannotChangeUser::SuperuserWithoutStaffFlag),
            (Privileges::Superuser, _) => Privileges::Superuser,
            (_, Some(true)) => Privileges::Staff,
            (_, Some(false)) => Privileges::None,
            (kept, None) => kept,
        };
        match (&mut self.role, groups) {
            (Role::Staff { groups }, Some(given)) => *groups = given,
            (Role::Driver { .. }, Some(given)) if !given.is_empty() => return Err(CannotChangeUser::GroupsOfDriver),
            _ => {}
        }
        self.privileges = privileges;
        if let Some(email) = email {
            self.email = email;
        }
        match (self.state, is_active) {
            (UserState::Active, Some(false)) => {
                self.state = UserState::Inactive { since: now };
                Ok(Some(UserEvent::Suspended { user_id: self.id }))
            }
            (UserState::Inactive { .. }, Some(true)) => {
                self.state = UserState::Active;
                Ok(Some(UserEvent::Reinstated { user_id: self.id }))
            }
            _ => Ok(None),
        }
    }

    /// Closes the account of somebody who leaves. Nothing stays that tells who they were; the picture that is
    /// not needed any more comes with the event.
    pub fn unregister(&mut self, now: DateTime<Utc>) -> Result<(UserEvent, Option<ImageKey>), CannotClose> {
        self.require_closable()?;
        let image = self.scrub();
        self.state = UserState::Unregistered { at: now };
        Ok((UserEvent::Deactivated { user_id: self.id }, image))
    }

    /// Closes the account of somebody who is thrown out. Nothing stays that tells who they were, but for what
    /// keeps their number out: `hash` is that of the number they have.
    pub fn ban(
        &mut self,
        hash: Option<PhoneNumberHash>,
        now: DateTime<Utc>,
    ) -> Result<(UserEvent, Option<ImageKey>), CannotClose> {
        self.require_closable()?;
        let image = self.scrub();
        self.state = UserState::Banned { at: now, phone_number: hash };
        Ok((UserEvent::Banned { user_id: self.id }, image))
    }

    fn require_open(&self) -> Result<(), CannotChangeUser> {
        match self.state {
            UserState::Active | UserState::Inactive { .. } => Ok(()),
            UserState::Banned { .. } | UserState::Unregistered { .. } => Err(CannotChangeUser::Closed),
        }
    }

    fn require_closable(&self) -> Result<(), CannotClose> {
        self.require_open().map_err(|_| CannotClose::AlreadyClosed)?;
        if self.privileges.is_superuser() { Err(CannotClose::Superuser) } else { Ok(()) }
    }

    /// Forgets who they were.
    fn scrub(&mut self) -> Option<ImageKey> {
        self.username = Username::of_nobody(self.id);
        self.phone_number = None;
        self.email = None;
        self.privileges = Privileges::None;
        self.role = match self.role {
            Role::Staff { .. } => Role::Staff { groups: Vec::new() },
            Role::Driver { .. } => Role::Driver { date_of_birth: None },
        };
        std::mem::take(&mut self.profile).image
    }
}

impl From<UserSnapshot> for User {
    fn from(kept: UserSnapshot) -> Self {
        let UserSnapshot { id, username, phone_number, email, role, profile, privileges, locale, state, joined_at } =
            kept;
        Self { id, username, phone_number, email, role, profile, privileges, locale, state, joined_at }
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
    pub locale: Locale,
    pub state: UserState,
    pub joined_at: DateTime<Utc>,
}

impl User {
    /// What a store keeps.
    pub fn snapshot(&self) -> UserSnapshot {
        let Self { id, username, phone_number, email, role, profile, privileges, locale, state, joined_at } =
            self.clone();
        UserSnapshot { id, username, phone_number, email, role, profile, privileges, locale, state, joined_at }
    }
}

#[cfg(test)]
#[path = "user_tests.rs"]
mod tests;
