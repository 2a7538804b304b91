//! What people read off labels: tracking numbers, batch aliases, article numbers.

use std::fmt;

use chrono::NaiveDate;

/// The number on a parcel: `20260102-0123456789`, a UTC date and ten digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackingNumber(String);

/// A text that is no tracking number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tracking number is a date, a dash and ten digits")]
pub struct InvalidTrackingNumber;

impl TrackingNumber {
    /// How many tracking numbers there are on one day.
    pub const PER_DAY: u64 = 10_000_000_000;

    /// The `number`th tracking number of a day; numbers from [`Self::PER_DAY`] on start over.
    pub fn generated(day: NaiveDate, number: u64) -> Self {
        Self(format!("{}-{:010}", day.format("%Y%m%d"), number % Self::PER_DAY))
    }

    /// Reads a tracking number back.
    pub fn parse(raw: &str) -> Result<Self, InvalidTrackingNumber> {
        let (day, number) = raw.split_once('-').ok_or(InvalidTrackingNumber)?;
        let digits = |text: &str, count| text.len() == count && text.bytes().all(|it| it.is_ascii_digit());
        if digits(day, 8) && digits(number, 10) { Ok(Self(raw.to_owned())) } else { Err(InvalidTrackingNumber) }
    }

    /// The number's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a batch: given, or `20260102-aBcDeFgHiJ`, a UTC date and ten letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alias(String);

/// Why a text is no alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAlias {
    /// There is nothing in it.
    #[error("an alias may not be blank")]
    Blank,
    /// It is longer than [`Alias::MAX_CHARS`].
    #[error("an alias has at most {} characters", Alias::MAX_CHARS)]
    TooLong,
    /// It holds a character that a URL would have to escape.
    #[error("an alias is made of letters, digits, dashes and underscores")]
    Characters,
}

impl Alias {
    /// Characters in the longest alias.
    pub const MAX_CHARS: usize = 20;
    /// How many generated aliases there are on one day: ten letters of either case.
    pub const PER_DAY: u64 = LETTERS.pow(10);

    /// The `number`th alias of a day; numbers from [`Self::PER_DAY`] on start over.
    pub fn generated(day: NaiveDate, number: u64) -> Self {
        let letters = (0..10).map(|place| letter(number / LETTERS.pow(place) % LETTERS)).collect::<String>();
        Self(format!("{}-{letters}", day.format("%Y%m%d")))
    }

    /// Takes an alias as given, without surrounding white space.
    pub fn parse(raw: &str) -> Result<Self, InvalidAlias> {
        let alias = raw.trim();
        if alias.is_empty() {
            return Err(InvalidAlias::Blank);
        }
        if alias.chars().count() > Self::MAX_CHARS {
            return Err(InvalidAlias::TooLong);
        }
        if !alias.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_')) {
            return Err(InvalidAlias::Characters);
        }
        Ok(Self(alias.to_owned()))
    }

    /// The alias' text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const LETTERS: u64 = 52;

fn letter(number: u64) -> char {
    const ALPHABET: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    usize::try_from(number).ok().and_then(|it| ALPHABET.get(it)).map_or('a', |it| char::from(*it))
}

/// The seller's article number; may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Sku(String);

/// Why a text is no article number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSku {
    /// It is longer than [`Sku::MAX_CHARS`].
    #[error("an sku has at most {} characters", Sku::MAX_CHARS)]
    TooLong,
    /// It holds a control character.
    #[error("an sku holds no control characters")]
    Characters,
}

impl Sku {
    /// Characters in the longest article number.
    pub const MAX_CHARS: usize = 20;

    /// Takes an article number as given, without surrounding white space.
    pub fn parse(raw: &str) -> Result<Self, InvalidSku> {
        let sku = raw.trim();
        if sku.chars().count() > Self::MAX_CHARS {
            return Err(InvalidSku::TooLong);
        }
        if sku.contains(char::is_control) {
            return Err(InvalidSku::Characters);
        }
        Ok(Self(sku.to_owned()))
    }

    /// The article number's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrackingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn second_of_january() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 2).expect("a date")
    }

    #[test]
    fn a_tracking_number_carries_its_day_and_ten_digits() {
        assert_eq!(TrackingNumber::generated(second_of_january(), 42).as_str(), "20260102-0000000042");
    }

    #[test]
    fn an_alias_carries_its_day_and_ten_letters_that_count() {
        for (number, letters) in [
            (0, "aaaaaaaaaa"),
            (1, "baaaaaaaaa"),
            (51, "Zaaaaaaaaa"),
            (2 * 52 + 1, "bcaaaaaaaa"),
            (Alias::PER_DAY - 1, "ZZZZZZZZZZ"),
            (Alias::PER_DAY, "aaaaaaaaaa"),
        ] {
            let alias = Alias::generated(second_of_january(), number);
            assert_eq!(alias.as_str(), format!("20260102-{letters}"), "{number}");
        }
    }

    #[test]
    fn what_is_not_on_a_label_is_no_tracking_number() {
        for raw in [
            "",
            "202601020000000042",
            "2026010-0000000042",
            "20260102-000000042",
            "20260102-00000000042",
            "2026-01-02-0000000042",
            "2O260102-0000000042",
            "20260102-00000000x2",
            "20260102-０00000042",
        ] {
            assert_eq!(TrackingNumber::parse(raw), Err(InvalidTrackingNumber), "{raw}");
        }
    }

    #[test]
    fn an_alias_is_safe_in_a_url() {
        assert_eq!(Alias::parse("north/7"), Err(InvalidAlias::Characters));
        assert_eq!(Alias::parse("north.7"), Err(InvalidAlias::Characters));
        assert_eq!(Alias::parse(" "), Err(InvalidAlias::Blank));
        assert_eq!(Alias::parse(&"a".repeat(21)), Err(InvalidAlias::TooLong));
        assert!(Alias::parse("North-7_b").is_ok());
        assert!(Alias::parse(&"a".repeat(20)).is_ok());
    }

    #[test]
    fn an_sku_may_be_blank_but_not_long() {
        assert_eq!(Sku::parse("  "), Ok(Sku::default()));
        assert_eq!(Sku::parse(" HAT-7 ").map(|it| it.to_string()), Ok("HAT-7".to_owned()));
        assert_eq!(Sku::parse(&"x".repeat(21)), Err(InvalidSku::TooLong));
        assert!(Sku::parse(&"신".repeat(20)).is_ok(), "characters count, not bytes");
        assert_eq!(Sku::parse("SHOE\t42"), Err(InvalidSku::Characters));
    }

    proptest! {
        #[test]
        fn what_is_generated_can_be_read_back(number in 0..u64::MAX) {
            let tracking_number = TrackingNumber::generated(second_of_january(), number);
            prop_assert_eq!(TrackingNumber::parse(tracking_number.as_str()), Ok(tracking_number.clone()));

            let alias = Alias::generated(second_of_january(), number);
            prop_assert_eq!(Alias::parse(alias.as_str()), Ok(alias.clone()));
            prop_assert_eq!(alias.as_str().len(), 19);
        }

        #[test]
        fn different_numbers_give_different_aliases(a in 0..Alias::PER_DAY, b in 0..Alias::PER_DAY) {
            let day = second_of_january();
            prop_assert_eq!(a == b, Alias::generated(day, a) == Alias::generated(day, b));
        }
    }
}
