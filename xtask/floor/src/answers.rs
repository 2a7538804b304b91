//! Answers, byte for byte as the product writes them: members in the order of the document.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use mysql_async::Value;
use serde::Serialize;
use uuid::Uuid;

use crate::known::{Center, Person};

#[derive(Serialize)]
pub(crate) struct Listing {
    pub(crate) count: u64,
    pub(crate) next: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) current_page: u32,
    pub(crate) items_per_page: u32,
    pub(crate) results: Vec<Item>,
}

#[derive(Serialize)]
pub(crate) struct Item {
    pub(crate) uuid: String,
    pub(crate) tracking_number: String,
    pub(crate) sku: String,
    pub(crate) status: String,
    pub(crate) shipping_batches_history: Vec<PastBatch>,
    pub(crate) current_distribution_center_code: Option<String>,
    pub(crate) timestamp_created: Option<String>,
    pub(crate) timestamp_completed: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct PastBatch {
    pub(crate) alias: String,
    pub(crate) completed: bool,
    #[serde(rename = "shipping_transport__uuid")]
    pub(crate) transport: Option<String>,
    #[serde(rename = "shipping_transport__distribution_center_code_source")]
    pub(crate) source: Option<String>,
    #[serde(rename = "shipping_transport__distribution_center_code_destination")]
    pub(crate) destination: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Transport<'k> {
    pub(crate) uuid: String,
    pub(crate) completed: bool,
    pub(crate) batch_count: u64,
    #[serde(rename = "distribution_center_source")]
    pub(crate) source: Option<&'k Center>,
    #[serde(rename = "distribution_center_destination")]
    pub(crate) destination: Option<&'k Center>,
    pub(crate) driver: Option<&'k Person>,
    pub(crate) timestamp_created: Option<String>,
    pub(crate) timestamp_departed: Option<String>,
    pub(crate) timestamp_arrived: Option<String>,
}

/// An identifier, from its bytes.
pub(crate) fn uuid(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes).unwrap_or_default().to_string()
}

/// A point in time, for the database.
pub(crate) fn moment(at: &DateTime<Utc>) -> Value {
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    let year = u16::try_from(at.year()).unwrap_or_default();
    let micros = at.timestamp_subsec_micros();
    Value::Date(
        year,
        small(at.month()),
        small(at.day()),
        small(at.hour()),
        small(at.minute()),
        small(at.second()),
        micros,
    )
}

/// A point in time, from the database; `None` for what is not one.
pub(crate) fn instant(column: &Value) -> Option<String> {
    let Value::Date(year, month, day, hour, minute, second, micros) = column else { return None };
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"))
}
