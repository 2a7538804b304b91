//! What users are called.

use std::fmt;

use crate::{PhoneNumber, UserId};

/// The name somebody signs in with: 1 to 15 characters without white space, compared exactly.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

/// A text that is no username.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a username has 1 to {} characters and no white space", Username::MAX_CHARS)]
pub struct InvalidUsername;

impl Username {
    /// Characters in the longest username: as many as a phone number has digits.
    pub const MAX_CHARS: usize = 15;

    /// Takes a username as given.
    pub fn parse(raw: &str) -> Result<Self, InvalidUsername> {
        let length = raw.chars().count();
        let well_formed = (1..=Self::MAX_CHARS).contains(&length) && !raw.chars().any(char::is_whitespace);
        if well_formed { Ok(Self(raw.to_owned())) } else { Err(InvalidUsername) }
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Username> for String {
    fn from(name: Username) -> Self {
        name.0
    }
}

impl Username {
    /// What somebody is called who is gone, so that their name is free again: a dash, and fourteen of the random digits of
    /// their identifier.
    pub fn of_nobody(id: UserId) -> Self {
        let digits = id.as_uuid().as_simple().to_string();
        Self(format!("-{}", &digits[digits.len() - (Self::MAX_CHARS - 1)..]))
    }
}

/// Who signs up with a phone number goes by its digits.
impl From<&PhoneNumber> for Username {
    fn from(number: &PhoneNumber) -> Self {
        Self(number.digits().to_owned())
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name somebody goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullName(String);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// There is nothing in it.
    #[error("a name may not be blank")]
    Blank,
    /// It is longer than [`FullName::MAX_CHARS`].
    #[error("a name has at most {} characters", FullName::MAX_CHARS)]
    TooLong,
}

impl FullName {
    /// Characters in the longest name.
    pub const MAX_CHARS: usize = 32;

    /// Takes a name as given, without surrounding white space.
    pub fn parse(raw: &str) -> Result<Self, InvalidName> {
        let name = raw.trim();
        if name.is_empty() {
            return Err(InvalidName::Blank);
        }
        if name.chars().count() > Self::MAX_CHARS {
            return Err(InvalidName::TooLong);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address, as far as its form tells: something, an at sign, something; at most 254
/// characters (RFC 5321).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// A text that is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address is a name, an at sign and a domain")]
pub struct InvalidEmail;

impl Email {
    /// Characters in the longest address.
    pub const MAX_CHARS: usize = 254;

    /// Takes an address as given.
    pub fn parse(raw: &str) -> Result<Self, InvalidEmail> {
        let (name, domain) = raw.rsplit_once('@').ok_or(InvalidEmail)?;
        let well_formed = !name.is_empty()
            && !domain.is_empty()
            && raw.chars().count() <= Self::MAX_CHARS
            && !raw.chars().any(|it| it.is_whitespace() || it.is_control());
        if well_formed { Ok(Self(raw.to_owned())) } else { Err(InvalidEmail) }
    }

    /// The address' text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a permission group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName(String);

/// A text that names no group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a group's name has 1 to {} characters", GroupName::MAX_CHARS)]
pub struct InvalidGroupName;

impl GroupName {
    /// Characters in the longest name.
    pub const MAX_CHARS: usize = 64;

    /// Takes a name as given, without surrounding white space.
    pub fn parse(raw: &str) -> Result<Self, InvalidGroupName> {
        let name = raw.trim();
        let fits = (1..=Self::MAX_CHARS).contains(&name.chars().count());
        if fits { Ok(Self(name.to_owned())) } else { Err(InvalidGroupName) }
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<GroupName> for String {
    fn from(name: GroupName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_phone_number_makes_a_username() {
        let number = PhoneNumber::parse("+123456789012345").expect("fifteen digits");

        let username = Username::from(&number);

        assert_eq!(username.to_string(), "123456789012345");
        assert_eq!(Username::parse(username.as_str()), Ok(username));
    }

    #[test]
    fn who_is_gone_has_a_name_that_nobody_chooses_and_a_row_can_hold() {
        let id = UserId::new(uuid::Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_1234_5678_9abc));

        let name = Username::of_nobody(id);

        assert_eq!(name.as_str(), "-00123456789abc");
        assert_eq!(Username::parse(name.as_str()), Ok(name));
    }

    #[test]
    fn a_username_is_one_short_word() {
        for raw in ["", "two words", "sixteen-letters-"] {
            assert_eq!(Username::parse(raw), Err(InvalidUsername), "{raw}");
        }
    }

    #[test]
    fn a_full_name_fits_in_32_characters() {
        assert_eq!(FullName::parse(" Kim Minsu ").map(|it| it.as_str().to_owned()), Ok("Kim Minsu".to_owned()));
        assert_eq!(FullName::parse("  "), Err(InvalidName::Blank));
        assert_eq!(FullName::parse(&"김".repeat(33)), Err(InvalidName::TooLong));
        assert!(FullName::parse(&"김".repeat(32)).is_ok());
    }

    #[test]
    fn an_address_has_a_name_and_a_domain() {
        assert_eq!(Email::parse("ann@example.com").map(|it| it.as_str().to_owned()), Ok("ann@example.com".to_owned()));
        let too_long = format!("{}@example.com", "n".repeat(Email::MAX_CHARS - 11));
        for raw in ["ann", "@example.com", "ann@", "an n@example.com", "ann\u{7}@example.com", &too_long] {
            assert_eq!(Email::parse(raw), Err(InvalidEmail), "{raw}");
        }
        assert!(Email::parse(&too_long[1..]).is_ok());
    }

    #[test]
    fn a_groups_name_is_trimmed_bounded_and_never_blank() {
        assert_eq!(GroupName::parse(" night shift ").map(|it| it.as_str().to_owned()), Ok("night shift".to_owned()));
        for raw in ["", "  ", &"조".repeat(65)] {
            assert_eq!(GroupName::parse(raw), Err(InvalidGroupName), "{raw}");
        }
        assert!(GroupName::parse(&"조".repeat(64)).is_ok(), "characters count, not bytes");
    }
}
