//! Numbers whose owners may sign up as staff.

use crate::PhoneNumber;

/// A number whose owner may sign up as staff, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedNumber {
    /// The number.
    pub phone_number: PhoneNumber,
    /// Whose it is, for whoever looks after the list.
    pub description: Description,
}

/// A line about something, at most 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description(String);

/// The text is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a description has at most {} characters", Description::MAX_CHARS)]
pub struct InvalidDescription;

impl Description {
    /// Characters in the longest description.
    pub const MAX_CHARS: usize = 255;

    /// Takes a text as given, without surrounding white space.
    pub fn parse(raw: &str) -> Result<Self, InvalidDescription> {
        let text = raw.trim();
        if text.chars().count() > Self::MAX_CHARS { Err(InvalidDescription) } else { Ok(Self(text.to_owned())) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_a_line_without_white_space_around_it_and_may_be_empty() {
        assert_eq!(Description::parse(" Kim, Busan ").map(|it| it.as_str().to_owned()), Ok("Kim, Busan".to_owned()));
        assert_eq!(Description::parse("  "), Ok(Description::default()));
        assert!(Description::parse(&"김".repeat(255)).is_ok(), "characters count, not bytes");
        assert_eq!(Description::parse(&"김".repeat(256)), Err(InvalidDescription));
    }
}
