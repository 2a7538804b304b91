//! Points in time, as every answer writes them: RFC 3339, in UTC, with microseconds.

use std::borrow::Cow;

use chrono::{DateTime, Datelike as _, SecondsFormat, TimeDelta, Timelike as _, Utc};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{Example, ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A point in time: `2026-01-02T12:00:00.000000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp(pub(crate) DateTime<Utc>);

impl Type for Timestamp {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            example: Self::example().to_json(),
            ..MetaSchema::new_with_format("string", "date-time")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for Timestamp {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.to_rfc3339_opts(SecondsFormat::Micros, true).into())
    }
}

/// Written digit by digit: a page has hundreds of them.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let at = self.0.naive_utc();
        let Some(year) = u32::try_from(at.year()).ok().filter(|it| *it <= 9999) else {
            return serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true));
        };
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        for (end, digits, number) in [
            (4, 4, year),
            (7, 2, at.month()),
            (10, 2, at.day()),
            (13, 2, at.hour()),
            (16, 2, at.minute()),
            (19, 2, at.second()),
            (26, 6, self.0.timestamp_subsec_micros()),
        ] {
            let mut rest = number;
            for digit in text.iter_mut().take(end).rev().take(digits) {
                *digit += u8::try_from(rest % 10).unwrap_or_default();
                rest /= 10;
            }
        }
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl ParseFromJSON for Timestamp {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let instant = DateTime::<Utc>::parse_from_json(value).map_err(ParseError::propagate)?;
        Ok(Self(instant))
    }
}

impl Example for Timestamp {
    fn example() -> Self {
        Self(DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_355_200))
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_application::testing::noon;

    #[test]
    fn a_time_has_six_decimals_and_a_z() {
        assert_eq!(Timestamp(noon()).to_json(), Some("2026-01-02T12:00:00.000000Z".into()));
    }

    #[test]
    fn it_is_written_in_one_way_whoever_writes_it() {
        let instants =
            [-62_135_596_800_000_000, -1, 0, 951_782_399_999_999, 1_767_355_200_000_001, 253_402_300_800_000_000];
        for instant in instants.map(|it| DateTime::from_timestamp_micros(it).expect("a time")).map(Timestamp) {
            assert_eq!(serde_json::to_value(instant).ok(), instant.to_json());
        }
    }
}
