//! Reading what a client sent, field by field: every fault is found, not only the first, and the
//! same reading describes the fields in the document, so that the two cannot drift apart.
//!
//! An [`Input`] reads all its fields first and looks at the outcomes afterwards:
//!
//! ```text
//! fn read(fields: &mut Fields) -> Option<Self> {
//!     let sku = fields.text("sku", "The article.").max(20).required();
//!     let driver_id = fields.uuid("driver_uuid", "Who drives.").optional();
//!     Some(Self { sku: sku?, driver_id: driver_id? })
//! }
//! ```

mod field;
mod kinds;
mod lists;
mod times;
mod white_space;

use std::collections::HashMap;

use bytes::Bytes;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde_json::{Map, Value};

pub(crate) use field::{Change, Convert, Field, NOT_BLANK};
pub(crate) use kinds::kind_of;

use crate::fault::Fault;

/// A thing that clients send: the fields of a body, or the parameters of a query.
pub(crate) trait Input: Sized + Send {
    /// Reads every field, then builds the value; `None` if any of them was at fault.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// Fields as they were sent.
pub(crate) enum Sent {
    /// The members of a JSON object.
    Json(Map<String, Value>),
    /// A form or a query: text only, and a name may occur many times.
    Text(HashMap<String, Vec<String>>),
    /// A form that carries files; of a name that occurs many times the last file counts.
    Upload { texts: HashMap<String, Vec<String>>, files: HashMap<String, Bytes> },
}

impl Sent {
    /// Reads `a=1&b=2`. What is not UTF-8 is replaced, as everywhere on the web.
    pub(crate) fn urlencoded(raw: &[u8]) -> Self {
        // Decoding to pairs of strings cannot fail: whatever is not a pair is an empty value.
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(raw).unwrap_or_default();
        let mut fields: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in pairs {
            fields.entry(name).or_default().push(value);
        }
        Self::Text(fields)
    }

    /// A form has no lists: where one of `names` occurs many times, the first values are of one object, the second ones of
    /// another, and so on. Whatever is beyond `at_most` objects is dropped.
    pub(crate) fn one_by_one(self, names: &[&str], at_most: usize) -> Vec<Self> {
        let Self::Text(fields) = self else { return vec![self] };
        let count = names.iter().filter_map(|it| fields.get(*it)).map(Vec::len).max().unwrap_or_default();
        if count <= 1 {
            return vec![Self::Text(fields)];
        }
        let mut objects = vec![HashMap::new(); count.min(at_most)];
        for (name, values) in fields {
            for (object, value) in objects.iter_mut().zip(values) {
                object.insert(name.clone(), vec![value]);
            }
        }
        objects.into_iter().map(Self::Text).collect()
    }
}

/// The fields of one object, and the faults found in them so far.
pub(crate) struct Fields {
    sent: Sent,
    /// Where this object stands in the request: `[1].`
    prefix: String,
    faults: Vec<Fault>,
    /// Set while the fields are only described: then nothing is read and nothing is at fault.
    described: Option<Vec<Described>>,
}

/// One field, for the document.
struct Described {
    name: &'static str,
    schema: Box<MetaSchema>,
    required: bool,
}

impl Fields {
    /// Reads a `T` out of `sent`, or says all that is wrong with it. `prefix` leads to this object.
    pub(crate) fn read<T: Input>(sent: Sent, prefix: String) -> Result<T, Vec<Fault>> {
        let mut fields = Self { sent, prefix, faults: Vec::new(), described: None };
        match T::read(&mut fields) {
            Some(value) if fields.faults.is_empty() => Ok(value),
            _ => Err(fields.faults),
        }
    }

    /// Describes the fields of `T`.
    pub(crate) fn describe<T: Input>() -> MetaSchema {
        let sent = Sent::Json(Map::new());
        let mut fields = Self { sent, prefix: String::new(), faults: Vec::new(), described: Some(Vec::new()) };
        let _ = T::read(&mut fields);
        let mut schema = MetaSchema::new("object");
        for field in fields.described.into_iter().flatten() {
            if field.required {
                schema.required.push(field.name);
            }
            schema.properties.push((field.name, MetaSchemaRef::Inline(field.schema)));
        }
        schema
    }

    /// Records what no single field is to blame for, or what only several together show.
    pub(crate) fn fault(&mut self, fault: Fault) {
        if self.described.is_none() {
            self.faults.push(fault);
        }
    }

    /// Takes a field's value out. An empty text counts as absent where `blank` says so.
    fn take(&mut self, name: &str, many: bool, blank_is_absent: bool) -> Option<Value> {
        match &mut self.sent {
            Sent::Json(members) => members.remove(name),
            // A file is of the wrong kind wherever none is asked for, as a list is.
            Sent::Upload { files, .. } if files.contains_key(name) => Some(Value::Array(Vec::new())),
            Sent::Text(fields) | Sent::Upload { texts: fields, .. } => {
                let mut values = fields.remove(name)?;
                if blank_is_absent {
                    values.retain(|value| !value.trim().is_empty());
                }
                if many && !values.is_empty() {
                    return Some(Value::Array(values.into_iter().map(Value::String).collect()));
                }
                values.pop().map(Value::String)
            }
        }
    }

    /// Takes a file out.
    fn take_file(&mut self, name: &str) -> Option<Bytes> {
        match &mut self.sent {
            Sent::Json(_) | Sent::Text(_) => None,
            Sent::Upload { files, .. } => files.remove(name),
        }
    }
}
