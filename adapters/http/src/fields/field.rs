//! One field on its way from the request to a value.

use poem_openapi::registry::MetaSchema;
use serde_json::Value;

use super::white_space::{WHITE_SPACE, trimmed};
use super::{Described, Fields, Sent};
use crate::fault::Fault;

/// What applies to a field besides its kind.
#[derive(Default)]
pub(crate) struct Rules {
    pub(super) max: Option<usize>,
    pub(super) blank: Blank,
    /// Of a form, every value of this name counts, not only the last.
    pub(super) many: bool,
    nullable: bool,
}

impl Rules {
    /// The most characters that there may be, if this text has more.
    pub(super) fn exceeded_by(&self, text: &str) -> Option<usize> {
        self.max.filter(|max| text.chars().count() > *max)
    }
}

/// What an empty text is. In a form, where everything is text, it says nothing.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blank {
    /// Of another kind than the field.
    #[default]
    NoText,
    /// A text, which may not be empty.
    Refused,
    /// A value like others.
    Kept,
}

/// What the document says of a text that may not be blank.
pub(crate) const NOT_BLANK: &str = r"\S";

/// A field that `convert` makes a value of; [`Field::required`] or [`Field::optional`] reads it.
pub(crate) struct Field<'f, C> {
    fields: &'f mut Fields,
    name: &'static str,
    rules: Rules,
    /// Only while the fields are described.
    schema: Option<Box<MetaSchema>>,
    convert: C,
}

/// What is to become of something that may stay as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change<T> {
    /// Nothing was said of it.
    Stay,
    /// It goes.
    Clear,
    /// It is this from now on.
    Become(T),
}

impl<T> From<Change<T>> for Option<Option<T>> {
    fn from(change: Change<T>) -> Self {
        match change {
            Change::Stay => None,
            Change::Clear => Some(None),
            Change::Become(value) => Some(Some(value)),
        }
    }
}

/// Makes a value of what was sent, which is not null.
pub(crate) trait Convert<T>: FnOnce(Value, &Rules) -> Result<T, Vec<Fault>> {}
impl<T, C: FnOnce(Value, &Rules) -> Result<T, Vec<Fault>>> Convert<T> for C {}

impl Fields {
    pub(super) fn field<T, C: Convert<T>>(
        &mut self,
        name: &'static str,
        about: &'static str,
        schema: impl FnOnce() -> MetaSchema,
        convert: C,
    ) -> Field<'_, C> {
        let schema = self.described.is_some().then(|| Box::new(MetaSchema { description: Some(about), ..schema() }));
        Field { fields: self, name, rules: Rules::default(), schema, convert }
    }
}

impl<'f, C> Field<'f, C> {
    /// At most `max` characters of text, with the white space around it, or entries of a list.
    pub(crate) fn max(mut self, max: usize) -> Self {
        self.rules.max = Some(max);
        self
    }

    /// It is a text, and an empty one is none.
    pub(super) fn not_blank(mut self) -> Self {
        self.rules.blank = Blank::Refused;
        self
    }

    /// An empty text is a value too.
    pub(crate) fn blank(mut self) -> Self {
        self.rules.blank = Blank::Kept;
        self
    }

    /// What a text looks like without the white space around it, for the document: [`Field::parse`] judges it.
    pub(crate) fn looking_like(mut self, pattern: &str) -> Self {
        if let Some(schema) = &mut self.schema {
            schema.pattern = Some(format!("^{WHITE_SPACE}*{pattern}{WHITE_SPACE}*$"));
        }
        self
    }

    /// A null says the same as leaving the field out.
    pub(crate) fn nullable(mut self) -> Self {
        self.rules.nullable = true;
        self
    }

    /// Every value of this name counts.
    pub(super) fn many(mut self) -> Self {
        self.rules.many = true;
        self
    }

    /// Goes on to `parse` the text that was read, say into a type of the domain.
    pub(crate) fn parse<U, E: Into<Fault>>(self, parse: impl FnOnce(&str) -> Result<U, E>) -> Field<'f, impl Convert<U>>
    where
        C: Convert<String>,
    {
        let Self { fields, name, rules, schema, convert } = self;
        let convert = |value: Value, rules: &Rules| {
            let text = convert(value, rules)?;
            parse(&text).map_err(|refusal| vec![refusal.into()])
        };
        Field { fields, name, rules, schema, convert }
    }

    /// The value; `None` if it is missing or at fault, which is recorded.
    pub(crate) fn required<T>(mut self) -> Option<T>
    where
        C: Convert<T>,
    {
        if self.is_described(true, false) {
            return None;
        }
        match self.fields.take(self.name, self.rules.many, false) {
            None => self.at_fault(Fault::required()),
            Some(Value::Null) => self.at_fault(Fault::null()),
            Some(value) => self.convert(value),
        }
    }

    /// The value, or `Some(None)` if there is none; `None` if it is at fault, which is recorded.
    #[expect(clippy::option_option, reason = "absent is an answer, at fault is none")]
    pub(crate) fn optional<T>(mut self) -> Option<Option<T>>
    where
        C: Convert<T>,
    {
        if self.is_described(false, false) {
            return None;
        }
        match self.fields.take(self.name, self.rules.many, self.rules.blank != Blank::Kept) {
            None => Some(None),
            Some(Value::Null) if self.rules.nullable => Some(None),
            Some(Value::Null) => self.at_fault(Fault::null()),
            Some(value) => self.convert(value).map(Some),
        }
    }

    /// What is to become of it; `None` if that is at fault, which is recorded. Null clears it, and so does an empty
    /// text where the field is one, or in a form: that knows no null.
    pub(crate) fn change<T>(mut self) -> Option<Change<T>>
    where
        C: Convert<T>,
    {
        self.rules.nullable = true;
        if self.is_described(false, true) {
            return None;
        }
        let clears = self.rules.blank != Blank::NoText || !matches!(self.fields.sent, Sent::Json(_));
        match self.fields.take(self.name, self.rules.many, false) {
            None => Some(Change::Stay),
            Some(Value::Null) => Some(Change::Clear),
            Some(Value::String(sent)) if clears && self.is_blank(&sent) => Some(Change::Clear),
            Some(value) => self.convert(value).map(Change::Become),
        }
    }

    /// Whether this is a text of nothing but white space, and not of too much of it.
    fn is_blank(&self, sent: &str) -> bool {
        trimmed(sent).is_empty() && self.rules.exceeded_by(sent).is_none()
    }

    fn is_described(&mut self, required: bool, clears: bool) -> bool {
        let Some((described, mut schema)) = self.fields.described.as_mut().zip(self.schema.take()) else {
            return false;
        };
        let limit = if self.rules.many { &mut schema.max_items } else { &mut schema.max_length };
        *limit = self.rules.max.or(*limit);
        schema.nullable = self.rules.nullable;
        if clears || self.rules.blank == Blank::Kept {
            schema.pattern = schema.pattern.take().filter(|it| it != NOT_BLANK);
        }
        described.push(Described { name: self.name, schema, required });
        true
    }

    fn convert<T>(self, value: Value) -> Option<T>
    where
        C: Convert<T>,
    {
        let Self { fields, name, rules, convert, .. } = self;
        match convert(value, &rules) {
            Ok(value) => Some(value),
            Err(faults) => {
                let path = format!("{}{name}", fields.prefix);
                fields.faults.extend(faults.into_iter().map(|fault| fault.below(&path)));
                None
            }
        }
    }

    fn at_fault<T>(self, fault: Fault) -> Option<T> {
        let path = format!("{}{}", self.fields.prefix, self.name);
        self.fields.faults.push(fault.of(path));
        None
    }
}
