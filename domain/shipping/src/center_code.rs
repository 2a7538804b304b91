//! How shipping names a distribution center.

use std::fmt;

/// The code of a distribution center: compared exactly, letter case and all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CenterCode(String);

/// Why a text is no center code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCenterCode {
    /// There is nothing in it.
    #[error("a center code may not be blank")]
    Blank,
    /// It is longer than [`CenterCode::MAX_CHARS`].
    #[error("a center code has at most {} characters", CenterCode::MAX_CHARS)]
    TooLong,
    /// It holds a control character: two codes that look alike must be alike.
    #[error("a center code holds no control characters")]
    Characters,
}

impl CenterCode {
    /// Characters in the longest code.
    pub const MAX_CHARS: usize = 16;

    /// Takes a code as given, without surrounding white space.
    pub fn parse(raw: &str) -> Result<Self, InvalidCenterCode> {
        let code = raw.trim();
        if code.is_empty() {
            return Err(InvalidCenterCode::Blank);
        }
        if code.chars().count() > Self::MAX_CHARS {
            return Err(InvalidCenterCode::TooLong);
        }
        if code.contains(char::is_control) {
            return Err(InvalidCenterCode::Characters);
        }
        Ok(Self(code.to_owned()))
    }

    /// The code's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CenterCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Route;

    proptest! {
        #[test]
        fn whatever_is_a_code_is_read_back_as_it_is_written(raw in "\\PC{0,18}|[ \t]{0,2}[A-Za-z0-9-]{1,17}[ \n]{0,2}|.{0,18}") {
            let expected = raw.trim();
            let fits = (1..=CenterCode::MAX_CHARS).contains(&expected.chars().count());
            let code = CenterCode::parse(&raw);
            prop_assert_eq!(code.is_ok(), fits && !expected.contains(char::is_control));
            if let Ok(code) = code {
                prop_assert_eq!(code.as_str(), expected);
                prop_assert_eq!(CenterCode::parse(code.as_str()), Ok(code));
            }
        }

        #[test]
        fn a_route_is_between_any_two_codes_that_differ(source in "[A-Ca-c]{1,2}", destination in "[A-Ca-c]{1,2}") {
            let code = |raw: &str| CenterCode::parse(raw).expect("a code");
            let route = Route::between(code(&source), code(&destination));
            prop_assert_eq!(route.is_ok(), source != destination);
            if let Ok(route) = route {
                prop_assert_eq!((route.source().as_str(), route.destination().as_str()), (&*source, &*destination));
            }
        }
    }

    #[test]
    fn codes_differ_by_case() {
        assert_ne!(CenterCode::parse("ABC001"), CenterCode::parse("abc001"));
    }

    #[test]
    fn blank_long_and_unprintable_codes_are_refused() {
        assert_eq!(CenterCode::parse("  "), Err(InvalidCenterCode::Blank));
        assert_eq!(CenterCode::parse(&"A".repeat(17)), Err(InvalidCenterCode::TooLong));
        assert_eq!(CenterCode::parse("A\nB"), Err(InvalidCenterCode::Characters));
        assert!(CenterCode::parse(&"동".repeat(16)).is_ok(), "characters count, not bytes");
    }
}
