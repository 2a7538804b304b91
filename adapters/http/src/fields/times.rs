//! Days and points in time, each in one spelling.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use poem_openapi::registry::MetaSchema;
use serde_json::Value;

use super::Fields;
use super::field::{Convert, Field, Rules};
use crate::fault::Fault;
use crate::messages::Message;

impl Fields {
    /// A day: `1990-02-28`.
    pub(crate) fn date(&mut self, name: &'static str, about: &'static str) -> Field<'_, impl Convert<NaiveDate>> {
        let schema = || MetaSchema::new_with_format("string", "date");
        self.field(name, about, schema, |value, _: &Rules| date(&value).ok_or_else(|| vec![not_a_date()]))
    }

    /// A point in time of RFC 3339, in any zone.
    pub(crate) fn timestamp(
        &mut self,
        name: &'static str,
        about: &'static str,
    ) -> Field<'_, impl Convert<DateTime<Utc>>> {
        let schema = || MetaSchema::new_with_format("string", "date-time");
        self.field(name, about, schema, |value, _: &Rules| timestamp(&value).ok_or_else(|| vec![not_a_timestamp()]))
    }
}

/// The library is content with fewer digits, and with signs: one day would have many spellings.
fn date(value: &Value) -> Option<NaiveDate> {
    let sent = value.as_str()?;
    let well_formed = sent.len() == 10 && sent.bytes().all(|it| it.is_ascii_digit() || it == b'-');
    let date = NaiveDate::parse_from_str(sent, "%Y-%m-%d").ok()?;
    (well_formed && date.year() > 0).then_some(date)
}

/// In whole microseconds, and of a year that has four digits in UTC too: stores keep no others.
fn timestamp(value: &Value) -> Option<DateTime<Utc>> {
    let sent = DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
    let instant = DateTime::from_timestamp_micros(sent.timestamp_micros())?;
    (1..=9999).contains(&instant.year()).then_some(instant)
}

fn not_a_date() -> Fault {
    Fault::invalid(Message::InvalidDate)
}

fn not_a_timestamp() -> Fault {
    Fault::invalid(Message::InvalidTimestamp)
}
