//! Phone numbers in E.164 form.

use std::fmt;

/// A phone number in E.164 form (ITU-T): a plus sign and at most fifteen digits.
///
/// `Debug` hides all but the country: a phone number is personal and has no place in a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

/// A text that is no phone number in international form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a phone number is a plus sign, a country code and a number, 8 to 15 digits together")]
pub struct InvalidPhoneNumber;

impl PhoneNumber {
    const MIN_DIGITS: usize = 8;
    const MAX_DIGITS: usize = 15;

    /// Takes a number in international form; spaces, dashes and `tel:` are left away.
    pub fn parse(raw: &str) -> Result<Self, InvalidPhoneNumber> {
        let text = raw.trim();
        let text = text.strip_prefix("tel:").unwrap_or(text);
        let number: String = text.chars().filter(|it| !matches!(it, ' ' | '-')).collect();
        let digits = number.strip_prefix('+').ok_or(InvalidPhoneNumber)?;
        let well_formed = (Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&digits.len())
            && digits.bytes().all(|it| it.is_ascii_digit())
            && !digits.starts_with('0');
        if well_formed { Ok(Self(number)) } else { Err(InvalidPhoneNumber) }
    }

    /// The number, with its plus sign.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number's digits, without the plus sign.
    pub fn digits(&self) -> &str {
        self.0.trim_start_matches('+')
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({}…)", self.0.get(..3).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_spellings_mean_the_same_number() {
        for raw in ["+821012345678", "+82-10-1234-5678", " tel:+82 10 1234 5678 "] {
            assert_eq!(PhoneNumber::parse(raw).map(|it| it.as_str().to_owned()), Ok("+821012345678".to_owned()));
        }
    }

    #[test]
    fn without_a_country_there_is_no_number() {
        for raw in ["", "+", "01012345678", "+0123456789", "+1234567", "+1234567890123456", "+82 abc 12345"] {
            assert_eq!(PhoneNumber::parse(raw), Err(InvalidPhoneNumber), "{raw}");
        }
    }

    #[test]
    fn the_digits_of_a_number_stand_without_its_plus_sign() {
        assert_eq!(
            PhoneNumber::parse("+82-10-1234-5678").map(|it| it.digits().to_owned()),
            Ok("821012345678".to_owned())
        );
    }

    #[test]
    fn a_log_does_not_show_the_number() {
        let number = PhoneNumber::parse("+821012345678").expect("a number");

        assert_eq!(format!("{number:?}"), "PhoneNumber(+82…)");
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parser_panic(raw in ".*") {
            let _ = PhoneNumber::parse(&raw);
        }
    }
}
