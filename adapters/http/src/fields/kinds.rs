//! The kinds of fields there are.

use kernel_application::{Direction, PageNumber, PageRequest};
use kernel_domain::{InvalidPhoneNumber, PhoneNumber};
use poem_openapi::registry::MetaSchema;
use serde_json::Value;
use uuid::Uuid;

use super::field::{Blank, Change, Convert, Field, NOT_BLANK, Rules};
use super::white_space::trimmed;
use super::{Fields, Input, Sent};
use crate::cursor;
use crate::fault::Fault;
use crate::messages::Message;
use crate::path::strict_uuid;

impl Fields {
    /// A text, without the white space around it; not empty unless `blank`. The most that it may have counts what was sent,
    /// as the document can say no other.
    pub(crate) fn text(&mut self, name: &'static str, about: &'static str) -> Field<'_, impl Convert<String>> {
        let schema = || MetaSchema { pattern: Some(NOT_BLANK.to_owned()), ..MetaSchema::new("string") };
        self.field(name, about, schema, text).not_blank()
    }

    /// A text to the letter, white space included: a password.
    pub(crate) fn secret(&mut self, name: &'static str, about: &'static str) -> Field<'_, impl Convert<String>> {
        let schema = || MetaSchema { min_length: Some(1), ..MetaSchema::new_with_format("string", "password") };
        self.field(name, about, schema, verbatim).not_blank()
    }

    /// A UUID, with or without dashes.
    pub(crate) fn uuid(&mut self, name: &'static str, about: &'static str) -> Field<'_, impl Convert<Uuid>> {
        self.field(name, about, uuid_schema, |value, _: &Rules| uuid(&value).map_err(|fault| vec![fault]))
    }

    /// A phone number in international form; a number or an object is none.
    pub(crate) fn phone_number(
        &mut self,
        name: &'static str,
        about: &'static str,
    ) -> Field<'_, impl Convert<PhoneNumber>> {
        self.text(name, about).parse(PhoneNumber::parse)
    }

    /// A file, of a body that can carry one.
    pub(crate) fn file(&mut self, name: &'static str, about: &'static str) -> Option<Change<Vec<u8>>> {
        match self.take_file(name) {
            Some(file) if file.is_empty() => {
                self.fault(Fault::new("empty", Message::EmptyFile).of(name));
                None
            }
            Some(file) => Some(Change::Become(file.into())),
            None => {
                let schema = || MetaSchema::new_with_format("string", "binary");
                self.field(name, about, schema, |_, _: &Rules| Err(vec![not_a_file()])).change()
            }
        }
    }

    /// A boolean of JSON; where everything is text `true`, `false`, `1` or `0`, in any case.
    pub(crate) fn boolean(&mut self, name: &'static str, about: &'static str) -> Field<'_, impl Convert<bool>> {
        let is_json = matches!(self.sent, Sent::Json(_));
        self.field(
            name,
            about,
            || MetaSchema::new("boolean"),
            move |value, _: &Rules| boolean(&value, is_json).ok_or_else(|| vec![Fault::not_a_boolean()]),
        )
    }

    /// One of `choices`, by its name on the wire.
    pub(crate) fn choice<T: Copy + 'static>(
        &mut self,
        name: &'static str,
        about: &'static str,
        choices: &'static [T],
        name_of: fn(T) -> &'static str,
    ) -> Field<'_, impl Convert<T>> {
        let schema = || choice_schema(choices, name_of);
        self.field(name, about, schema, move |value: Value, _: &Rules| {
            chosen(&value, choices, name_of).map_err(|fault| vec![fault])
        })
    }

    /// The parameters `page`, `cursor` and `page_size` of every list.
    pub(crate) fn page(&mut self) -> Option<PageRequest> {
        let about = "Which page, counted from 1, or `last`.";
        let schema = || MetaSchema {
            pattern: Some("^(last|[1-9][0-9]*)$".to_owned()),
            default: Some("1".into()),
            ..MetaSchema::new("string")
        };
        let number = self.field("page", about, schema, page_number).optional();
        let about = "Instead of a page: where the last one ended, as its `next` or `previous` says; empty for the first \
                     page. Nothing is counted then, and what it costs does not grow with the list.";
        let schema = || MetaSchema {
            pattern: Some("^[A-Za-z0-9_-]*$".to_owned()),
            max_length: Some(cursor::MAX_CHARS),
            ..MetaSchema::new("string")
        };
        let cursor =
            self.field("cursor", about, schema, |value: Value, rules: &Rules| match verbatim(value, rules)?.as_str() {
                "" => Ok(None),
                sent => cursor::read(sent).map(Some).ok_or_else(|| vec![Fault::not_a_cursor()]),
            });
        let cursor = cursor.blank().optional();
        let about = "Entries on a page. More than 100 is held at 100.";
        let schema = || MetaSchema {
            minimum: Some(1.0),
            default: Some(PageRequest::DEFAULT_SIZE.into()),
            ..MetaSchema::new("integer")
        };
        let size = self.field("page_size", about, schema, page_size).optional();
        let (number, cursor, size) = (number?, cursor?, size?.unwrap_or(PageRequest::DEFAULT_SIZE));
        match cursor {
            Some(cursor) => PageRequest::beyond(cursor, size),
            None => PageRequest::new(number.unwrap_or(PageNumber::Number(1)), size),
        }
    }

    /// The parameter `ordering`: names of `keys` with commas between them, each descending if a
    /// dash stands before it.
    pub(crate) fn ordering<K: Copy + 'static>(
        &mut self,
        keys: &'static [(&'static str, K)],
    ) -> Option<Vec<(K, Direction)>> {
        let about = "What to order by; a dash before a name means descending, commas separate several. \
                     Newest first by default.";
        let schema = || {
            let names = keys.iter().map(|(name, _)| *name).collect::<Vec<_>>().join("|");
            MetaSchema { pattern: Some(format!("^-?({names})(,-?({names}))*$")), ..MetaSchema::new("string") }
        };
        let order = self
            .field("ordering", about, schema, |value: Value, rules: &Rules| ordering(&verbatim(value, rules)?, keys));
        order.optional().map(Option::unwrap_or_default)
    }
}

fn text(value: Value, rules: &Rules) -> Result<String, Vec<Fault>> {
    read(value, rules, trimmed)
}

fn verbatim(value: Value, rules: &Rules) -> Result<String, Vec<Fault>> {
    read(value, rules, |sent| sent)
}

fn read(value: Value, rules: &Rules, part: fn(&str) -> &str) -> Result<String, Vec<Fault>> {
    let Value::String(sent) = value else { return Err(vec![Fault::not_a_string()]) };
    if let Some(max) = rules.exceeded_by(&sent) {
        return Err(vec![Fault::too_long(max)]);
    }
    let text = part(&sent);
    if text.is_empty() && rules.blank != Blank::Kept {
        return Err(vec![Fault::blank()]);
    }
    if text.contains('\0') {
        return Err(vec![Fault::null_characters()]);
    }
    Ok(text.to_owned())
}

/// Reads one UUID.
pub(super) fn uuid(value: &Value) -> Result<Uuid, Fault> {
    value.as_str().and_then(strict_uuid).ok_or_else(Fault::not_a_uuid)
}

/// The one of `choices` that goes by this name.
pub(super) fn chosen<T: Copy>(value: &Value, choices: &[T], name_of: fn(T) -> &'static str) -> Result<T, Fault> {
    let sent = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let found = choices.iter().copied().find(|it| name_of(*it) == sent);
    found.ok_or_else(|| Fault::invalid_choice(&sent))
}

impl From<InvalidPhoneNumber> for Fault {
    fn from(InvalidPhoneNumber: InvalidPhoneNumber) -> Self {
        Self::invalid(Message::InvalidPhoneNumber)
    }
}

fn not_a_file() -> Fault {
    Fault::invalid(Message::NotAFile)
}

fn boolean(value: &Value, is_json: bool) -> Option<bool> {
    if is_json {
        return value.as_bool();
    }
    match trimmed(value.as_str()?).to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn page_number(value: Value, rules: &Rules) -> Result<PageNumber, Vec<Fault>> {
    let sent = verbatim(value, rules)?;
    if sent == "last" {
        return Ok(PageNumber::Last);
    }
    counting_number(&sent).map(PageNumber::Number).ok_or_else(|| vec![Fault::not_a_page()])
}

fn page_size(value: Value, rules: &Rules) -> Result<u32, Vec<Fault>> {
    counting_number(&verbatim(value, rules)?).ok_or_else(|| vec![Fault::not_a_page_size()])
}

/// A whole number from 1, in its one spelling. One that is larger than any list is held at the largest there is.
fn counting_number(sent: &str) -> Option<u32> {
    let is_one = sent.bytes().all(|byte| byte.is_ascii_digit()) && !sent.is_empty() && !sent.starts_with('0');
    is_one.then(|| sent.parse().unwrap_or(u32::MAX))
}

fn ordering<K: Copy>(sent: &str, keys: &[(&str, K)]) -> Result<Vec<(K, Direction)>, Vec<Fault>> {
    let mut order = Vec::new();
    let mut faults = Vec::new();
    for term in sent.split(',') {
        let (name, direction) = match term.strip_prefix('-') {
            Some(name) => (name, Direction::Descending),
            None => (term, Direction::Ascending),
        };
        match keys.iter().find(|(key, _)| *key == name) {
            Some((_, key)) => order.push((*key, direction)),
            None => faults.push(Fault::invalid_choice(term)),
        }
    }
    if faults.is_empty() { Ok(order) } else { Err(faults) }
}

/// The kind of a value, by the name the messages have always used for it.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

pub(super) fn uuid_schema() -> MetaSchema {
    MetaSchema::new_with_format("string", "uuid")
}

pub(super) fn choice_schema<T: Copy>(choices: &[T], name_of: fn(T) -> &'static str) -> MetaSchema {
    let enum_items = choices.iter().map(|it| Value::from(name_of(*it))).collect();
    MetaSchema { enum_items, ..MetaSchema::new("string") }
}

/// Of a list without filters, a query says the page only.
impl Input for PageRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.page()
    }
}
